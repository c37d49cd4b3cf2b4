"""Entities: looked for, and looked at. Every look is in the audit log before it is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from riskwave.serve import entities
from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.answers import Page
from riskwave.serve.entities import Kind, Span
from riskwave.serve.finding import Filters, search
from riskwave.serve.problems import said
from riskwave.serve.render import as_json
from riskwave.serve.trail import write_look

router = APIRouter(prefix="/v1/entities", tags=["entities"])
Looking = Annotated[Caller, Depends(needs("look"))]
Name = Annotated[str, Path(min_length=1, max_length=128, description="The token, device, address or merchant")]


class Found(BaseModel):
    """An entity whose name begins as was asked."""

    kind: Kind = Field(description="What it is")
    id: str = Field(description="Its name")
    events: int = Field(description="Its payments")
    last_seen: datetime = Field(description="The latest of them, UTC")


class FoundList(BaseModel):
    """Entities, those with most payments first."""

    items: list[Found] = Field(description="At most `limit`")


class Entity(BaseModel):
    """What is known of an entity."""

    kind: Kind = Field(description="What it is")
    id: str = Field(description="Its name")
    events: int = Field(description="Its payments")
    first_seen: datetime = Field(description="The earliest, UTC")
    last_seen: datetime = Field(description="The latest, UTC")
    amount_minor: int | None = Field(None, description="Their sum, minor units of the billing currencies taken as one")
    allowed: int = Field(description="First decisions: allow")
    challenged: int = Field(description="challenge")
    reviewed: int = Field(description="review")
    blocked: int = Field(description="block")
    frauds: int = Field(description="Payments labelled as fraud")
    features: dict[str, Any] = Field(description="The entity's features as of its last payment")


class Point(BaseModel):
    """Values at one event."""

    event_id: str = Field(description="The event")
    event_ts: datetime = Field(description="When, UTC")
    values: list[Any] = Field(description="In the order of `names`")


class Series(BaseModel):
    """Features over time."""

    names: list[str] = Field(description="The features")
    points: list[Point] = Field(description="The oldest first")


class Node(BaseModel):
    """An entity of a graph. distance: steps from the one asked about."""

    kind: Kind = Field(description="What it is")
    id: str = Field(description="Its name")
    distance: int = Field(description="Steps from the one asked about")


class Edge(BaseModel):
    """Payments in which two entities met."""

    a: str = Field(alias="from", description="kind:id")
    b: str = Field(alias="to", description="kind:id")
    events: int = Field(description="How many")
    frauds: int = Field(description="Labelled as fraud among them")
    last_seen: datetime = Field(description="The latest, UTC")


class Graph(BaseModel):
    """Entities that share payments."""

    nodes: list[Node] = Field(description="The one asked about first")
    edges: list[Edge] = Field(description="What joins them")


@router.get("", response_model=FoundList, responses=said(503), summary="Find entities by how their name begins")
def find(
    request: Request,
    caller: Looking,
    q: Annotated[str, Query(min_length=1, max_length=128, description="How the name begins")],
    limit: Annotated[int, Query(ge=1, le=100, description="How many")] = 20,
) -> Response:
    """Cards, devices, addresses and merchants."""
    service = service_of(request)
    write_look(service.control, who=caller.who, subject=f"search:{q}", route="/v1/entities")
    return as_json({"items": entities.find_entities(service.decider.reading, q, limit)})


@router.get(
    "/{kind}/{name:path}/history", response_model=Page, responses=said(404, 503), summary="Its payments and decisions"
)
def history(
    request: Request,
    caller: Looking,
    kind: Kind,
    name: Name,
    limit: Annotated[int, Query(ge=1, le=500, description="How many")] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next` of the page before")] = None,
) -> Response:
    """The latest first."""
    _look(request, caller, kind, name, "history")
    filters = Filters.model_validate({kind: name, "limit": limit, "cursor": cursor})
    return as_json(search(service_of(request).decider.reading, filters))


@router.get(
    "/{kind}/{name:path}/features", response_model=Series, responses=said(404, 503), summary="Its features over time"
)
def over_time(request: Request, caller: Looking, kind: Kind, name: Name, span: Annotated[Span, Query()]) -> Response:
    """As they were when each payment was first decided."""
    _look(request, caller, kind, name, "features")
    return as_json(entities.features_over_time(service_of(request).decider.reading, kind, name, span))


@router.get(
    "/{kind}/{name:path}/links", response_model=Graph, responses=said(404, 503), summary="Whom it shares payments with"
)
def linked(request: Request, caller: Looking, kind: Kind, name: Name) -> Response:
    """Devices, addresses, merchants and cards one step away, and cards two steps away by a device or address."""
    _look(request, caller, kind, name, "links")
    return as_json(entities.links(service_of(request).decider.reading, kind, name))


@router.get("/{kind}/{name:path}", response_model=Entity, responses=said(404, 503), summary="What is known of it")
def show(request: Request, caller: Looking, kind: Kind, name: Name) -> Response:
    """Counts, first and last payment, and its features as of the last one."""
    _look(request, caller, kind, name, "")
    return as_json(entities.entity(service_of(request).decider.reading, kind, name))


def _look(request: Request, caller: Caller, kind: Kind, name: str, part: str) -> None:
    route = f"/v1/entities/{kind}/{{id}}/{part}".rstrip("/")
    write_look(service_of(request).control, who=caller.who, subject=f"{kind}:{name}", route=route)
