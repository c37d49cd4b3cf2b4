"""Models: their versions, and which of them score whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from riskwave.errors import RiskwaveError
from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.models import HIDDEN, model_detail, open_rollout
from riskwave.serve.problems import ProblemError, said
from riskwave.serve.render import as_json
from riskwave.serve.trail import write

if TYPE_CHECKING:
    from riskwave.scoring.rollout import Rollout

router = APIRouter(prefix="/v1/models", tags=["models"])
Reading = Annotated[Caller, Depends(needs("read"))]
Approving = Annotated[Caller, Depends(needs("approve"))]
Name = Annotated[str, Path(pattern="^[a-z][a-z0-9_]{0,60}$", description="The model")]
Version = Annotated[str, Field(min_length=1, max_length=40, description="A version, or latest")]
Why = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"\S", description="Why; kept in the audit")]


class ModelRow(BaseModel):
    """A version of a model."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    name: str = Field(description="The model")
    version: str = Field(description="Its version")
    state: str = Field(description="dev, test, online or retired")
    algorithm: str = Field(description="How it was trained")
    created: str = Field(description="When, UTC")
    metrics: dict[str, Any] = Field(description="On the test window")
    threshold: float = Field(description="The score it flags from")


class Models(BaseModel):
    """Models of the registry."""

    items: list[ModelRow] = Field(description="By name and version; empty without a registry")


class Scored(BaseModel):
    """What a version scored."""

    version: str = Field(description="Model and version")
    events: int = Field(description="First decisions of the last 7 days of event time")
    score: float | None = Field(None, description="Their mean score")
    flagged: int = Field(description="Not allowed among them")
    frauds: int = Field(description="Known as fraud among them")


class VersionRow(ModelRow):
    """A version, and what it does."""

    role: str = Field(description="Its state, or: canary 10.0%, shadow, votes by 2")


class ModelDetail(BaseModel):
    """A model whole."""

    model_config = ConfigDict(protected_namespaces=())

    name: str = Field(description="The model")
    versions: list[VersionRow] = Field(description="All of them, the oldest first")
    online: list[str] = Field(description="The version that scores, or those that vote")
    canary: str | None = Field(None, description="The version that scores a share of the cards")
    share: float = Field(description="That share")
    shadows: list[str] = Field(description="Versions that act on nothing")
    scored: list[Scored] = Field(description="By version, those of most events first")
    watch: dict[str, Any] | None = Field(
        None,
        description="The last look at it, as `riskwave models watch --json` has it: `distances`, `alarms`, `quality`; "
        "`weights`, the columns that move its scores most; `at`, seconds since 1970",
    )


class Change(BaseModel):
    """A version to be put online."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"version": "1.3.0", "why": "better"}})

    version: Version
    why: Why


class Canary(BaseModel):
    """A version to score a share of the cards."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"version": "1.3.0", "share": 0.1, "why": "try it"}}
    )

    version: Version
    share: float = Field(ge=0, lt=1, description="Of the cards; 0 ends the canary")
    why: Why


class Shadow(BaseModel):
    """A version to score everything and act on nothing."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"version": "1.3.0", "why": "look at it"}})

    version: Version
    on: bool = Field(True, description="false ends it")
    why: Why


class Back(BaseModel):
    """Why to go back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"why": "twice the alerts"}})

    why: Why


class Routed(BaseModel):
    """What scores now."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(description="The model")
    online: list[str] = Field(description="The version that scores, or those that vote")
    canary: str | None = Field(None, description="The version that scores a share of the cards")
    share: float = Field(description="That share")
    shadows: list[str] = Field(description="Versions that act on nothing")


@router.get("", response_model=Models, responses=said(503), summary="Versions of the models")
def models(request: Request, caller: Reading) -> Response:
    """With their figures; empty where the server was started without `--models`."""
    del caller
    service = service_of(request)
    if service.registry is None:
        return as_json({"items": []})
    try:
        versions = [version.as_dict() for version in open_rollout(service.registry).registry.versions()]
    except RiskwaveError as fault:
        raise ProblemError(503, str(fault), retry_after=30) from None
    return as_json({"items": [{key: value for key, value in one.items() if key not in HIDDEN} for one in versions]})


@router.get("/{name}", response_model=ModelDetail, responses=said(404, 409, 503), summary="A model, as it scores now")
def model(request: Request, caller: Reading, name: Name) -> Response:
    """Its versions and what each does, what they scored lately, and what the last look at it found."""
    del caller
    service = service_of(request)
    try:
        found = model_detail(service.registry, service.decider.reading, name)
    except RiskwaveError as fault:
        raise ProblemError(503, str(fault), retry_after=30) from None
    return as_json({**found, "watch": service.watching.last(name)})


@router.post("/{name}/promote", response_model=Routed, responses=said(409, 503), summary="Put a version online")
def promote(request: Request, caller: Approving, name: Name, change: Change) -> Response:
    """It scores all cards; a canary or vote ends."""
    return _changed(
        *(request, caller, name, change.why, lambda rollout: rollout.promote(name, change.version)),
        done="promote",
        version=change.version,
    )


@router.post("/{name}/canary", response_model=Routed, responses=said(409, 503), summary="Let a version score a share")
def canary(request: Request, caller: Approving, name: Name, change: Canary) -> Response:
    """A card sees one version."""
    return _changed(
        *(request, caller, name, change.why, lambda rollout: rollout.canary(name, change.version, change.share)),
        done=f"canary {change.share:.1%}" if change.share else "end the canary",
        version=change.version if change.share else None,
    )


@router.post("/{name}/shadow", response_model=Routed, responses=said(409, 503), summary="Let a version score beside")
def shadow(request: Request, caller: Approving, name: Name, change: Shadow) -> Response:
    """Recorded in shadow_scores; it acts on nothing."""
    return _changed(
        *(request, caller, name, change.why, lambda rollout: rollout.shadow(name, change.version, on=change.on)),
        done="shadow" if change.on else "end the shadow",
        version=change.version,
    )


@router.post("/{name}/rollback", response_model=Routed, responses=said(409, 503), summary="Back to what scored before")
def rollback(request: Request, caller: Approving, name: Name, back: Back) -> Response:
    """Ends a canary or vote; without one, the version before is online again."""
    return _changed(request, caller, name, back.why, lambda rollout: rollout.rollback(name), done="rollback")


def _changed(
    request: Request,
    caller: Caller,
    name: str,
    why: str,
    change: Callable[[Rollout], Any],
    *,
    done: str,
    version: str | None = None,
) -> Response:
    """Make a change, note it, and say what scores now. done: what the audit says of it, before the version."""
    service = service_of(request)
    rollout = open_rollout(service.registry)
    # `latest` may soon be another one.
    number = rollout.registry.get(name, version).version if version else ""
    change(rollout)
    routes = {key: value for key, value in asdict(rollout.deploy(name)).items() if key != "versions"}
    now = [f"online {' '.join(routes['online'])}"]
    if routes["canary"]:
        now.append(f"canary {routes['canary']} {routes['share']:.1%}")
    if routes["shadows"]:
        now.append(f"shadow {' '.join(routes['shadows'])}")
    after = f"{done} {number}".strip() + f": {', '.join(now)}"
    write(service.control, who=caller.who, what="model", subject=name, after=after, why=why)
    return as_json(routes)
