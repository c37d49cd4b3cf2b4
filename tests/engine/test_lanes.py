"""Statements in two lanes: every one once, after those it needs, and no lane waits for the other for ever."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskwave.engine.lanes import in_lanes


@pytest.mark.parametrize(
    ("needs", "lanes"),
    [
        ([], ([], [])),
        ([set()], ([0], [])),
        ([set(), {0}, {1}], ([0, 1, 2], [])),
        ([set(), set(), {0, 1}], ([0, 2], [1])),
        # facts, device, card steps, session, day, month: the longest way is steps, session, day
        ([set(), set(), set(), {2}, {3}, {2}], ([2, 3, 4], [0, 1, 5])),
    ],
)
def test_the_longest_way_goes_first(needs: list[set[int]], lanes: tuple[list[int], list[int]]) -> None:
    assert in_lanes(needs) == lanes


@st.composite
def steps(draw: st.DrawFn) -> list[frozenset[int]]:
    count = draw(st.integers(0, 9))
    return [draw(st.frozensets(st.integers(0, place - 1))) if place else frozenset() for place in range(count)]


@given(steps())
def test_lanes_end(needs: Sequence[AbstractSet[int]]) -> None:
    lanes = [list(lane) for lane in in_lanes(needs)]
    assert sorted(lanes[0] + lanes[1]) == list(range(len(needs)))
    done: set[int] = set()
    while any(lanes):
        able = [lane for lane in lanes if lane and needs[lane[0]] <= done]
        assert able, f"each lane waits for the other: {lanes}"
        for lane in able:
            done.add(lane.pop(0))
