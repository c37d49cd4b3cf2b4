"""Exact windows over keyed events, vectorised: each ends at the event, includes it and what ties with it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskwave.simulator.draws import Floats, Ints


class Keyed:
    """Events by key and time. Events without a key (a negative code) get 0 from every window.

    `key`: codes; `ts`: microseconds. Results have the rows of `key`, in the order given.
    """

    def __init__(self, key: NDArray[Any], ts: Ints) -> None:
        self.key = key.astype(np.int64)
        # milliseconds leave room for the key in one sortable number
        self._ms = (ts - ts.min(initial=0)) // 1000 if len(ts) else ts
        self._span = int(self._ms.max(initial=0)) + 40 * 86_400_000
        self._order = np.lexsort((self._ms, self.key))
        self._at = (self.key + 1)[self._order] * self._span + self._ms[self._order]

    def count(self, seconds: int) -> Floats:
        """Events in the window."""
        first, last = self._window(seconds)
        return self._back((last - first).astype(np.float64))

    def sum(self, values: NDArray[Any], seconds: int) -> Floats:
        """Sum of `values` over the window."""
        first, last = self._window(seconds)
        total = np.r_[0.0, np.cumsum(values[self._order].astype(np.float64))]
        return self._back(total[last] - total[first])

    def distinct(self, values: NDArray[Any], seconds: int) -> Floats:
        """Different non-negative `values` in the window.

        A value counts from each of its events until its next one or until the event leaves the window: plus
        one and minus one on the key's time line, whose running sum is the answer.
        """
        value = values[self._order].astype(np.int64)
        by_pair = np.lexsort((np.arange(len(value)), value, self.key[self._order]))
        at, key, of = self._at[by_pair], self.key[self._order][by_pair], value[by_pair]
        gone = at + seconds * 1000 + 1
        same = (key[1:] == key[:-1]) & (of[1:] == of[:-1])
        gone[:-1] = np.where(same, np.minimum(gone[:-1], at[1:]), gone[:-1])
        some = of >= 0
        moments = np.r_[at[some], gone[some]]
        change = np.r_[np.ones(int(some.sum())), -np.ones(int(some.sum()))]
        line = np.argsort(moments, kind="stable")
        running = np.r_[0.0, np.cumsum(change[line])]
        return self._back(running[np.searchsorted(moments[line], self._at, side="right")])

    def previous(self) -> Ints:
        """Position of the key's event before, -1 for its first."""
        before = np.full(len(self.key), -1, np.int64)
        same = self.key[self._order][1:] == self.key[self._order][:-1]
        before[self._order[1:]] = np.where(same, self._order[:-1], -1)
        return np.where(self.key >= 0, before, -1)

    def number(self) -> Ints:
        """How many events of the key came before."""
        sorted_key = self.key[self._order]
        start = np.searchsorted(sorted_key, sorted_key, side="left")
        found = np.empty(len(self.key), np.int64)
        found[self._order] = np.arange(len(self.key)) - start
        return found

    def _window(self, seconds: int) -> tuple[Ints, Ints]:
        # a window may not reach into the key before
        floor = (self.key + 1)[self._order] * self._span
        first = np.searchsorted(self._at, np.maximum(self._at - seconds * 1000, floor), side="left")
        return first, np.searchsorted(self._at, self._at, side="right")

    def _back(self, in_order: Floats) -> Floats:
        found = np.empty(len(self.key))
        found[self._order] = in_order
        return np.where(self.key >= 0, found, 0.0)
