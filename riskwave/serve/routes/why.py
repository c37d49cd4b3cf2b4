"""Why a payment was decided as it was, and past cases like it. Looks at the card, and audited as such."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.answers import Shown
from riskwave.serve.problems import said
from riskwave.serve.render import as_json
from riskwave.serve.trail import write_look
from riskwave.serve.why import model_part, similar, why

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])
Looking = Annotated[Caller, Depends(needs("look"))]


class Part(BaseModel):
    """What a sum of points got from one of its conditions."""

    said: str = Field(description="The condition that holds")
    value: float = Field(description="What it gives")


class Term(BaseModel):
    """A term of a rule's predicate on this payment."""

    said: str = Field(description="As the rule has it")
    depth: int = Field(description="How many brackets it stands in")
    joined: str = Field(description="What it is a part of: and, or, not")
    truth: bool | None = Field(None, description="Whether it holds; null is not known")
    value: Any = Field(None, description="What was known")
    operator: str | None = Field(None, description="Of a comparison")
    against: Any = Field(None, description="What the value is held against: the threshold's value then")
    parts: list[Part] = Field(description="Of a sum of points, those that gave something")


class RuleWhy(BaseModel):
    """A rule on this payment."""

    rule: str = Field(description="Its name")
    action: str = Field(description="What it asks for")
    severity: str = Field(description="P0 is the most severe")
    state: str = Field(description="live, or shadow: recorded, and acts on nothing")
    fired: bool = Field(description="It holds, in this payment's channel")
    in_channel: bool = Field(description="Whether it looks at the channel")
    truth: bool | None = Field(None, description="Of its predicate; null is not known")
    reason: str | None = Field(None, description="In words, where it fired")
    thresholds: dict[str, Any] = Field(description="Their values then")
    terms: list[Term] = Field(description="In the order of the predicate")
    warming: str | None = Field(None, description="Why it could not see enough; null where it could")
    held: bool = Field(description="It was recorded for that, and acted on nothing")


class ScoreReason(BaseModel):
    """A column that raised the score."""

    column: str = Field(description="The model's column")
    value: Any = Field(None, description="As it was known")
    adds: float = Field(description="To the margin: log-odds of fraud for trees")
    said: str = Field(description="In words, beside what is usual")


class ModelWhy(BaseModel):
    """The model's part."""

    model: str = Field(description="Name and version")
    score: float | None = Field(None, description="Its score, 0 to 1")
    threshold: float | None = Field(None, description="The score it flags from")
    reasons: list[ScoreReason] = Field(description="What raised the score most, the strongest first")
    fault: str | None = Field(None, description="Why that cannot be said; null where it can")


class Why(BaseModel):
    """Why a payment was decided as it was."""

    model_config = ConfigDict(title="DecisionWhy")

    event_id: str = Field(description="The event")
    version: int = Field(description="Of the decision")
    card_id: str = Field(description="PAN token")
    action: str = Field(description="What was decided")
    control_version: int = Field(description="The thresholds and lists it was decided by")
    ruleset_revision: str = Field(description="The rules")
    agrees: bool = Field(description="Whether evaluating it anew gives what was recorded")
    changed: dict[str, tuple[Any, Any]] = Field(
        description="Of a decision that supersedes another: the features that differ, with the value before and now"
    )
    rules: list[RuleWhy] = Field(description="Every rule, those that fired first, in the order in which they decide")
    model: ModelWhy | None = Field(None, description="Null where no model scored it, or `model=false`")


class Case(Shown):
    """A past case."""

    alike: float = Field(description="0 to 1: rules that fired on both, and how near the features are, half each")
    shared_rules: list[str] = Field(description="Rules that fired on both")


class Cases(BaseModel):
    """Past cases, the most alike first."""

    items: list[Case] = Field(description="Flagged or labelled payments of other cards")


@router.get(
    "/{event_id:path}/explanation",
    response_model=Why,
    responses=said(404, 409, 503),
    summary="Why it was decided so",
)
def explanation(
    request: Request,
    caller: Looking,
    event_id: str,
    version: Annotated[int, Query(ge=1, le=2**31 - 1, description="1 is the decision that acted")] = 1,
    model: Annotated[bool, Query(description="Also the model's part; the first of a model takes seconds")] = True,
) -> Response:
    """Each rule with its values against its thresholds then, and what raised the model's score."""
    service = service_of(request)
    reading = service.decider.reading
    found = why(reading, service.control, event_id, version)
    _look(request, caller, found["card_id"], event_id, "explanation")
    named = found.pop("model_version")
    found["model"] = model_part(reading, event_id, version, named, service.registry) if model else None
    return as_json(found)


@router.get("/{event_id:path}/similar", response_model=Cases, responses=said(404, 503), summary="Past cases like it")
def alike(
    request: Request,
    caller: Looking,
    event_id: str,
    limit: Annotated[int, Query(ge=1, le=50, description="How many")] = 10,
) -> Response:
    """Flagged or labelled payments of other cards whose rules and features are nearest, with what they turned out to
    be.
    """
    found = similar(service_of(request).decider.reading, event_id, limit)
    for card in dict.fromkeys(item["card_id"] for item in found["items"]):
        _look(request, caller, card, event_id, "similar")
    return as_json(found)


def _look(request: Request, caller: Caller, card: str, event_id: str, part: str) -> None:
    route = f"/v1/decisions/{event_id}/{part}"
    write_look(service_of(request).control, who=caller.who, subject=f"card:{card}", route=route)
