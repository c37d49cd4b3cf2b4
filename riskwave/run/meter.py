"""What the loop measures of itself."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np

from riskwave.engine.outcome import Outcome

KEPT = 2_000


@dataclass
class Meter:
    """Counts and latencies of a run.

    Latency is from append to the committed decision for a topic or a log, the batch's own time for a file.
    """

    started: float = field(default_factory=time.perf_counter)
    received: int = 0
    duplicates: int = 0
    rejected: int = 0
    decided: int = 0
    superseding: int = 0
    degraded: int = 0
    batches: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    _latencies: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=KEPT))
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=64))

    def add(self, outcome: Outcome, latencies_ms: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
        """Count a batch; latencies_ms (n) of its rows."""
        self.received += outcome.received
        self.duplicates += outcome.duplicates
        self.rejected += outcome.rejected
        self.decided += outcome.decided
        self.superseding += outcome.superseding
        self.degraded += outcome.degraded
        self.batches += 1
        self.actions.update(outcome.actions)
        # A sample of each batch, weighted by its size, keeps the percentiles honest and the memory small.
        for value in np.quantile(latencies_ms, [0.05, 0.25, 0.5, 0.75, 0.95, 1.0]) if len(latencies_ms) else ():
            self._latencies.append((float(value), len(latencies_ms)))
        self._recent.append((time.perf_counter(), outcome.received))

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.perf_counter() - self.started

    @property
    def rate(self) -> float:
        """Events a second, since the run began."""
        return self.received / max(self.seconds, 1e-9)

    @property
    def rate_now(self) -> float:
        """Events a second, over the last batches."""
        if len(self._recent) < 2:
            return self.rate
        span = time.perf_counter() - self._recent[0][0]
        return sum(count for _, count in list(self._recent)[1:]) / max(span, 1e-9)

    def forget_latencies(self) -> None:
        """Start the percentiles anew."""
        self._latencies.clear()

    def latency_ms(self, share: float) -> float:
        """The share-quantile of recent rows' latency, in milliseconds; 0 before the first row."""
        if not self._latencies:
            return 0.0
        values, weights = (np.array(part) for part in zip(*self._latencies, strict=True))
        order = np.argsort(values)
        reached = np.cumsum(weights[order])
        return float(values[order][np.searchsorted(reached, share * reached[-1])])
