"""Work on history that takes longer than a request: sweeps, backtests, comparisons, looks at a model and back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from riskwave.control.rulesets import find_revision
from riskwave.errors import RiskwaveError
from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.drafts import whole_draft
from riskwave.serve.problems import ProblemError, said
from riskwave.serve.render import as_json
from riskwave.serve.service import Service

router = APIRouter(prefix="/v1/jobs", tags=["trying on history"])
Trying = Annotated[Caller, Depends(needs("try"))]
Id = Annotated[str, Path(min_length=1, max_length=60, description="The job")]
Days = Annotated[int, Field(ge=1, le=90, description="Of history, up to the latest event")]
Text = Annotated[
    str | None, Field(min_length=1, max_length=1_000_000, description="Rules of a draft, in place of `rules`")
]
Rules = Annotated[str, Field(min_length=1, max_length=128, description="A revision, or live, canary")]


class Sweep(BaseModel):
    """One threshold at many values."""

    model_config = ConfigDict(
        extra="forbid",
        title="SweepToDo",
        json_schema_extra={
            "example": {"work": "sweep", "rule": "card_velocity", "threshold": "max_count", "values": "3:12"}
        },
    )

    work: Literal["sweep"]
    rule: str = Field(min_length=1, max_length=128, description="The rule")
    threshold: str = Field(min_length=1, max_length=128, description="Its threshold")
    values: str = Field(min_length=1, max_length=2_000, description="3:20, 0.1:0.5:0.05 or 3,5,9")
    days: Days = 7
    rules: Rules = "live"
    text: Text = None
    into: Rules | None = Field(None, description="The text's rules are put into this ruleset; else they are alone")


class Backtest(BaseModel):
    """A ruleset beside another one."""

    model_config = ConfigDict(
        extra="forbid", title="BacktestToDo", json_schema_extra={"example": {"work": "backtest", "rules": "live"}}
    )

    work: Literal["backtest"]
    days: Days = 7
    rules: Rules = "live"
    text: Text = None
    into: Rules | None = Field(None, description="The text's rules are put into this ruleset; else they are alone")
    against: Rules | None = Field(None, description="Compare with this one")


class Comparison(BaseModel):
    """What is in the shadow beside what decided, by what was recorded."""

    model_config = ConfigDict(
        extra="forbid", title="ComparisonToDo", json_schema_extra={"example": {"work": "compare"}}
    )

    work: Literal["compare"]
    days: Days = 7
    revision: str | None = Field(None, max_length=128, description="One ruleset only; else all of them")


class Look(BaseModel):
    """A model against its training window."""

    model_config = ConfigDict(
        extra="forbid", title="WatchToDo", json_schema_extra={"example": {"work": "watch", "model": "card"}}
    )

    work: Literal["watch"]
    model: str = Field("card", pattern="^[a-z][a-z0-9_]{0,60}$", description="The model")
    version: str = Field("online", min_length=1, max_length=40, description="A version, latest or online")
    days: Days = 30


class LookBack(BaseModel):
    """What real time missed in the last hour or day, with draft rules for it."""

    model_config = ConfigDict(
        extra="forbid", title="InsightToDo", json_schema_extra={"example": {"work": "insight", "last": "day"}}
    )

    work: Literal["insight"]
    last: Literal["hour", "day"] = Field("day", description="Of events, up to the latest one")
    model: str | None = Field(
        None, pattern="^[a-z][a-z0-9_]{0,60}$", description="Explain what this model's version online flags alone"
    )
    days: Annotated[int, Field(ge=2, le=90, description="Of history: what is usual is learned from it")] = 30


Wanted = Annotated[Sweep | Backtest | Comparison | Look | LookBack, Field(discriminator="work")]


class JobRow(BaseModel):
    """A piece of work."""

    id: str = Field(description="Its name")
    work: str = Field(description="sweep, backtest, compare, watch or insight")
    author: str = Field(description="Who asked")
    asked: dict[str, Any] = Field(description="What was asked for; of a draft's text the beginning")
    state: str = Field(description="waiting, running, done, failed or cancelled")
    said: str = Field(description="What it is doing")
    created: float = Field(description="When it was asked for: seconds since 1970")
    seconds: float | None = Field(None, description="How long it has run, or ran")
    problem: str | None = Field(None, description="Why it failed, and what to do")
    result: dict[str, Any] | None = Field(None, description="What came of it, as `riskwave … --json` prints it")


class JobRows(BaseModel):
    """The last jobs."""

    items: list[JobRow] = Field(description="The last ones first, without their results")


@router.post(
    "", status_code=202, response_model=JobRow, responses=said(404, 409, 503), summary="Try something on history"
)
def begin(request: Request, caller: Trying, wanted: Wanted) -> Response:
    """Bounded in memory and time, on a copy of the last days, in a process of its own; ask for it until it ends."""
    service = service_of(request)
    _check(service, wanted)
    asked = wanted.model_dump(exclude={"work", "into"})
    if isinstance(wanted, Sweep | Backtest) and wanted.text is not None:
        asked["text"] = _read(service, wanted.text, wanted.into)
    if isinstance(wanted, Look | LookBack):
        if service.registry is None and wanted.model is not None:
            raise ProblemError(409, "the server has no registry of models; start it with --models riskwave.models.db")
        asked["registry"] = service.registry
    job = service.jobs.submit(wanted.work, asked, caller.who)
    return as_json(job.as_dict(), 202, {"Location": f"/v1/jobs/{job.id}"})


@router.get("", response_model=JobRows, responses=said(), summary="The last jobs")
def jobs(request: Request, caller: Trying) -> Response:
    """Kept while the server runs."""
    del caller
    return as_json({"items": [job.as_dict(whole=False) for job in service_of(request).jobs.all()]})


@router.get("/{job}", response_model=JobRow, responses=said(404), summary="A job, and what came of it")
def show(request: Request, caller: Trying, job: Id) -> Response:
    """What it is doing, and its result once it is done."""
    del caller
    return as_json(service_of(request).jobs.get(job).as_dict())


@router.delete("/{job}", response_model=JobRow, responses=said(404), summary="Cancel a job")
def cancel(request: Request, caller: Trying, job: Id) -> Response:
    """Ends it at once; one that is over stays as it is."""
    del caller
    return as_json(service_of(request).jobs.cancel(job).as_dict())


def _check(service: Service, wanted: Sweep | Backtest | Comparison | Look | LookBack) -> None:
    """Say at once what cannot be. Raises ProblemError."""
    named = [getattr(wanted, name, None) for name in ("rules", "against", "revision", "into")]
    for revision in [name for name in named if name]:
        try:
            find_revision(service.control, revision)
        except RiskwaveError as fault:
            raise ProblemError(404, str(fault)) from None


def _read(service: Service, text: str, into: str | None) -> str:
    """The ruleset that a draft makes, as one text. Raises ProblemError 422 for one with a fault."""
    try:
        return whole_draft(service.control, text, "card", into).text
    except RiskwaveError as fault:
        raise ProblemError(422, str(fault)) from None
