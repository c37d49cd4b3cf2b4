"""Thresholds and lists: read, and changed while payments flow; a change decides from the next batch on."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from riskwave.control.lists import add_entry, list_entries, remove_entry
from riskwave.control.thresholds import live_thresholds, set_threshold, threshold_history
from riskwave.errors import RiskwaveError
from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.pan import holds_pan
from riskwave.serve.problems import ProblemError, said
from riskwave.serve.render import as_json

router = APIRouter(prefix="/v1", tags=["thresholds and lists"])
Reading = Annotated[Caller, Depends(needs("read"))]
Tuning = Annotated[Caller, Depends(needs("tune"))]
Why = Annotated[str, Field(min_length=1, max_length=1_000, description="Why; kept in the audit")]
Name = Annotated[str, Path(min_length=1, max_length=128)]


class Threshold(BaseModel):
    """A threshold in force."""

    model_config = ConfigDict(extra="allow")

    rule: str = Field(description="The rule that reads it")
    name: str = Field(description="Its name there")
    value: str = Field(description="Its value, as a text")
    kind: str = Field(description="integer, number, boolean or text")
    min: float | None = Field(None, description="The least it may be")
    max: float | None = Field(None, description="The most it may be")
    unit: str | None = Field(None, description="Its unit")
    default: str = Field(description="What the rule pack says")
    revision: str = Field(description="The ruleset")
    state: str = Field(description="live, canary or shadow")
    since: str = Field(description="Since when it holds, UTC")
    author: str = Field(description="Who set it")
    why: str | None = Field(None, description="Why")


class Thresholds(BaseModel):
    """Thresholds in force, those of the live ruleset first."""

    items: list[Threshold] = Field(description="All of them")


class NewValue(BaseModel):
    """What a threshold shall be."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"value": "4", "why": "a wave of new devices"}}
    )

    value: str = Field(min_length=1, max_length=1_000, description="The value, as a text")
    why: Why
    revision: str | None = Field(None, max_length=128, description="Only in this ruleset; else in all that have it")


class Edit(BaseModel):
    """A threshold before and after."""

    rule: str = Field(description="The rule")
    name: str = Field(description="The threshold")
    before: str = Field(description="The value before")
    after: str = Field(description="The value now")
    revision: str = Field(description="The ruleset")
    control_version: int = Field(description="Named by every decision made with it")


class Edits(BaseModel):
    """What was changed, a ruleset each."""

    items: list[Edit] = Field(description="The edits")


class Value(BaseModel):
    """A value that a threshold had."""

    model_config = ConfigDict(extra="allow")

    rule: str = Field(description="The rule")
    name: str = Field(description="The threshold")
    value: str = Field(description="The value")
    revision: str = Field(description="The ruleset")
    valid_from: str = Field(description="From when, UTC")
    valid_to: str | None = Field(None, description="Until when; null while it holds")
    author: str = Field(description="Who set it")
    why: str | None = Field(None, description="Why")


class Values(BaseModel):
    """A threshold's history, the oldest first."""

    items: list[Value] = Field(description="Every value it had")


class Curve(BaseModel):
    """A threshold at several values."""

    model_config = ConfigDict(extra="allow")

    rule: str = Field(description="The rule")
    threshold: str = Field(description="The threshold")
    unit: str | None = Field(None, description="Its unit")
    now: float = Field(description="Its value now")
    events: int = Field(description="Events it was tried on")
    start: datetime = Field(description="From when, UTC")
    end: datetime = Field(description="Until when, UTC")
    attacks: int = Field(description="Attacks among them, by labels")
    at_stake: int = Field(description="Money at stake in them, minor units")
    points: list[dict[str, Any]] = Field(
        description="At each value: `ruleset` and `alone` (flagged, frauds among them, precision, recall, rates), "
        "stopped, attacks_caught, saved"
    )


class Entry(BaseModel):
    """A value on a list."""

    list_name: str = Field(description="The list")
    value: str = Field(description="The value")
    reason: str | None = Field(None, description="Why it is there")
    expires_at: str | None = Field(None, description="Until when, UTC; null for good")
    expired: bool = Field(description="Whether that is over")
    since: str = Field(description="Since when, UTC")
    author: str = Field(description="Who put it there")


class Entries(BaseModel):
    """Values on lists."""

    items: list[Entry] = Field(description="All of them, expired ones included")


class NewEntry(BaseModel):
    """A value to be put on a list."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"value": "203.0.113.0/24", "reason": "card testing"}},
    )

    value: str = Field(min_length=1, max_length=1_000, description="A token, device, address, network, merchant …")
    reason: Why
    expires_at: AwareDatetime | None = Field(None, description="Until when; null for good")


class Version(BaseModel):
    """What is in force now."""

    control_version: int = Field(description="Named by every decision made with it")


@router.get("/thresholds", response_model=Thresholds, responses=said(), summary="Thresholds in force")
def thresholds(request: Request, caller: Reading) -> Response:
    """Of every ruleset that is live, canary or shadow."""
    del caller
    return as_json({"items": live_thresholds(service_of(request).control)})


@router.put(
    "/thresholds/{rule}/{name}",
    response_model=Edits,
    responses=said(404, 409),
    summary="Set a threshold",
)
def set_value(request: Request, caller: Tuning, rule: Name, name: Name, new: NewValue) -> Response:
    """Refused where it is of another kind or out of bounds; else it decides from the next batch on."""
    control = service_of(request).control
    known = {(one.rule, one.name) for one in live_thresholds(control)}
    if (rule, name) not in known:
        raise ProblemError(404, f"{rule}.{name}: no such threshold is in force; GET /v1/thresholds lists them")
    try:
        edits = set_threshold(control, rule, name, new.value, why=new.why, author=caller.who, revision=new.revision)
    except RiskwaveError as fault:
        raise ProblemError(422, str(fault)) from None
    return as_json({"items": edits})


@router.get(
    "/thresholds/{rule}/{name}/history", response_model=Values, responses=said(404), summary="Every value it had"
)
def values(request: Request, caller: Reading, rule: Name, name: Name) -> Response:
    """The oldest first."""
    del caller
    try:
        return as_json({"items": threshold_history(service_of(request).control, rule, name)})
    except RiskwaveError as fault:
        raise ProblemError(404, str(fault)) from None


@router.get(
    "/thresholds/{rule}/{name}/curve",
    response_model=Curve,
    responses=said(404, 409, 503),
    summary="What it catches",
)
def curve(
    request: Request,
    caller: Annotated[Caller, Depends(needs("try"))],
    rule: Name,
    name: Name,
    values: Annotated[str, Query(max_length=2_000, description="3:20, 0.1:0.5:0.05 or 3,5,9", examples=["3:20"])],
    days: Annotated[int, Query(ge=1, le=90, description="Of history, up to the latest event")] = 7,
) -> Response:
    """The live ruleset over the last days with the threshold at each value: what it flags, catches and costs."""
    service = service_of(request)
    if (rule, name) not in {(one.rule, one.name) for one in live_thresholds(service.control) if one.state == "live"}:
        raise ProblemError(404, f"{rule}.{name}: the live ruleset has no such threshold")
    asked = {"rule": rule, "threshold": name, "values": values, "days": days, "rules": "live", "text": None}
    try:
        return as_json(service.jobs.wait(service.jobs.submit("sweep", asked, caller.who), service.settings.job_s))
    except RiskwaveError as fault:
        raise ProblemError(422, str(fault)) from None


@router.get("/lists", response_model=Entries, responses=said(), summary="What is on the lists")
def lists(
    request: Request,
    caller: Annotated[Caller, Depends(needs("look"))],
    name: Annotated[str | None, Query(max_length=128, description="One list only")] = None,
) -> Response:
    """Tokens among them: it takes the scope look."""
    del caller
    entries = list_entries(service_of(request).control)
    return as_json({"items": [asdict(entry) for entry in entries if name in (None, entry.list_name)]})


@router.post(
    "/lists/{list_name}/entries",
    status_code=201,
    response_model=Version,
    responses=said(409),
    summary="Add to a list",
)
def add(request: Request, caller: Tuning, list_name: Name, new: NewEntry) -> Response:
    """A list is there from its first entry on. A list named *_ip holds addresses and networks."""
    if holds_pan(new.value) or holds_pan(new.reason):
        raise ProblemError(422, "value: holds what may be a card number; lists hold tokens")
    control = service_of(request).control
    there = {(entry.list_name, entry.value): entry for entry in list_entries(control)}
    until = None if new.expires_at is None else new.expires_at.astimezone(UTC).replace(tzinfo=None)
    try:
        version = add_entry(control, list_name, new.value, reason=new.reason, expires_at=until, author=caller.who)
    except RiskwaveError as fault:
        status = 409 if (list_name, new.value.strip()) in there else 422
        raise ProblemError(status, str(fault)) from None
    return as_json({"control_version": version}, 201)


@router.delete(
    "/lists/{list_name}/entries", response_model=Version, responses=said(404), summary="Take a value off a list"
)
def remove(
    request: Request,
    caller: Tuning,
    list_name: Name,
    value: Annotated[str, Query(min_length=1, max_length=1_000, description="The value")],
    why: Annotated[str, Query(min_length=1, max_length=1_000, description="Why; kept in the audit")],
) -> Response:
    """From the next batch on."""
    control = service_of(request).control
    if not why.strip():
        raise ProblemError(422, "why: say in a few words why")
    try:
        version = remove_entry(control, list_name, value, why=why, author=caller.who)
    except RiskwaveError as fault:
        raise ProblemError(404, str(fault)) from None
    return as_json({"control_version": version})
