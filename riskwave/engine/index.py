"""A keyed index in memory: which rows of a column store belong to a key within a span of time or tiles.

An entry is one 64-bit integer, the key's code in the upper half and a tick (a second, a tile number) in the lower,
so that a span of one key is one range. Entries are kept in a few sorted runs whose sizes grow by a constant factor:
adding a batch costs what the batch costs, now and then a merge, and finding a range costs a binary search per run.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Positions = npt.NDArray[np.int32]

PAGE = 64  # keys of a page of a run
MANY = 500  # values from which on a search by pages is the faster one
GROWTH = 6  # a run is merged into the one before it unless that one is this many times longer


def composite(codes: npt.NDArray[np.int32], ticks: Ints) -> Ints:
    """One entry a row: `codes` (n, >= 0) in the upper 32 bits, `ticks` (n, 0 to 2**32) in the lower."""
    return (codes.astype(np.int64) << 32) | ticks


def merge_ranges(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Union of the half-open ranges [low, high), as disjoint ranges in order, so that no entry is found twice."""
    if len(low) == 0:
        return low, high
    order = np.argsort(low, kind="stable")
    low, reach = low[order], np.maximum.accumulate(high[order])
    starts = np.concatenate(([True], low[1:] > reach[:-1]))
    first = np.flatnonzero(starts)
    last = np.concatenate((first[1:], [len(low)])) - 1
    return low[first], reach[last]


def expand(first: Ints, count: Ints) -> Ints:
    """The integers first[i], first[i] + 1, … (count[i] of them) for every i, one after another."""
    total = int(count.sum())
    offsets = np.repeat(first - np.concatenate(([0], np.cumsum(count)[:-1])), count)
    return offsets + np.arange(total, dtype=np.int64)


class Run:
    """Entries in order, with the row position each belongs to."""

    def __init__(self, keys: Ints, positions: Positions) -> None:
        self.keys, self.positions = keys, positions
        # The first of each page: few enough to stay in the processor's cache, where a search of all keys would not.
        self._pages = keys[::PAGE].copy()

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.keys.nbytes + self.positions.nbytes + self._pages.nbytes

    def first(self, values: Ints) -> Ints:
        """For each value (n, any order) the place of the first key that is not less, as np.searchsorted has it."""
        if len(self._pages) < PAGE or len(values) < MANY:
            return np.searchsorted(self.keys, values)
        low = np.maximum(np.searchsorted(self._pages, values) - 1, 0) * PAGE
        last, step = len(self.keys) - 1, PAGE // 2
        while step:
            middle = low + step
            low = np.where((middle <= last) & (self.keys[np.minimum(middle, last)] < values), middle, low)
            step //= 2
        return low + (self.keys[low] < values)


class SortedIndex:
    """Entries (not unique) with the row position each belongs to."""

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(run.nbytes for run in self._runs)

    def add(self, entries: Ints, positions: Positions) -> None:
        """Add entries (n, any order) for row positions (n)."""
        if len(entries) == 0:
            return
        order = np.argsort(entries, kind="stable")
        self._runs.append(Run(entries[order], positions[order]))
        while len(self._runs) > 1 and len(self._runs[-2]) < GROWTH * len(self._runs[-1]):
            newer, older = self._runs.pop(), self._runs.pop()
            self._runs.append(_merged(older, newer))

    def renumber(self, place_of: Positions) -> None:
        """Give the row at position p the position place_of[p]."""
        for run in self._runs:
            run.positions = place_of[run.positions]

    def ranges(self, low: Ints, high: Ints) -> tuple[Ints, Positions]:
        """Entries and positions within the disjoint half-open ranges [low, high), in order of entry."""
        found = []
        for run in self._runs:
            first = run.first(low)
            rows = expand(first, run.first(high) - first)
            found.append((run.keys[rows], run.positions[rows]))
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.int32)
        if len(found) == 1:
            return found[0]
        entries = np.concatenate([keys for keys, _ in found])
        positions = np.concatenate([rows for _, rows in found])
        order = np.argsort(entries, kind="stable")
        return entries[order], positions[order]

    def spans(self, low: Ints, high: Ints) -> tuple[Ints, Ints, Positions]:
        """For the half-open ranges [low, high) (n, they may overlap): the range, the entry and its position."""
        owners, found, positions = [], [], []
        for run in self._runs:
            first = run.first(low)
            count = run.first(high) - first
            at = expand(first, count)
            owners.append(np.repeat(np.arange(len(low)), count))
            found.append(run.keys[at])
            positions.append(run.positions[at])
        if not found:
            nothing = np.empty(0, np.int64)
            return nothing, nothing, np.empty(0, np.int32)
        return np.concatenate(owners), np.concatenate(found), np.concatenate(positions)

    def find(self, entries: Ints) -> Positions:
        """The position of each entry (n), -1 where there is none; any one of them where there are several."""
        result = np.full(len(entries), -1, np.int32)
        for run in self._runs:
            at = np.minimum(run.first(entries), len(run) - 1)
            hit = run.keys[at] == entries
            result[hit] = run.positions[at[hit]]
        return result


def _merged(older: Run, newer: Run) -> Run:
    keys = np.concatenate((older.keys, newer.keys))
    positions = np.concatenate((older.positions, newer.positions))
    order = np.argsort(keys, kind="stable")  # two sorted runs: linear
    return Run(keys[order], positions[order])
