"""Events of requests, read and checked."""

from __future__ import annotations

import time
from typing import Any

import orjson
from fastapi import Request
from pydantic import ValidationError

from riskwave.contracts import Transaction
from riskwave.serve.pan import holds_pan, may_hold_pan
from riskwave.serve.problems import ProblemError, invalid


async def read_body(request: Request) -> bytes:
    """A JSON body's bytes. Raises ProblemError for another media type."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise ProblemError(415, f"Content-Type {kind[:100]}: send application/json")
    return await request.body()


def check_event(body: bytes) -> Transaction:
    """The payment in a body. Raises ProblemError 422 for what the contract does not allow, and for card numbers."""
    try:
        event = Transaction.model_validate_json(body, strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise invalid([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from None
    if may_hold_pan(body):
        refuse_pan(event)
    return event


def refuse_pan(event: Transaction) -> None:
    """Raises ProblemError 422 when a field holds a card number; it is not repeated."""
    for name, value in event:
        if isinstance(value, str) and holds_pan(value, shortest=12 if name == "card_id" else 13):
            raise ProblemError(
                422, f"{name}: holds what may be a card number; send a token of it (docs/api.md), it was not kept"
            )


def split_batch(body: bytes, most: int) -> list[tuple[Transaction, bytes]]:
    """The payments of {"events": […]}, each with its own bytes. Raises ProblemError 422 naming the first bad one."""
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProblemError(422, f"body: not JSON: {error}") from None
    events = found.get("events") if isinstance(found, dict) and set(found) == {"events"} else None
    if not isinstance(events, list) or not 1 <= len(events) <= most:
        raise ProblemError(422, f'body: expected {{"events": […]}} with 1 to {most:,} payments')
    checked = []
    for place, event in enumerate(events):
        alone = orjson.dumps(event)
        try:
            checked.append((check_event(alone), alone))
        except ProblemError as fault:
            raise ProblemError(422, f"events.{place}: {fault.detail}", errors=fault.errors) from None
    return checked


def now_micros() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1_000
