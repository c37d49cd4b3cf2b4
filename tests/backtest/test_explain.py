"""An explanation shows the terms that made a decision, and changes that would have let the event pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from riskwave.backtest.changes import OTHER
from riskwave.backtest.explain import Explanation, explain
from riskwave.backtest.given import given
from riskwave.cli import app
from riskwave.control import Control, control_path
from riskwave.control.lifecycle import publish
from riskwave.control.thresholds import set_threshold
from riskwave.errors import RiskwaveError
from riskwave.rules.reference import decide
from tests.backtest.conftest import Made
from tests.backtest.made import START, decided, make_state, pack

CALM: dict[str, Any] = {
    "event_id": "e1",
    "event_ts": START,
    "card_id": "c1",
    "channel": "ecommerce",
    "billing_amount_minor": 5_000,
    "card_txn_count_10m": 1,
    "card_amount_sum_10m": 8_000,
    "card_km_from_last": 10.0,
    "card_is_abroad": False,
    "profile_travels_abroad": False,
    "version": 1,
}
POINTS = """\
- rule: points
  when: >-
    case when mcc in ('5944', '5311') then 5 when mcc = '6011' then 2 else 0 end
    + case when card_is_abroad then 4 else 0 end + case when local_hour < 6 then 1 else 0 end >= :points
  thresholds: {points: 7}
  action: block
  severity: P0
  reason: "{:points} points or more"
  owner: card-risk
"""


def explained(tmp_path: Path, text: str | None = None, **changed: Any) -> Explanation:
    """The explanation of the calm event with some values changed."""
    state = tmp_path / "bank.duckdb"
    with Control.open(control_path(state)) as control:
        publish(control, pack(text) if text else pack(), why="first", author="ann")
        event = {**CALM, **changed}
        make_state(state, [event], (), decided(control, [event]))
        # What is in force by now must not matter.
        if text is None:
            set_threshold(control, "velocity", "max_count", "50", why="later", author="ann")
    return explain(state, "e1")


def test_terms_have_values_operators_thresholds_and_truths(tmp_path: Path) -> None:
    result = explained(tmp_path, card_txn_count_10m=7)
    rule = result.rules[0]
    assert (rule.rule, rule.fired, rule.reason) == ("velocity", True, "7 payments of 80.00, 6 or more")
    assert [(t.said, t.value, t.operator, t.against, t.truth) for t in rule.terms] == [
        ("card_txn_count_10m >= :max_count", 7, ">=", 6, True),
        ("card_amount_sum_10m >= :min_amount", 8_000, ">=", 5_000, True),
    ]
    far = next(rule for rule in result.rules if rule.rule == "far")
    assert [(t.said, t.depth, t.joined, t.truth) for t in far.terms] == [
        ("card_km_from_last > :km", 1, "or", False),
        ("card_is_abroad", 2, "and", False),
        ("not profile_travels_abroad", 2, "and", True),
    ]
    assert result.agrees
    assert [str(change) for way in result.changes for change in way] == [
        "card_txn_count_10m 5 instead of 7",
        "card_amount_sum_10m 4999 instead of 8000",
    ]


def test_what_is_not_known_is_unknown(tmp_path: Path) -> None:
    result = explained(tmp_path, card_km_from_last=None, card_is_abroad=None)
    far = next(rule for rule in result.rules if rule.rule == "far")
    assert (far.fired, far.truth) == (False, None)
    assert [term.truth for term in far.terms] == [None, None, True]
    assert result.decision["action"] == "allow"
    assert result.changes == ()


def test_two_rules_take_two_changes(tmp_path: Path) -> None:
    result = explained(tmp_path, card_txn_count_10m=7, card_km_from_last=900.0)
    assert {rule.rule for rule in result.rules if rule.fired} == {"velocity", "far"}
    assert all(len({change.column for change in way}) == 2 for way in result.changes)
    said = [" and ".join(map(str, way)) for way in result.changes]
    assert "card_txn_count_10m 5 instead of 7 and card_km_from_last 800 instead of 900" in said


def test_points_are_told_by_their_parts(tmp_path: Path) -> None:
    result = explained(tmp_path, POINTS, mcc="5944", card_is_abroad=True, local_hour=12)
    (term,) = result.rules[0].terms
    assert (term.said, term.value, term.against) == ("the sum of 3 parts >= :points", 9, 7)
    assert [(part.said, part.value) for part in term.parts] == [("mcc in ('5944', '5311')", 5), ("card_is_abroad", 4)]
    assert {change.column for way in result.changes for change in way} == {"mcc", "card_is_abroad"}


def test_every_change_lets_the_event_pass(made: Made) -> None:
    rules = given("live", made.path)
    stopped = 0
    for event in made.events[:25]:
        result = explain(made.path, event["event_id"])
        assert result.agrees
        for way in result.changes:
            changed = {**event, **{change.column: change.value for change in way}}
            assert decide(rules.checked, changed, rules.values, rules.lists).action == "allow"
            if len(way) == 2:
                for change in way:
                    alone = {**event, change.column: change.value}
                    assert decide(rules.checked, alone, rules.values, rules.lists).action != "allow"
        stopped += bool(result.changes)
        assert bool(result.changes) == (result.decision["action"] != "allow")
        told = result.as_dict()["changes"]
        assert all(each["value"] != OTHER for way in told for each in way)
    assert stopped > 5


def test_a_decision_that_supersedes_another_says_what_changed(tmp_path: Path) -> None:
    state = tmp_path / "bank.duckdb"
    with Control.open(control_path(state)) as control:
        publish(control, pack(), why="first", author="ann")
        late = {**CALM, "version": 2, "card_txn_count_10m": 7, "card_km_from_last": None}
        events = [CALM, late]
        make_state(state, events, (), decided(control, events))
    last = explain(state, "e1")
    assert (last.version, last.decision["action"]) == (2, "challenge")
    assert last.changed == {"card_txn_count_10m": (1, 7), "card_km_from_last": (10.0, None)}
    assert explain(state, "e1", version=1).changed == {}
    shown = CliRunner().invoke(app, ["explain", "e1", "--state", str(state)], catch_exceptions=False).stdout
    assert "it supersedes decision 1, since what was known changed" in shown


def test_no_such_event_or_version(made: Made) -> None:
    with pytest.raises(RiskwaveError, match=r"e9: .* has no decision about it"):
        explain(made.path, "e9")
    with pytest.raises(RiskwaveError, match="e00001: has no version 4; expected 1 to 1"):
        explain(made.path, "e00001", version=4)
