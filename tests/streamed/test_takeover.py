"""Interrupted anywhere, the steps that are left lead to what is wanted, and nobody decides by a mixture.

The steps are taken on a model of the server (`after`); tests/risingwave takes them on one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskwave.errors import RiskwaveError
from riskwave.risingwave.entries import NEVER, EntryRow, Key, WantedEntry, until
from riskwave.risingwave.takeover import (
    FEED,
    TABLE,
    Feed,
    Found,
    Thresholds,
    Wanted,
    after,
    in_force,
    name_of,
    next_step,
    plan,
    version_in_force,
)

ENDS = [NEVER, datetime(2026, 3, 1), datetime(2026, 4, 1)]
KEYS: list[Key] = [("block_ip", "10.0.0.0/8"), ("block_card", "c1"), ("block_card", "c2")]

entries = st.dictionaries(st.sampled_from(KEYS), st.builds(WantedEntry, st.sampled_from(ENDS), st.just("why")))
#: What the store is at, one version after the other: a structure, a value, lists.
histories = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), entries), min_size=1, max_size=4).map(
    lambda told: [wanted(version, *each) for version, each in enumerate(told, 2)]
)


def wanted(version: int, structure: str, value: int, lists: Mapping[Key, WantedEntry]) -> Wanted:
    """A ruleset with one threshold; each structure calls it otherwise."""
    return Wanted(
        version, f"card.{structure}", {f"{structure}__limit": "bigint"}, {f"{structure}__limit": value}, lists
    )


def deployed(structure: str = "a", *, gated: bool = True) -> Found:
    """As `dbt run` leaves it; not gated: as an earlier Riskwave did."""
    feed = f"card.{structure}.7.8"
    return Found(
        feed=feed if gated else None,
        feeds={FEED: Feed(feed if gated else None, frozenset({1}))},
        thresholds={TABLE: Thresholds(1, {f"{structure}__limit": "bigint"}, {f"{structure}__limit": 9}, 1)},
        query=feed if gated else None,
        beneath="7.8",
    )


def decides(found: Found) -> tuple[object, ...] | None:
    """By what a row that comes now is decided: the ruleset, its thresholds, and until when lists hold what."""
    named = in_force(found)
    if named is None:
        return None
    (table,) = [table for table in found.thresholds.values() if table.id in found.feeds[named].reads]
    assert table.row is not None
    held = {key: until(row, table.control_version) for key, row in found.entries.items()}
    lists = tuple(sorted((key, end) for key, end in held.items() if end))
    return found.feed, tuple(table.row.items()), lists, table.control_version


def means(goal: Wanted, found: Found) -> tuple[object, ...]:
    """By what a row should be decided."""
    lists = tuple(sorted((key, entry.until) for key, entry in goal.entries.items()))
    return name_of(goal, found), tuple(goal.row.items()), lists, goal.version


def states(found: Found, goal: Wanted) -> Iterator[Found]:
    """What is there after each step."""
    for step in plan(found, goal):
        found = after(found, goal, step)
        yield found


def settled_for(goal: Wanted, found: Found) -> None:
    assert decides(found) == means(goal, found)
    assert set(found.feeds) == {FEED}
    assert set(found.thresholds) == {TABLE}
    assert found.query == found.feed
    assert found.entries == {
        key: EntryRow(None if entry.until == NEVER else entry.until, entry.reason)
        for key, entry in goal.entries.items()
    }
    assert next_step(found, goal) is None


@settings(max_examples=300)
@given(histories, st.lists(st.integers(0, 30), min_size=4, max_size=4))
def test_interrupted_anywhere_the_same_comes_of_it(history: list[Wanted], cuts: list[int]) -> None:
    """Each version is begun, cut off after some steps, and the next one begun on what is there."""
    found = deployed()
    may_decide = {decides(found)}
    for goal, cut in zip(history, cuts, strict=False):
        may_decide.add(means(goal, found))
        for place, state in enumerate(states(found, goal)):
            if place >= cut:
                break
            found = state
            assert decides(found) in may_decide, "a row is decided by what nobody asked for"
    for state in states(found, history[-1]):
        found = state
        assert decides(found) in may_decide
    settled_for(history[-1], found)


@settings(max_examples=100)
@given(histories)
def test_a_version_takes_force_at_one_step(history: list[Wanted]) -> None:
    found = deployed()
    for goal in history:
        told = [decides(state) for state in states(found, goal)]
        changes = sum(one != two for one, two in zip([decides(found), *told], told, strict=False))
        assert changes == 1
        found = [found, *states(found, goal)][-1]
        settled_for(goal, found)


@settings(max_examples=60)
@given(histories, st.integers(0, 30))
def test_a_feed_that_asks_nobody_stops_before_another_begins(history: list[Wanted], cut: int) -> None:
    """Rows wait while there is none; the next decides them all, so it is called before it is made."""
    found = deployed(gated=False)
    goal = history[0]
    for place, state in enumerate(states(found, goal)):
        assert sum(feed.feed is None for feed in state.feeds.values()) + (in_force(state) is not None) <= 1
        if in_force(state) and not in_force(found):
            assert found.feed == name_of(goal, found), "a feed is made before it is called, and passes over what waits"
        if place < cut:
            found = state
        else:
            break
    settled_for(goal, [found, *states(found, goal)][-1])


@settings(max_examples=60)
@given(histories, st.integers(0, 30))
def test_without_a_feed_the_next_takes_up_what_waits(history: list[Wanted], cut: int) -> None:
    found = replace(deployed(), feeds={})
    for place, state in enumerate(states(found, history[0])):
        if place < cut:
            found = state
    settled_for(history[0], [found, *states(found, history[0])][-1])


def test_what_lies_beneath_a_feed_makes_another() -> None:
    found = deployed()
    goal = wanted(1, "a", 9, {})
    assert plan(found, goal) == []
    told = [step.kind for step in plan(replace(found, beneath="9.8"), goal)]
    assert told == [
        *("make thresholds", "fill thresholds", "make feed", "take over", "swap thresholds", "swap feed"),
        *("replace query", "drop feed", "drop thresholds"),
    ]


def test_an_edit_is_one_update_and_lists_are_written_before() -> None:
    found = deployed()
    goal = wanted(2, "a", 3, {KEYS[0]: WantedEntry(NEVER, "why")})
    assert [str(step) for step in plan(found, goal)] == [
        "stage lists: list_entries, 1 rows, control_version 2",
        "set thresholds: rule_thresholds, control_version 2",
        "settle lists: list_entries, 1 rows",
    ]


def test_an_older_store_is_refused() -> None:
    found = [deployed(), *states(deployed(), wanted(7, "b", 1, {}))][-1]
    assert version_in_force(found) == 7
    with pytest.raises(RiskwaveError, match="control_version 7 is in force on RisingWave, and the control store"):
        plan(found, wanted(6, "b", 1, {}))
