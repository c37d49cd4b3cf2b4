"""The queue of alerts: looked through, taken, assigned, snoozed, closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from riskwave.alerts import moments
from riskwave.alerts.acts import DONE, Act, Result, act
from riskwave.alerts.finding import counts, find, one
from riskwave.errors import RiskwaveError
from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.alerts import (
    AlertCounts,
    AlertDetail,
    AlertFilters,
    AlertPage,
    Assigning,
    Bulk,
    BulkResults,
    Closing,
    Noting,
    Snoozing,
)
from riskwave.serve.mask import without_tokens
from riskwave.serve.pan import holds_pan
from riskwave.serve.problems import ProblemError, said
from riskwave.serve.render import as_json
from riskwave.serve.service import Service
from riskwave.serve.trail import write_all, write_look

router = APIRouter(prefix="/v1", tags=["alerts"])
Reading = Annotated[Caller, Depends(needs("read"))]
Triaging = Annotated[Caller, Depends(needs("triage"))]
EventId = Annotated[str, Path(min_length=1, max_length=128, description="The event that raised it")]


@router.get("/alerts", response_model=AlertPage, responses=said(503), summary="The queue of alerts")
def queue(request: Request, caller: Reading, filters: Annotated[AlertFilters, Query()]) -> Response:
    """One alert a flagged event. A search by a card, device or ip is a look at it."""
    service = service_of(request)
    looked = filters.looked_at()
    if looked and not caller.may("look"):
        raise ProblemError(403, f"the key {caller.key.name} has not the scope look, which a search by token needs")
    for subject in looked:
        write_look(service.control, who=caller.who, subject=subject, route="/v1/alerts")
    service.feed.catch_up()
    try:
        items, following = find(
            service.alerts, filters.sought(caller.who), moments.now(), limit=filters.limit, cursor=filters.cursor
        )
    except RiskwaveError as fault:
        raise ProblemError(422, str(fault)) from None
    return as_json({"items": [_seen(caller, item) for item in items], "next": following})


@router.get("/alerts:counts", response_model=AlertCounts, responses=said(503), summary="How many alerts there are")
def figures(request: Request, caller: Reading) -> Response:
    """By status and severity."""
    del caller
    service = service_of(request)
    service.feed.catch_up()
    return as_json(counts(service.alerts, moments.now()))


@router.post("/alerts:bulk", response_model=BulkResults, responses=said(503), summary="Do the same to many alerts")
def bulk(request: Request, caller: Triaging, many: Bulk) -> Response:
    """Each by itself: what cannot be done to one is told of it, and done to the others."""
    service = service_of(request)
    return as_json({"items": [asdict(result) for result in _do(service, caller, many.event_ids, many.act(caller.who))]})


@router.get(
    "/alerts/{event_id:path}", response_model=AlertDetail, responses=said(404, 503), summary="An alert and its history"
)
def show(request: Request, caller: Reading, event_id: EventId) -> Response:
    """What was done about it and whom it was told. A look at the card; GET /v1/decisions/{event_id} has the rest."""
    return _shown(service_of(request), caller, event_id)


@router.post(
    "/alerts/{event_id:path}/acknowledge",
    response_model=AlertDetail,
    responses=said(404, 409, 503),
    summary="Take an alert",
)
def acknowledge(request: Request, caller: Triaging, event_id: EventId, how: Noting) -> Response:
    """It is yours unless it is somebody's; nobody is told of it any more."""
    return _done(request, caller, event_id, Act("acknowledge", how.note))


@router.post(
    "/alerts/{event_id:path}/assign",
    response_model=AlertDetail,
    responses=said(404, 409, 503),
    summary="Assign an alert",
)
def assign(request: Request, caller: Triaging, event_id: EventId, how: Assigning) -> Response:
    """To yourself takes it; to another it stays open, and is escalated unless they take it; to null it is nobody's."""
    return _done(request, caller, event_id, how.act(caller.who))


@router.post(
    "/alerts/{event_id:path}/snooze",
    response_model=AlertDetail,
    responses=said(404, 409, 503),
    summary="Snooze an alert",
)
def snooze(request: Request, caller: Triaging, event_id: EventId, how: Snoozing) -> Response:
    """Until then nobody is told of it, and it is not escalated; then it is told of again."""
    return _done(request, caller, event_id, how.act())


@router.post(
    "/alerts/{event_id:path}/close", response_model=AlertDetail, responses=said(404, 409, 503), summary="Close an alert"
)
def close(request: Request, caller: Triaging, event_id: EventId, how: Closing) -> Response:
    """A resolution is for people; POST /v1/labels is what the engine learns from."""
    return _done(request, caller, event_id, how.act())


@router.post(
    "/alerts/{event_id:path}/reopen",
    response_model=AlertDetail,
    responses=said(404, 409, 503),
    summary="Reopen an alert",
)
def reopen(request: Request, caller: Triaging, event_id: EventId, how: Noting) -> Response:
    """It is open again; nobody is told unless nobody acts."""
    return _done(request, caller, event_id, Act("reopen", how.note))


def _done(request: Request, caller: Caller, event_id: str, what: Act) -> Response:
    service = service_of(request)
    [result] = _do(service, caller, [event_id], what)
    if result.status != "done":
        raise ProblemError(404 if result.status == "unknown" else 409, str(result.fault))
    return _shown(service, caller, event_id)


def _do(service: Service, caller: Caller, event_ids: Sequence[str], what: Act) -> list[Result]:
    if what.note and holds_pan(what.note):
        raise ProblemError(422, "note: holds what may be a card number; write its token, or its last four digits")
    if what.to is not None:
        valid = {key.owner for key in service.keys.all() if key.state(moments.now()) == "valid"}
        if what.to not in valid:
            known = ", ".join(sorted(valid)[:20])
            raise ProblemError(422, f"to: {what.to[:60]}: is the owner of no valid key; there are {known}")
    service.feed.catch_up()
    results = act(service.alerts, event_ids, what, who=caller.who, now=moments.now())
    done = [result.event_id for result in results if result.status == "done"]
    if done:
        after = what.to or what.resolution or (what.until and moments.stamp(what.until)) or what.deed
        why = what.note or f"{DONE[what.deed]} the alert"
        write_all(service.control, who=caller.who, what=f"alert.{what.deed}", subjects=done, after=after, why=why)
    return results


def _shown(service: Service, caller: Caller, event_id: str) -> Response:
    service.feed.catch_up()
    found = one(service.alerts, event_id, moments.now())
    if found is None:
        raise ProblemError(404, f"{event_id}: no alert was raised by that event")
    if caller.may("look"):
        write_look(service.control, who=caller.who, subject=f"card:{found['card_id']}", route=f"/v1/alerts/{event_id}")
    return as_json(_seen(caller, found))


def _seen(caller: Caller, alert: dict[str, Any]) -> dict[str, Any]:
    return alert if caller.may("look") else without_tokens(alert)
