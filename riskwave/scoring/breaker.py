"""A circuit breaker: what fails again and again is left alone for a while, then tried once (M. Nygard, Release It!)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Open after `failures` in a row; `rest_s` later one call is let through, and closes it when it succeeds."""

    def __init__(self, *, failures: int = 4, rest_s: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._failures, self._rest_s, self._clock = failures, rest_s, clock
        self._lock = threading.Lock()
        self._failed = 0
        self._tried_at = 0.0

    @property
    def is_closed(self) -> bool:
        """Whether calls go through."""
        return self._failed < self._failures

    def allows(self) -> bool:
        """Whether a call may be made now; the caller then says how it went."""
        with self._lock:
            if self._failed < self._failures:
                return True
            if self._clock() - self._tried_at < self._rest_s:
                return False
            self._tried_at = self._clock()
            return True

    def succeeded(self) -> None:
        """A call went well."""
        with self._lock:
            self._failed = 0

    def failed(self) -> None:
        """A call went wrong."""
        with self._lock:
            self._failed += 1
            self._tried_at = self._clock()
