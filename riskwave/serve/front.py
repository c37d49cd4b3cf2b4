"""What stands before every route: bodies of bounded length, a line in the log, counters."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riskwave import tracing
from riskwave.serve.problems import ProblemError, response
from riskwave.serve.pulse import Pulse

log = logging.getLogger("riskwave.access")


class Front:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, *, longest: int) -> None:
        """longest: bytes of a body."""
        self._app = app
        self._longest = longest
        self._pulse = Pulse()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with tracing.request(scope["headers"]):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        came = self._pulse.began()
        seen = {"status": 500, "length": 0}

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            await send(message)

        async def bounded() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                seen["length"] += len(message.get("body", b""))
                if seen["length"] > self._longest:
                    raise _TooLongError
            return message

        scope.setdefault("state", {})["began"] = came
        try:
            if scope["method"] == "POST" and scope["path"].startswith("/v1/decisions"):
                self._admit(scope, came)
            given = dict(scope["headers"]).get(b"content-length", b"0")
            if not given.isdigit() or int(given) > self._longest:
                raise _TooLongError
            await self._app(scope, bounded, counted)
        except _LateError as late:
            await response(late.fault, scope["path"])(scope, receive, counted)
        except _TooLongError:
            fault = ProblemError(413, f"a body may have {self._longest:,} bytes")
            await response(fault, scope["path"])(scope, receive, counted)
        finally:
            place = scope["state"].get("place")
            if place is not None:
                place.leave()
            self._tell(scope, int(seen["status"]), time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        found: Any = scope.get("route")
        route = f"{scope['method']} {getattr(found, 'path', 'unknown')}"
        metrics = scope["app"].state.service.decider.metrics
        metrics.requests.labels(route, str(status)).inc()
        metrics.stages.labels("request").observe(seconds)
        tracing.tell(route, {"http.response.status_code": status, "event_id": scope["state"].get("event_id") or ""})
        if log.isEnabledFor(logging.INFO):
            state = scope["state"]
            log.info(
                "request",
                extra={
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                    "event_id": state.get("event_id"),
                    "key": state.get("key"),
                },
            )

    def _admit(self, scope: Scope, came: float) -> None:
        """Refuse what would be too late before it costs more than a look at its deadline."""
        service = scope["app"].state.service
        given = dict(scope["headers"]).get(b"riskwave-deadline-ms", b"")
        deadline_ms = int(given) if given.isdigit() and len(given) < 8 else service.settings.deadline_ms
        try:
            scope["state"]["place"] = service.decider.desk.place(came + deadline_ms / 1000)
        except ProblemError as fault:
            service.decider.metrics.shed.labels("deadline").inc()
            raise _LateError(fault) from None


class _TooLongError(Exception):
    pass


class _LateError(Exception):
    def __init__(self, fault: ProblemError) -> None:
        super().__init__()
        self.fault = fault
