"""Looking back: what real time missed in the last hour and the last day, with draft rules for it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.problems import said
from riskwave.serve.render import as_json

router = APIRouter(prefix="/v1/insights", tags=["trying on history"])
Trying = Annotated[Caller, Depends(needs("try"))]
_LOOK = (
    "as `riskwave insight --json` has it; `drafts`, its draft rules as the text of a rule file; `at`, when it was "
    "made: seconds since 1970"
)


class Insights(BaseModel):
    """The last looks back."""

    hour: dict[str, Any] | None = Field(None, description=f"Over the last hour of events, {_LOOK}")
    day: dict[str, Any] | None = Field(None, description=f"Over the last 24 hours of events, {_LOOK}")


@router.get("", response_model=Insights, responses=said(), summary="What looking back found")
def insights(request: Request, caller: Trying) -> Response:
    """The server looks back by itself (`--insight`), and when a job asks it to; kept while it runs."""
    del caller
    watching = service_of(request).watching
    return as_json({last: watching.looked_back(last) for last in ("hour", "day")})
