"""A rule whose window begins before the history says so, and one that is new does not act until it is whole."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from riskwave.control import Control
from riskwave.control.lifecycle import promote, publish, rollback
from riskwave.control.warming import note_events, warming_rules
from tests.control.packs import SHARED, STRICTER, VELOCITY, pack

START = datetime(2026, 1, 1)
MONTH = """\
- rule: first_device
  when: card_device_first_30d and billing_amount_minor >= :least
  thresholds: {least: 5000}
  action: challenge
  severity: P1
  reason: a new device
  owner: card-risk
"""
WEEK = MONTH.replace("card_device_first_30d", "card_txn_count_7d = 1")
ACTS = MONTH.replace("severity: P1", "severity: P1\n  while_warming: act")
WHOLE = START + timedelta(days=30)


def held(control: Control) -> dict[str, datetime]:
    live = control.snapshot().live
    assert live is not None
    return dict(live.held)


def aged(control: Control, **age: float) -> Control:
    assert note_events(control, START, START + timedelta(**age))
    return control


def test_the_first_ruleset_acts_from_the_first_event_on_and_says_that_it_is_warming(empty: Control) -> None:
    publish(empty, pack(VELOCITY, MONTH), why="first", author="ann")
    assert warming_rules(empty) == [], "there is no event yet whose history could be short"
    aged(empty, minutes=5)
    assert held(empty) == {}
    told = [(rule.rule, rule.since, rule.until, rule.acts) for rule in warming_rules(empty)]
    assert told == [
        ("card_velocity", START, START + timedelta(minutes=10), True),
        ("first_device", START, WHOLE, True),
    ]
    assert [rule.rule for rule in warming_rules(aged(empty, hours=1))] == ["first_device"]
    assert warming_rules(aged(empty, days=30)) == []


def test_a_new_rule_is_held_until_its_window_is_whole(live: Control) -> None:
    aged(live, days=10)
    publish(live, pack(VELOCITY, SHARED, MONTH), why="more", author="ann")
    assert held(live) == {"first_device": WHOLE}
    (rule,) = warming_rules(live)
    assert str(rule) == (
        "first_device: warming since 2026-01-01 00:00, until 2026-01-31 00:00 (event time): card_device_first_30d "
        "looks back 30d; recorded, acts from then on"
    )
    assert warming_rules(aged(live, days=30)) == []


def test_a_rule_that_history_is_long_enough_for_acts_at_once(live: Control) -> None:
    aged(live, days=30)
    publish(live, pack(VELOCITY, MONTH), why="more", author="ann")
    assert held(live) == {}


def test_a_rule_that_acts_already_goes_on_unless_it_looks_back_further(empty: Control) -> None:
    publish(empty, pack(WEEK), why="first", author="ann")
    aged(empty, days=2)
    publish(empty, pack(WEEK.replace("5000", "6000")), why="larger", author="ann")
    assert held(empty) == {}
    publish(empty, pack(MONTH), why="a month", author="ann")
    assert held(empty) == {"first_device": WHOLE}
    publish(empty, pack(MONTH, VELOCITY), why="what is held is new still", author="ann")
    assert held(empty) == {"first_device": WHOLE}


def test_a_pack_may_say_that_a_new_rule_acts_meanwhile(live: Control) -> None:
    aged(live, days=10)
    publish(live, pack(VELOCITY, ACTS), why="urgent", author="ann")
    assert held(live) == {}
    assert [(rule.rule, rule.acts) for rule in warming_rules(live)] == [("first_device", True)]


def test_canary_and_promotion_hold_and_a_shadow_has_no_need_to(live: Control) -> None:
    aged(live, days=10)
    publish(live, pack(VELOCITY, MONTH), why="watch", author="ann", state="shadow")
    assert live.snapshot().shadows[0].held == {}
    publish(live, pack(VELOCITY, MONTH), why="some", author="ann", state="canary", share=0.1)
    canary = live.snapshot().canary
    assert canary is not None
    assert canary.held == {"first_device": WHOLE}
    aged(live, days=12)
    promote(live, why="good", author="ann")
    assert held(live) == {"first_device": WHOLE}


def test_a_rollback_brings_back_what_acted_and_what_was_held(empty: Control) -> None:
    publish(empty, pack(MONTH), why="first", author="ann")
    aged(empty, days=2)
    publish(empty, pack(VELOCITY), why="without", author="ann")
    publish(empty, pack(VELOCITY, MONTH), why="with it again", author="ann")
    assert held(empty) == {"first_device": WHOLE}
    held_then = empty.version
    publish(empty, pack(STRICTER), why="another", author="ann")
    rollback(empty, why="no", author="sre")
    assert held(empty) == {"first_device": WHOLE}
    first = empty.query("select revision from rulesets order by rowid limit 1")[0][0]
    rollback(empty, why="the first", author="sre", to=first)
    assert held(empty) == {}, "it acted before, and does again"
    then = empty.snapshot(held_then).live
    assert then is not None
    assert then.held == {"first_device": WHOLE}, "a replay meets what was held"


def test_what_is_noted_takes_no_version_and_waits_for_nobody(live: Control, tmp_path: Path) -> None:
    before = live.version
    aged(live, days=1)
    assert live.version == before
    other = sqlite3.connect(tmp_path / "bank.duckdb.control", isolation_level=None)
    other.execute("begin immediate")
    assert not note_events(live, START, START + timedelta(days=2))
    other.execute("rollback")
    with pytest.raises(sqlite3.IntegrityError, match="kept by riskwave rules publish"):
        other.execute("delete from rule_windows")
    other.close()


def test_a_store_of_an_earlier_riskwave_gets_what_it_lacks(live: Control, tmp_path: Path) -> None:
    path = tmp_path / "bank.duckdb.control"
    live.close()
    with sqlite3.connect(path) as connection:
        for table in ("known_events", "rule_windows", "held_rules"):
            connection.execute(f"drop table {table}")
    with Control.open(path, read_only=True) as control:
        assert warming_rules(control) == []
        assert control.snapshot().live is not None
