"""Token buckets: how often a key may ask. (The library `limits` counts windows; it has no token bucket.)"""

from __future__ import annotations

import time
from collections.abc import Callable


class Buckets:
    """One bucket a name. For use from one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._level: dict[str, tuple[float, float]] = {}

    def take(self, name: str, rate: float, burst: float, tokens: float = 1.0) -> float:
        """Take tokens of a bucket that fills at `rate` a second up to `burst`.

        Gives 0 when they were there, else the seconds until they will be; nothing is taken then. More tokens than the
        bucket holds are never there: they are let through when it is full, and owed.
        """
        now = self._clock()
        level, since = self._level.get(name, (burst, now))
        level = min(burst, level + (now - since) * rate)
        wanted = min(tokens, burst)
        if level < wanted:
            self._level[name] = (level, now)
            return (wanted - level) / rate
        self._level[name] = (level - tokens, now)
        return 0.0
