"""How long events that wait will wait: what a batch costs, learned from the last ones."""

from __future__ import annotations

import math
import threading
import time

FORGET = 0.98  # the weight that is left to a batch after the next one
SHARE = 0.1  # of what is believed of the answers, that the latest one makes
FADES_S = 2.0  # what the last answers were like says little after this long


class Pace:
    """A batch of n events takes a + b n seconds: least squares over the last batches, the later the heavier.

    An answer takes longer than its batch, by what else the machine has to do: that factor is learned from answers.
    """

    def __init__(self) -> None:
        # What is believed before the first batch, and where all batches are of one size.
        self._sums = [0.0] * 5
        for events, seconds in ((1, 0.03), (1_000, 0.1)):
            self._add(events, seconds)
        self._lock = threading.Lock()
        self._factor = 1.0
        self._answered = 0.0

    def _add(self, n: float, t: float) -> None:
        for place, value in enumerate((1.0, n, n * n, t, n * t)):
            self._sums[place] += value

    def add(self, events: int, seconds: float) -> None:
        """Learn from a batch: when it was taken until it was committed."""
        with self._lock:
            self._sums = [value * FORGET for value in self._sums]
            # The prior stays, lightly: else one size of batch would say nothing of the others.
            self._add(events, seconds)
            self._add(events + 1_000, seconds + 0.07)

    def answered(self, expected: float, seconds: float) -> None:
        """Learn from an answer: what was expected when it was asked for, and what it took."""
        with self._lock:
            ratio = min(seconds / max(expected, 1e-3), 5.0)
            self._factor += SHARE * (ratio - self._factor)
            self._answered = time.monotonic()

    @property
    def factor(self) -> float:
        """How much longer answers take than their batches, at least 1; forgotten where none is given."""
        with self._lock:
            old = time.monotonic() - self._answered
            return 1.0 + max(self._factor - 1.0, 0.0) * math.exp(-old / FADES_S)

    def seconds(self, events: int) -> float:
        """What a batch of so many events takes."""
        with self._lock:
            one, n, nn, t, nt = self._sums
        slope = max((one * nt - n * t) / max(one * nn - n * n, 1e-9), 0.0)
        return max((t - slope * n) / one, 0.0) + slope * events
