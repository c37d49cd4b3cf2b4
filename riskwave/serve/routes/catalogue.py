"""What the server knows of itself: features, rejected events, figures of now."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from riskwave.catalogue import load_catalogue
from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.activity import activity, rejected
from riskwave.serve.answers import RejectedPage
from riskwave.serve.problems import said
from riskwave.serve.render import as_json

router = APIRouter(prefix="/v1", tags=["what there is"])
Reading = Annotated[Caller, Depends(needs("read"))]


class FeatureRow(BaseModel):
    """A feature."""

    name: str = Field(description="Its name: entity, measure, window")
    type: str = Field(description="DuckDB's type")
    unit: str = Field(description="Its unit")
    entity: str = Field(description="What it is about")
    window: str | None = Field(None, description="How far back it looks")
    description: str = Field(description="What it says")
    lineage: list[str] = Field(description="The columns of the sources it is made of")


class Features(BaseModel):
    """The catalogue."""

    items: list[FeatureRow] = Field(description="In the order of decision_input")


class Status(BaseModel):
    """The server now."""

    state: str = Field(description="deciding or stopped")
    control_version: int = Field(description="What is in force")
    history: int = Field(description="Events in memory")
    waiting: int = Field(description="Events that wait")
    events: int = Field(description="Received since the server started")
    duplicates: int = Field(description="Deliveries of known events since then")
    rejected: int = Field(description="Events that could not be used since then")
    degraded: int = Field(description="Decisions that a model was to score and could not, since then")
    actions: dict[str, int] = Field(description="First decisions by action since then")
    latency_p50_ms: float = Field(description="From receipt to the committed decision; a bound of a histogram's bucket")
    latency_p99_ms: float = Field(description="Likewise")
    source: str | None = Field(None, description="Why the source is read no more, where that is so")
    now: float = Field(description="The server's clock: seconds since 1970")


class Bucket(BaseModel):
    """Events of a span of event time."""

    start: datetime = Field(description="Its start, UTC")
    action: str = Field(description="What was decided")
    events: int = Field(description="How many")
    amount_minor: int | None = Field(None, description="Their sum, minor units, currencies taken as one")


class ScoreBucket(BaseModel):
    """Events of a score."""

    score: float = Field(description="The lower edge, in steps of 0.05")
    events: int = Field(description="How many")


class RuleHits(BaseModel):
    """How often a rule fired."""

    rule: str = Field(description="The rule")
    events: int = Field(description="Events it fired on")
    frauds: int = Field(description="Labelled as fraud among them")


class Place(BaseModel):
    """Where payments were made, to a tenth of a degree."""

    latitude: float = Field(description="Degrees")
    longitude: float = Field(description="Degrees")
    events: int = Field(description="How many")
    flagged: int = Field(description="Not allowed, among them")


class Activity(BaseModel):
    """What happened in the last hours of event time."""

    start: datetime | None = Field(None, description="From when, UTC; null before the first event")
    end: datetime | None = Field(None, description="The latest event, UTC")
    buckets: list[Bucket] = Field(description="By time and action, the oldest first")
    scores: list[ScoreBucket] = Field(description="By the model's score; empty without a model")
    rules: list[RuleHits] = Field(description="Those that fired most")
    places: list[Place] = Field(description="The busiest places")


@router.get("/features", response_model=Features, responses=said(), summary="Every feature")
def features(request: Request, caller: Reading) -> Response:
    """What is known of a payment when it is decided."""
    del request, caller
    return as_json({"items": [feature.as_dict() for feature in load_catalogue()]})


@router.get("/rejected", response_model=RejectedPage, responses=said(503), summary="Events that could not be used")
def find_rejected(
    request: Request,
    caller: Reading,
    limit: Annotated[int, Query(ge=1, le=500, description="How many")] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next` of the page before")] = None,
) -> Response:
    """The latest first, with the first fault of each; the bytes are for keys with the scope look."""
    return as_json(rejected(service_of(request).decider.reading, limit, cursor, raw=caller.may("look")))


@router.get("/status", response_model=Status, responses=said(), summary="The server now")
def status(request: Request, caller: Reading) -> Response:
    """Counters since it started, and what waits."""
    del caller
    decider = service_of(request).decider
    metrics = decider.metrics

    def total(name: str) -> int:
        return int(metrics.registry.get_sample_value(f"{name}_total") or 0)

    actions = {
        sample.labels["action"]: int(sample.value)
        for metric in metrics.decisions.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
    return as_json(
        {
            "state": "deciding" if decider.deciding else "stopped",
            "control_version": decider.engine.ruling.control_version,
            "history": len(decider.engine.history),
            "waiting": decider.desk.waiting,
            "events": total("riskwave_events"),
            "duplicates": total("riskwave_duplicates"),
            "rejected": total("riskwave_rejected"),
            "degraded": total("riskwave_degraded"),
            "actions": actions,
            "latency_p50_ms": metrics.latency_ms("event", 0.5),
            "latency_p99_ms": metrics.latency_ms("event", 0.99),
            "source": decider.desk.stream_fault,
            "now": time.time(),
        }
    )


@router.get("/activity", response_model=Activity, responses=said(503), summary="What happened lately")
def lately(
    request: Request,
    caller: Reading,
    hours: Annotated[float, Query(gt=0, le=24 * 31, description="How far back from the latest event")] = 24,
    buckets: Annotated[int, Query(ge=1, le=500, description="Into how many spans")] = 48,
) -> Response:
    """Decisions by time and action, scores, rules, places; no tokens."""
    del caller
    return as_json(activity(service_of(request).decider.reading, hours, buckets))
