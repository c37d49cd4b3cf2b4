"""How late an event loop is: what came while it was busy has waited for about as long before anybody looked at it."""

from __future__ import annotations

import asyncio
import time

EVERY_S = 0.02
#: Rounds of the loop until a request is looked at: to arrive, to be read, to be begun.
ROUNDS = 3


class Pulse:
    """A timer of the loop that looks at how late it was called."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = self._late_s = 0.0

    def began(self) -> float:
        """When a request that is looked at now came, about (time.monotonic)."""
        now, loop = time.monotonic(), asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._late_s = loop, 0.0
            self._next(loop, now)
        # A beat that is due and was not called says it sooner.
        return now - ROUNDS * max(self._late_s, now - self._due, 0.0)

    def _next(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        self._due = now + EVERY_S
        loop.call_later(EVERY_S, self._beat, loop)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        now = time.monotonic()
        self._late_s = max(now - self._due, 0.0)
        self._next(loop, now)
