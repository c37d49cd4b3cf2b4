"""Decisions: asked for, and found again."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from riskwave.serve.access import Caller, admit, needs, service_of
from riskwave.serve.answers import EXAMPLE_EVENT, Accepted, Batch, Decided, DecisionDetail, Page, Pending
from riskwave.serve.decider import Answer
from riskwave.serve.desk import Ask
from riskwave.serve.events import check_event, now_micros, read_body, split_batch
from riskwave.serve.finding import Filters, detail, search
from riskwave.serve.mask import without_tokens
from riskwave.serve.notes import with_notes
from riskwave.serve.problems import ProblemError, json_body, said
from riskwave.serve.render import as_json
from riskwave.serve.service import Service
from riskwave.serve.trail import write_look
from riskwave.tracing import here

router = APIRouter(tags=["decisions"])
MOST = 1_000  # events of one batch
EVENT = {"$ref": "#/components/schemas/Transaction"}
EVENTS = {"type": "array", "minItems": 1, "maxItems": MOST, "items": EVENT}
EVENT_BODY = json_body(EVENT, EXAMPLE_EVENT)
BATCH_BODY = json_body(
    {"type": "object", "required": ["events"], "additionalProperties": False, "properties": {"events": EVENTS}},
    {"events": [EXAMPLE_EVENT]},
)
Deadline = Annotated[
    int | None,
    Header(alias="Riskwave-Deadline-Ms", ge=1, le=60_000, description="Milliseconds the caller waits at most"),
]
WithFeatures = Annotated[bool, Query(description="Also what was known")]
Deciding = Annotated[Caller, Depends(needs("decide"))]
Reading = Annotated[Caller, Depends(needs("read"))]


@router.post(
    "/v1/decisions",
    response_model=Decided,
    responses=said(415, 503, 504),
    openapi_extra=EVENT_BODY,
    summary="Decide a payment now",
)
async def decide(
    request: Request, caller: Deciding, deadline_ms: Deadline = None, features: WithFeatures = False
) -> Response:
    """Answered once the decision is committed. Idempotent: an event that was decided gets its first decision again."""
    del caller
    service = service_of(request)
    began: float = request.state.began
    deadline = began + (deadline_ms or service.settings.deadline_ms) / 1000
    body = await read_body(request)
    event = check_event(body)
    request.state.event_id = event.event_id
    ask = _ask(event.event_id, body, deadline, features=features)
    _put(request, [ask])
    await _wait(service, [ask], began, deadline)
    answer: Answer = ask.answer.result()
    return as_json(_shown(answer), headers={"Riskwave-Replayed": "true"} if answer.again else None)


@router.post(
    "/v1/decisions:batch",
    response_model=Batch,
    responses=said(415, 503, 504),
    openapi_extra=BATCH_BODY,
    summary="Decide up to 1,000 payments now",
)
async def decide_batch(
    request: Request, caller: Deciding, deadline_ms: Deadline = None, features: WithFeatures = False
) -> Response:
    """Decided together, in their order; an event counts once against the key's rate."""
    service = service_of(request)
    began: float = request.state.began
    deadline = began + (deadline_ms or service.settings.deadline_ms) / 1000
    events = split_batch(await read_body(request), MOST)
    admit(service, caller.key, len(events) - 1)
    asks = [_ask(event.event_id, body, deadline, features=features) for event, body in events]
    _put(request, asks)
    await _wait(service, asks, began, deadline)
    items = []
    for ask in asks:
        fault = ask.answer.exception()
        if fault is None:
            decision = _shown(ask.answer.result())
            items.append({"event_id": ask.event_id, "status": "decided", "decision": decision, "reason": None})
        elif isinstance(fault, ProblemError) and fault.status == 422:
            items.append({"event_id": ask.event_id, "status": "rejected", "decision": None, "reason": fault.detail})
        else:
            raise fault
    return as_json({"decisions": items})


@router.post(
    "/v1/events",
    status_code=202,
    response_model=Accepted,
    responses=said(415, 503),
    openapi_extra=EVENT_BODY,
    summary="Hand in a payment to be decided later",
)
async def accept(request: Request, caller: Deciding) -> Response:
    """Answered once the event is on the disk; it is then decided whatever happens, once."""
    del caller
    service = service_of(request)
    body = await read_body(request)
    event = check_event(body)
    request.state.event_id = event.event_id
    if service.decider.desk.waiting > service.settings.queue:
        service.decider.metrics.shed.labels("queue").inc()
        raise ProblemError(503, "too many events wait to be decided; come again", retry_after=2)
    kept = asyncio.wrap_future(service.decider.spool.append([body], now_micros()))
    position = (await asyncio.shield(kept))[0]
    where = f"/v1/decisions/{event.event_id}"
    accepted = {"event_id": event.event_id, "status": "accepted", "position": position, "decision": where}
    return as_json(accepted, 202)


@router.get("/v1/decisions", response_model=Page, responses=said(503), summary="Search decisions, the latest first")
def find(request: Request, caller: Reading, filters: Annotated[Filters, Query()]) -> Response:
    """First decisions by time, action, entity, rule and score; a search by a card, device or ip is a look at it."""
    service = service_of(request)
    looked = filters.looked_at()
    if looked:
        _may_look(caller)
        for subject in looked:
            write_look(service.control, who=caller.who, subject=subject, route="/v1/decisions")
    page = search(service.decider.reading, filters)
    if not caller.may("look"):
        page["items"] = [without_tokens(item) for item in page["items"]]
    return as_json(page)


@router.get(
    "/v1/decisions/{event_id:path}",
    response_model=DecisionDetail,
    responses={**said(404, 503), 202: {"model": Pending, "description": "Accepted, and not decided yet"}},
    summary="All that is known of a decided payment",
)
def show(request: Request, caller: Reading, event_id: str) -> Response:
    """The decision that acted, later versions, the payment, the features, the labels. A look at the card."""
    service = service_of(request)
    found = detail(service.decider.reading, event_id)
    if found is None:
        if service.decider.desk.waits(event_id):
            return as_json({"event_id": event_id, "status": "pending"}, 202)
        raise ProblemError(404, f"{event_id[:128]}: no event with that id was decided; it may have been rejected")
    if caller.may("look"):
        card = found["decision"]["card_id"]
        write_look(service.control, who=caller.who, subject=f"card:{card}", route=f"/v1/decisions/{event_id}")
    else:
        found["decision"], found["event"], found["features"] = (
            without_tokens(found[part]) for part in ("decision", "event", "features")
        )
        found["versions"] = [without_tokens(version) for version in found["versions"]]
    found["labels"] = with_notes(found["labels"], service.notes.of(event_id))
    return as_json(found)


def _ask(event_id: str, body: bytes, deadline: float, *, features: bool) -> Ask:
    ask = Ask(event_id, body, deadline, now_micros(), features=features, trace=here())
    # Who goes away does not take the decision away.
    ask.answer.set_running_or_notify_cancel()
    return ask


def _put(request: Request, asks: list[Ask]) -> None:
    service = service_of(request)
    request.state.place.waits()
    try:
        service.decider.ask(asks)
    except ProblemError:
        service.decider.metrics.shed.labels("deadline").inc()
        raise


async def _wait(service: Service, asks: list[Ask], began: float, deadline: float) -> None:
    """Until all are answered. Raises ProblemError 504 at the deadline."""
    waiting = [asyncio.wrap_future(ask.answer) for ask in asks if not ask.answer.done()]
    if not waiting:
        return
    for future in waiting:
        # Looked at by who asked, or too late to be looked at: asyncio need not call it forgotten.
        future.add_done_callback(lambda done: done.exception())
    _, late = await asyncio.wait(waiting, timeout=max(deadline - time.monotonic(), 0.0))
    service.decider.desk.pace.answered(asks[0].expected, time.monotonic() - began)
    if late:
        raise ProblemError(
            504,
            f"{asks[0].event_id}: is being decided; ask again, or GET /v1/decisions/{asks[0].event_id}",
            retry_after=1,
        )


def _may_look(caller: Caller) -> None:
    if not caller.may("look"):
        raise ProblemError(403, f"the key {caller.key.name} has not the scope look, which a search by token needs")


def _shown(answer: Answer) -> dict[str, Any]:
    """Whoever sent the event knows its tokens."""
    return answer.decision if answer.features is None else {**answer.decision, "features": answer.features}
