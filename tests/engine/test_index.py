"""The keyed index finds what a plain search finds."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from riskwave.engine.index import MANY, PAGE, Run, SortedIndex, composite, expand, merge_ranges

Entry = int
#: Batches of entries; few values, so that entries repeat within and across batches.
batches = st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=12)
ranges = st.lists(st.tuples(st.integers(0, 32), st.integers(0, 32)), max_size=8)


def index_of(added: list[list[Entry]]) -> tuple[SortedIndex, list[Entry]]:
    """The index, and every entry at its position."""
    index = SortedIndex()
    entries: list[Entry] = []
    for batch in added:
        start = len(entries)
        entries += batch
        index.add(np.array(batch, np.int64), np.arange(start, len(entries), dtype=np.int32))
    return index, entries


def edges(given_ranges: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    low = np.array([low for low, _ in given_ranges], np.int64)
    return low, np.array([high for _, high in given_ranges], np.int64)


@given(batches)
def test_every_entry_is_kept_once(added: list[list[Entry]]) -> None:
    index, entries = index_of(added)
    assert len(index) == len(entries)
    found, positions = index.ranges(*edges([(0, 31)]))
    assert sorted(positions.tolist()) == list(range(len(entries)))
    assert found.tolist() == sorted(entries)


@given(batches, ranges)
def test_ranges_are_found_in_order(added: list[list[Entry]], asked: list[tuple[int, int]]) -> None:
    index, entries = index_of(added)
    asked = [(low, high) for low, high in asked if low < high]
    found, positions = index.ranges(*merge_ranges(*edges(asked)))
    wanted = [entry for entry in entries if any(low <= entry < high for low, high in asked)]
    assert found.tolist() == sorted(wanted)
    assert [entries[position] for position in positions] == found.tolist()
    assert len(set(positions.tolist())) == len(positions)


@given(batches, ranges)
def test_spans_belong_to_their_range(added: list[list[Entry]], asked: list[tuple[int, int]]) -> None:
    index, entries = index_of(added)
    asked = [(low, high) for low, high in asked if low <= high]
    owners, found, positions = index.spans(*edges(asked))
    assert [entries[position] for position in positions] == found.tolist()
    wanted = [
        (owner, position)
        for owner, (low, high) in enumerate(asked)
        for position, entry in enumerate(entries)
        if low <= entry < high
    ]
    assert sorted(zip(owners.tolist(), positions.tolist(), strict=True)) == wanted


@given(batches, st.lists(st.integers(0, 32), max_size=10))
def test_find_gives_a_position_or_none(added: list[list[Entry]], asked: list[Entry]) -> None:
    index, entries = index_of(added)
    for entry, position in zip(asked, index.find(np.array(asked, np.int64)).tolist(), strict=True):
        assert entries[position] == entry if position >= 0 else entry not in entries


@given(ranges)
def test_merged_ranges_cover_the_same_and_do_not_overlap(asked: list[tuple[int, int]]) -> None:
    asked = [(low, high) for low, high in asked if low < high]
    low, high = merge_ranges(*edges(asked))
    assert all(low[1:] > high[:-1])
    covered = {number for first, last in zip(low, high, strict=True) for number in range(first, last)}
    assert covered == {number for first, last in asked for number in range(first, last)}


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=8))
def test_expand_counts_up_from_each_start(runs: list[tuple[int, int]]) -> None:
    first, count = edges(runs)
    assert expand(first, count).tolist() == [start + step for start, steps in runs for step in range(steps)]


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**31 - 1), st.integers(0, 2**32 - 1))
def test_composite_orders_by_key_then_tick(code: int, tick: int, other_code: int, other_tick: int) -> None:
    entries = composite(np.array([code, other_code], np.int32), np.array([tick, other_tick], np.int64))
    assert (entries[0] < entries[1]) == ((code, tick) < (other_code, other_tick))
    assert (entries >> 32).tolist() == [code, other_code]
    assert (entries & 0xFFFFFFFF).tolist() == [tick, other_tick]


@given(batches, st.randoms(use_true_random=False))
def test_renumbered_entries_are_found_at_their_new_positions(added: list[list[Entry]], dice: Random) -> None:
    index, entries = index_of(added)
    order = list(range(len(entries)))
    dice.shuffle(order)
    index.renumber(np.array(order, np.int32))
    found, positions = index.ranges(*edges([(0, 31)]))
    at = {order[place]: entry for place, entry in enumerate(entries)}
    assert [at[position] for position in positions.tolist()] == found.tolist()
    assert sorted(positions.tolist()) == list(range(len(entries)))


@given(st.integers(0, 2**32), st.integers(0, 400))
def test_a_long_run_is_searched_as_a_short_one(seed: int, few: int) -> None:
    random = np.random.default_rng(seed)
    keys = np.sort(random.integers(0, 3_000, PAGE * PAGE + few))
    run = Run(keys, np.arange(len(keys), dtype=np.int32))
    values = random.integers(-1, 3_001, MANY + few)
    assert run.first(values).tolist() == np.searchsorted(keys, values).tolist()
