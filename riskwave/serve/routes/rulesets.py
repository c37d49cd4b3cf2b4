"""Rulesets: drafted, published with another person's approval, rolled back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from riskwave.control.checked import checked_rules
from riskwave.control.lifecycle import Move, approve, draft, promote, publish, retire, rollback, thresholds_of
from riskwave.control.rulesets import find_revision, known_rulesets, ruleset_history, stored_ruleset
from riskwave.control.store import Control
from riskwave.errors import RiskwaveError
from riskwave.rules.check import check_ruleset
from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.drafts import find_faults, whole_draft, words
from riskwave.serve.pan import holds_pan
from riskwave.serve.problems import ProblemError, said
from riskwave.serve.render import as_json

router = APIRouter(prefix="/v1", tags=["rules"])
Reading = Annotated[Caller, Depends(needs("read"))]
Drafting = Annotated[Caller, Depends(needs("draft"))]
Approving = Annotated[Caller, Depends(needs("approve"))]
Revision = Annotated[str, Path(min_length=1, max_length=128, description="A revision, or live, canary")]
Why = Annotated[str, Field(min_length=1, max_length=1_000, description="Why; kept in the audit")]
Into = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=128,
        description="A revision, or live: its rules, with these added or in place of their namesakes",
    ),
]
EXAMPLE = """\
rules:
  - rule: many_payments
    when: card_txn_count_10m >= :max_count
    thresholds: {max_count: 8}
    action: review
    severity: P2
    reason: "{card_txn_count_10m} payments in 10 minutes"
    owner: fraud-team
"""


class RulesetRow(BaseModel):
    """A ruleset of the store."""

    revision: str = Field(description="Its name: a digest of its text")
    state: str = Field(description="draft, shadow, canary, live or retired")
    share: float | None = Field(None, description="Share of the cards, of a canary")
    rules: int = Field(description="How many it has")
    author: str = Field(description="Who handed it in")
    why: str = Field(description="Why")
    created_at: str = Field(description="When, UTC")
    waits_for: str | None = Field(None, description="The state it waits to be approved for")


class Rulesets(BaseModel):
    """Every ruleset: live, canary, shadow, drafts, retired ones."""

    items: list[RulesetRow] = Field(description="The last made first, by state")


class RuleRow(BaseModel):
    """A rule."""

    rule: str = Field(description="Its name")
    when: str = Field(description="Its predicate")
    action: str = Field(description="challenge, review or block")
    severity: str = Field(description="P1 is the most severe")
    state: str = Field(description="live, or shadow: recorded, and acts on nothing")
    reason: str = Field(description="The sentence it gives")
    owner: str = Field(description="Who answers for it")
    tags: list[str] = Field(description="What it is about")
    thresholds: dict[str, str] = Field(
        description="Values in force; of one that is not, those it would be published with now"
    )


class RulesetDetail(BaseModel):
    """A ruleset whole."""

    revision: str = Field(description="Its name")
    rules: list[RuleRow] = Field(description="In the order of the pack")
    text: str = Field(description="The pack as one YAML text")
    history: list[dict[str, Any]] = Field(description="Every state it had, the oldest first")


class Draft(BaseModel):
    """Rules as text."""

    model_config = ConfigDict(
        extra="forbid",
        title="RulesToDraft",
        json_schema_extra={"example": {"text": EXAMPLE, "why": "card testing since Monday"}},
    )

    text: str = Field(min_length=1, max_length=1_000_000, description="YAML as docs/rules.md has it")
    name: str = Field("card", pattern="^[a-z][a-z0-9_]{0,30}$", description="What the pack is called")
    into: Into = None
    why: Why


class Check(BaseModel):
    """Rules to be checked."""

    model_config = ConfigDict(extra="forbid", title="RulesToCheck", json_schema_extra={"example": {"text": EXAMPLE}})

    text: str = Field(min_length=1, max_length=1_000_000, description="YAML as docs/rules.md has it")
    name: str = Field("card", pattern="^[a-z][a-z0-9_]{0,30}$", description="What the pack is called")
    into: Into = None


class RuleFault(BaseModel):
    """One fault of rules."""

    line: int = Field(description="In the text, from 1")
    rule: str | None = Field(None, description="The rule or channel")
    field: str | None = Field(None, description="Its field")
    detail: str = Field(description="What is wrong")
    fix: str | None = Field(None, description="What to do")


class Checked(BaseModel):
    """What was found."""

    revision: str | None = Field(None, description="What it would be called")
    rules: int = Field(description="How many there are with them")
    problem: str | None = Field(None, description="The first fault: what, and what to do; null for none")
    faults: list[RuleFault] = Field(description="The first fault of each rule, and cases that do not hold")


class Word(BaseModel):
    """Something that a rule may name."""

    name: str = Field(description="As it is written")
    kind: Literal["column", "language", "list"] = Field(description="What it is")
    type: str | None = Field(None, description="text, integer, number, boolean, timestamp")
    unit: str | None = Field(None, description="Of a column")
    values: list[str] = Field(default=[], description="All that a text may be, where that is known")
    description: str = Field(description="What it says")


class Words(BaseModel):
    """What rules may name."""

    items: list[Word] = Field(description="Columns, what the language has, lists")


class Publication(BaseModel):
    """The state that a ruleset shall take."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"state": "shadow", "why": "try it"}})

    state: Literal["live", "canary", "shadow"] = Field(description="What it shall be")
    share: float | None = Field(None, gt=0, lt=1, description="Of the cards, for a canary")
    why: Why


class Reason(BaseModel):
    """Why something is done."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"why": "challenges half of Spain"}})

    why: Why


class Back(Reason):
    """Where to roll back to."""

    to: str | None = Field(None, max_length=128, description="A revision that was live; else the one before")


class Moved(BaseModel):
    """A ruleset that took a state, or waits for it."""

    model_config = ConfigDict(extra="allow")

    revision: str = Field(description="The ruleset")
    state: str = Field(description="Its state, or the one it waits for")
    share: float | None = Field(None, description="Of the cards, of a canary")
    before: str | None = Field(None, description="Its state before")
    replaced: str | None = Field(None, description="The ruleset it took the place of")
    pending: bool = Field(description="It waits for another person's approval; nothing has changed yet")
    control_version: int = Field(description="Named by every decision made with it")


class Waiting(BaseModel):
    """A ruleset that waits for approval."""

    revision: str = Field(description="The ruleset")
    state: str = Field(description="The state it asks for")
    share: float | None = Field(None, description="Of the cards, of a canary")
    author: str = Field(description="Who asked; another must approve")
    why: str = Field(description="Why")
    requested_at: str = Field(description="When, UTC")


class Requests(BaseModel):
    """What waits for approval, the oldest first."""

    items: list[Waiting] = Field(description="All of it")


@router.get("/rules", response_model=RulesetDetail, responses=said(404), summary="The rules that decide now")
def rules(request: Request, caller: Reading) -> Response:
    """Those of the live ruleset, with the thresholds in force."""
    del caller
    return as_json(_detail(service_of(request).control, "live"))


@router.get("/rulesets", response_model=Rulesets, responses=said(), summary="Every ruleset there was")
def rulesets(request: Request, caller: Reading) -> Response:
    """Live, canary, shadow, drafts, retired ones."""
    del caller
    return as_json({"items": [asdict(known) for known in known_rulesets(service_of(request).control)]})


@router.get("/rulesets/{revision}", response_model=RulesetDetail, responses=said(404), summary="A ruleset whole")
def show(request: Request, caller: Reading, revision: Revision) -> Response:
    """Its rules, its text and its history."""
    del caller
    return as_json(_detail(service_of(request).control, revision))


@router.post("/rulesets:check", response_model=Checked, responses=said(404), summary="Check rules, and run their cases")
def check(request: Request, caller: Drafting, rules: Check) -> Response:
    """Compiled for both engines; nothing is kept."""
    del caller
    control = service_of(request).control
    if rules.into is not None:
        _named(control, rules.into)
    ruleset, found = find_faults(control, rules.text, rules.name, rules.into)
    first = None if not found else "; ".join(found[0][part] for part in ("detail", "fix") if found[0][part])
    revision = ruleset.revision if ruleset and not found else None
    return as_json(
        {"revision": revision, "rules": len(ruleset.rules) if ruleset else 0, "problem": first, "faults": found}
    )


@router.get("/rules/words", response_model=Words, responses=said(), summary="What a rule may name")
def rule_words(request: Request, caller: Reading) -> Response:
    """For completion while somebody writes."""
    del caller
    return as_json({"items": words(service_of(request).control)})


@router.post("/rulesets", status_code=201, response_model=Moved, responses=said(404, 409), summary="Draft a ruleset")
def make(request: Request, caller: Drafting, rules: Draft) -> Response:
    """Checked, its cases run, and kept; it decides nothing until it is published."""
    if holds_pan(rules.text):
        raise ProblemError(422, "text: holds what may be a card number")
    if rules.into is not None:
        _named(service_of(request).control, rules.into)
    try:
        checked = checked_rules(whole_draft(service_of(request).control, rules.text, rules.name, rules.into))
    except RiskwaveError as fault:
        raise ProblemError(422, str(fault)) from None
    return _moved(lambda control: draft(control, checked, why=rules.why, author=caller.who), request, 201)


@router.post(
    "/rulesets/{revision}/publish",
    response_model=Moved,
    responses={**said(404, 409), 202: {"model": Moved, "description": "It waits for another person's approval"}},
    summary="Give a ruleset a state",
)
def give_state(request: Request, caller: Drafting, revision: Revision, asked: Publication) -> Response:
    """Live, canary or shadow. With approvals required it waits for one by another person."""

    def move(control: Control) -> Move:
        checked = check_ruleset(stored_ruleset(control, _named(control, revision)))
        return publish(control, checked, why=asked.why, author=caller.who, state=asked.state, share=asked.share)

    return _moved(move, request)


@router.post("/rulesets/{revision}/approve", response_model=Moved, responses=said(404, 409), summary="Approve it")
def give_approval(request: Request, caller: Approving, revision: Revision, reason: Reason) -> Response:
    """Takes effect at once. Who asked for it cannot approve it."""
    return _moved(
        lambda control: approve(control, _named(control, revision), author=caller.who, why=reason.why), request
    )


@router.post(
    "/rulesets/{revision}/promote",
    response_model=Moved,
    responses={**said(404, 409), 202: {"model": Moved, "description": "It waits for another person's approval"}},
    summary="Make a canary or shadow live",
)
def make_live(request: Request, caller: Drafting, revision: Revision, reason: Reason) -> Response:
    """With its own thresholds' values. With approvals required it waits for one by another person."""
    return _moved(
        lambda control: promote(control, _named(control, revision), why=reason.why, author=caller.who), request
    )


@router.post("/rulesets/{revision}/retire", response_model=Moved, responses=said(404, 409), summary="End it")
def end(request: Request, caller: Approving, revision: Revision, reason: Reason) -> Response:
    """A canary, a shadow, or a draft with its request for approval."""
    return _moved(
        lambda control: retire(control, _named(control, revision), why=reason.why, author=caller.who), request
    )


@router.post("/rulesets:rollback", response_model=Moved, responses=said(404, 409), summary="Roll back")
def back(request: Request, caller: Approving, reason: Back) -> Response:
    """With the thresholds it had. Needs no approval: it is for emergencies."""
    return _moved(lambda control: rollback(control, why=reason.why, author=caller.who, to=reason.to), request)


@router.get("/approvals", response_model=Requests, responses=said(), summary="What waits for approval")
def approvals(request: Request, caller: Reading) -> Response:
    """The oldest first."""
    del caller
    rows = service_of(request).control.query(
        "select revision, state, share, author, why, requested_at from approvals where status = 'pending' order by id"
    )
    names = ("revision", "state", "share", "author", "why", "requested_at")
    return as_json({"items": [dict(zip(names, row, strict=True)) for row in rows]})


def _named(control: Control, revision: str) -> str:
    """A revision of the store. Raises ProblemError 404 for none."""
    try:
        return find_revision(control, revision)
    except RiskwaveError as fault:
        raise ProblemError(404, str(fault)) from None


def _moved(move: Callable[[Control], Move], request: Request, status: int = 200) -> Response:
    done = move(service_of(request).control)
    said_ = {key: value for key, value in asdict(done).items() if key != "thresholds"}
    said_["thresholds"] = [str(carried) for carried in done.thresholds if carried.told]
    return as_json(said_, 202 if done.pending else status)


def _detail(control: Control, named: str) -> dict[str, Any]:
    revision = _named(control, named)
    ruleset = stored_ruleset(control, revision)
    values = thresholds_of(control, revision)
    rows = [
        {
            "rule": rule.rule,
            "when": rule.when,
            "action": rule.action,
            "severity": rule.severity,
            "state": rule.state,
            "reason": rule.reason,
            "owner": rule.owner,
            "tags": list(rule.tags),
            "thresholds": {name: values[rule.rule, name] for name in rule.thresholds},
        }
        for rule in ruleset.rules
    ]
    history = [asdict(spell) for spell in ruleset_history(control, revision)]
    return {"revision": revision, "rules": rows, "text": ruleset.text, "history": history}
