"""Traces by OpenTelemetry: of a source's rows, the loop's batches, scores, rules and commits, and of requests.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT is set: then nothing is imported, and a span costs a look at a variable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, cast

from riskwave.errors import RiskwaveError

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
MOST_LINKS = 32  # of a batch: requests and reads of the source that it decides

_Given = ParamSpec("_Given")
_Gives = TypeVar("_Gives")
_Told = TypeVar("_Told", bound=Callable[..., Any])
_Done = Callable[[Any], None]
_NOTHING: AbstractContextManager[None] = nullcontext()
_UNTRACED: AbstractContextManager[Callable[[_Done], _Done]] = nullcontext(lambda done: done)


class _On:
    """What there is while traces are made. outer: the span whose SQL runs, for functions that DuckDB calls."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self.tracer = provider.get_tracer("riskwave")
        self.outer: Any = None


_on: _On | None = None


def open_tracing(service: str) -> bool:
    """Begin to make traces, where the environment says whom to send them; gives whether it does.

    service: what they are of, unless OTEL_SERVICE_NAME says so. Raises RiskwaveError without OpenTelemetry installed.
    """
    global _on  # noqa: PLW0603 - one process makes one stream of traces
    if not os.environ.get(ENDPOINT):
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise RiskwaveError(
            f"{ENDPOINT}: is set, and OpenTelemetry is not installed; "
            "pip install -c constraints.txt -e '.[tracing]', or unset it"
        ) from None
    os.environ.setdefault("OTEL_SERVICE_NAME", service)
    provider = TracerProvider(resource=Resource.create(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _on = _On(provider)
    return True


def close_tracing() -> None:
    """Send what was not sent yet, and make no more."""
    global _on
    if _on is not None:
        on, _on = _on, None
        on.provider.shutdown()


def span(name: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A span while it lasts, within the one in hand on this thread; None is given without traces."""
    return _NOTHING if _on is None else _on.tracer.start_as_current_span(name, attributes=attributes)


def traced(name: str, *, outer: bool = False) -> Callable[[Callable[_Given, _Gives]], Callable[_Given, _Gives]]:
    """A function whose every call is a span. outer: its SQL calls functions, on threads of DuckDB's own."""

    def around(function: Callable[_Given, _Gives]) -> Callable[_Given, _Gives]:
        @wraps(function)
        def call(*args: _Given.args, **kwargs: _Given.kwargs) -> _Gives:
            on = _on
            if on is None:
                return function(*args, **kwargs)
            with on.tracer.start_as_current_span(name, context=_foreign(on)) as made:
                if outer:
                    on.outer = made
                try:
                    return function(*args, **kwargs)
                finally:
                    on.outer = None if outer else on.outer

        return call

    return around


def batch(events: int, links: Iterable[Any]) -> AbstractContextManager[Callable[[_Done], _Done]]:
    """The span of a batch, for this thread while it is decided; gives what ends it when the batch is committed.

    links: `here()` of what it decides. What is given takes the function that is told of the commit, and gives another.
    """
    return _UNTRACED if _on is None else _Batch(_on, events, links)


def ending(name: str, call: _Told) -> _Told:
    """A span that begins now and ends when `call` is called, on whichever thread."""
    if _on is None:
        return call
    begun = _on.tracer.start_span(name)

    def end(*args: Any) -> None:
        begun.end()
        call(*args)

    return cast(_Told, end)


def carried(function: _Told) -> _Told:
    """A function that another thread will call, within the span in hand on this one."""
    return function if _on is None else cast(_Told, partial(copy_context().run, function))


def here() -> Any:
    """The span in hand on this thread, for a batch to link to; None without one."""
    if _on is None:
        return None
    from opentelemetry import trace

    found = trace.get_current_span().get_span_context()
    return found if found.is_valid else None


def request(headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[Any]:
    """The span of a request, within that of who asks where its headers name one (W3C traceparent)."""
    if _on is None:
        return _NOTHING
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind

    given = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    return _on.tracer.start_as_current_span("request", context=extract(given), kind=SpanKind.SERVER)


def tell(name: str, attributes: Mapping[str, Any]) -> None:
    """What the span in hand on this thread is called in the end, and what is said of it."""
    if _on is not None:
        from opentelemetry import trace

        found = trace.get_current_span()
        found.update_name(name)
        found.set_attributes(attributes)


class _Batch:
    def __init__(self, on: _On, events: int, links: Iterable[Any]) -> None:
        from opentelemetry.trace import Link, use_span

        linked = [Link(context) for context in links if context is not None][:MOST_LINKS]
        self._span = on.tracer.start_span("riskwave.batch", links=linked, attributes={"events": events})
        self._here = use_span(self._span)

    def __enter__(self) -> Callable[[_Done], _Done]:
        self._here.__enter__()
        return self._ends

    def __exit__(self, kind: Any, fault: Any, trace: Any) -> None:
        self._here.__exit__(kind, fault, trace)
        if fault is not None:
            self._span.end()

    def _ends(self, done: _Done) -> _Done:
        def end(outcome: Any) -> None:
            said = {"decided": outcome.decided, "superseding": outcome.superseding, **outcome.actions}
            self._span.set_attributes(said)
            self._span.end()
            done(outcome)

        return end


def _foreign(on: _On) -> Any:
    """On a thread of DuckDB's, the context of the span whose SQL it runs; None anywhere else."""
    from opentelemetry import trace

    if on.outer is None or trace.get_current_span().get_span_context().is_valid:
        return None
    return trace.set_span_in_context(on.outer)
