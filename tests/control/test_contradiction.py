"""Thresholds within their own bounds that leave nothing between them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from riskwave.control import Control
from riskwave.control.contradiction import contradictions
from riskwave.control.lifecycle import publish
from riskwave.control.thresholds import set_threshold
from riskwave.errors import RiskwaveError
from tests.control.packs import pack

BETWEEN = """\
- rule: between
  when: card_txn_count_1h >= :low and card_txn_count_1h <= :high
  thresholds: {low: {value: 3, min: 1, max: 100}, high: {value: 8, min: 1, max: 100}}
  action: review
  severity: P2
  reason: between
  owner: card-risk
"""


def test_a_value_with_which_a_rule_could_never_fire_is_refused(empty: Control) -> None:
    publish(empty, pack(BETWEEN), why="first", author="ann")
    before = empty.version
    with pytest.raises(
        RiskwaveError, match=r"between.low: 9: with it the rule can never fire: .* at least 9 and at most 8"
    ):
        set_threshold(empty, "between", "low", "9", why="tighter", author="ann")
    assert empty.version == before
    set_threshold(empty, "between", "low", "8", why="tighter", author="ann")
    assert contradictions(empty) == {}


def test_a_plain_update_that_contradicts_is_told_and_can_be_mended_in_steps(empty: Control, tmp_path: Path) -> None:
    move = publish(empty, pack(BETWEEN), why="first", author="ann")
    with sqlite3.connect(tmp_path / "bank.duckdb.control") as plain:
        plain.execute("update thresholds set value = '20', author = 'ann', why = 'a slip' where name = 'low'")
    plain.close()
    ((key, why),) = contradictions(empty).items()
    assert key == (move.revision, "between")
    assert why.startswith("can never fire with these values: ")
    assert "at least 20 and at most 8" in why
    set_threshold(empty, "between", "low", "15", why="mending", author="ann")
    set_threshold(empty, "between", "high", "30", why="mending", author="ann")
    assert contradictions(empty) == {}


STATUS = """\
rules:
  - rule: not_active
    when: profile_status <> :active
    thresholds: {active: {value: active}}
    action: block
    severity: P0
    reason: "the card is {profile_status}"
    owner: fraud-rules
    cases:
      - given: {profile_status: closed}
        expect: fired
"""


def test_a_value_that_a_column_never_has_is_refused_and_told(empty: Control, tmp_path: Path) -> None:
    """It would not keep the rule from firing: it would fire on every payment."""
    move = publish(empty, pack(STATUS), why="first", author="ann")
    with pytest.raises(RiskwaveError, match="profile_status is never 'actve'; did you mean active"):
        set_threshold(empty, "not_active", "active", "actve", why="typo", author="ann")
    set_threshold(empty, "not_active", "active", "blocked", why="one that there is", author="ann")
    with sqlite3.connect(tmp_path / "bank.duckdb.control") as plain:
        plain.execute("update thresholds set value = 'actve', author = 'ann', why = 'a slip'")
    plain.close()
    assert contradictions(empty) == {
        (move.revision, "not_active"): (
            "decides by a value that is none: profile_status is never 'actve'; did you mean active?"
        )
    }
    with pytest.raises(RiskwaveError, match="thresholds: profile_status is never 'actve'"):
        pack(STATUS.replace("value: active", "value: actve"))
