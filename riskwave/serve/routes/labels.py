"""Labels: what events turned out to be."""

from __future__ import annotations

from concurrent.futures import TimeoutError as LateError
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.answers import LabelRow
from riskwave.serve.notes import with_notes
from riskwave.serve.pan import holds_pan
from riskwave.serve.problems import ProblemError, said
from riskwave.serve.render import as_json
from riskwave.serve.trail import write

router = APIRouter(prefix="/v1/labels", tags=["labels"])
PATIENCE_S = 10.0


class Given(BaseModel):
    """A verdict to be kept."""

    model_config = ConfigDict(
        extra="forbid",
        title="LabelToGive",
        json_schema_extra={"example": {"event_id": "e0000001", "verdict": "fraud", "note": "the cardholder called"}},
    )

    event_id: str = Field(min_length=1, max_length=128, description="An event that was decided")
    verdict: Literal["fraud", "legitimate", "unsure"] = Field(description="What it turned out to be")
    note: str | None = Field(None, max_length=4_000, description="For those who read it later")
    scenario: str | None = Field(None, max_length=64, description="Kind of attack, of a fraud")
    episode_id: str | None = Field(None, max_length=128, description="The attack it is part of, of a fraud")


class LabelList(BaseModel):
    """What was said of an event."""

    items: list[LabelRow] = Field(description="The oldest first; unsure and notes are those given here")


@router.post("", status_code=201, response_model=LabelRow, responses=said(404, 409, 503), summary="Label an event")
def give(request: Request, caller: Annotated[Caller, Depends(needs("label"))], label: Given) -> Response:
    """Fraud and legitimate count in features and figures from now on; unsure is kept for people alone."""
    service = service_of(request)
    if label.note and holds_pan(label.note):
        raise ProblemError(422, "note: holds what may be a card number; write its token, or its last four digits")
    if service.decider.first(label.event_id) is None:
        raise ProblemError(404, f"{label.event_id}: no event with that id was decided")
    if label.verdict != "unsure" and service.decider.recalls:
        raise ProblemError(409, "RisingWave has the history that decides here: send verdicts to the topic it reads")
    now = datetime.now(UTC).replace(tzinfo=None)
    row = {
        "event_id": label.event_id,
        "verdict": label.verdict,
        "arrived_at": now,
        "source": "investigator",
        "episode_id": label.episode_id if label.verdict == "fraud" else None,
        "scenario": label.scenario if label.verdict == "fraud" else None,
    }
    if label.verdict != "unsure":
        try:
            service.decider.labels.give(row).result(PATIENCE_S)
        except LateError:
            raise ProblemError(503, "the label waits to be taken in; look for it again", retry_after=5) from None
    service.notes.add(
        label.event_id, label.verdict, label.note, author=caller.who, at=f"{now.isoformat(timespec='microseconds')}Z"
    )
    write(
        service.control,
        who=caller.who,
        what="label",
        subject=label.event_id,
        after=label.verdict,
        why=label.note or f"labelled {label.verdict}",
    )
    return as_json({**row, "note": label.note, "author": caller.who}, 201)


@router.get("", response_model=LabelList, responses=said(503), summary="The labels of an event")
def find(
    request: Request,
    caller: Annotated[Caller, Depends(needs("read"))],
    event_id: Annotated[str, Query(min_length=1, max_length=128, description="The event")],
) -> Response:
    """Those that came with the stream, and those given here with their notes."""
    del caller
    service = service_of(request)
    rows = service.decider.reading.rows(
        "select event_id, verdict, arrived_at, source, scenario, episode_id from labels where event_id = $event_id "
        "order by arrived_at",
        {"event_id": event_id},
    )
    return as_json({"items": with_notes(rows, service.notes.of(event_id))})
