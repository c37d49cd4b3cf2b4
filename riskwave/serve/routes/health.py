"""Whether it lives, whether it decides, and what it counts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.problems import ProblemError, problem, said
from riskwave.serve.render import as_json

router = APIRouter(tags=["health"])
counters = APIRouter(tags=["health"])
TEXT = {"text/plain": {"schema": {"type": "string"}}}


class Health(BaseModel):
    """The server answers."""

    status: str = Field(description="ok", examples=["ok"])


class Ready(BaseModel):
    """The server decides."""

    status: str = Field(description="ready", examples=["ready"])
    source: str | None = Field(None, description="What became of the source: why it is read no more, or null")
    waiting: int = Field(description="Events that wait")


@router.get("/healthz", response_model=Health, summary="Whether the process answers")
async def health() -> Response:
    """No key is needed."""
    return as_json({"status": "ok"})


@router.get(
    "/readyz",
    response_model=Ready,
    responses={503: problem(503)},
    summary="Whether it decides",
)
async def ready(request: Request) -> Response:
    """No key is needed. 503 while it starts, stops, or when the engine has stopped."""
    decider = service_of(request).decider
    if not decider.deciding:
        raise ProblemError(503, "the engine does not decide", retry_after=5)
    return as_json({"status": "ready", "source": decider.desk.stream_fault, "waiting": decider.desk.waiting})


@counters.get(
    "/metrics",
    responses={**said(), 200: {"description": "Prometheus text", "content": TEXT}},
    response_class=Response,
    summary="Counters for Prometheus",
)
async def metrics(request: Request, caller: Annotated[Caller, Depends(needs("metrics"))]) -> Response:
    """Prometheus sends a key as a bearer token."""
    del caller
    return Response(service_of(request).decider.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
