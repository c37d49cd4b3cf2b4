"""Labels that people give, on their way into the engine beside the payments."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pyarrow as pa

from riskwave.contracts import Label, arrow_schema
from riskwave.run.labels import LabelFeed

SCHEMA = arrow_schema(Label)


class LabelDesk:
    """The loop's labels: those that were given, and those of a feed when their time has come."""

    def __init__(self, wait: Callable[[], None], feed: LabelFeed | None = None) -> None:
        """wait: told when a label waits."""
        self._wait = wait
        self._feed = feed
        self._lock = threading.Lock()
        self._given: list[tuple[dict[str, Any], Future[None]]] = []
        self._taken: deque[list[Future[None]]] = deque()

    def give(self, label: dict[str, Any]) -> Future[None]:
        """A row of the label contract; done once it is committed."""
        kept: Future[None] = Future()
        with self._lock:
            self._given.append((label, kept))
        self._wait()
        return kept

    @property
    def offsets(self) -> dict[str, dict[int, int]]:
        """Those of the feed: a label that is given is committed before that is answered."""
        return self._feed.offsets if self._feed is not None else {}

    def upto(self, payments: pa.Table) -> pa.Table:
        """Labels that are due with a batch."""
        with self._lock:
            given, self._given = self._given, []
        parts = [pa.Table.from_pylist([label for label, _ in given], schema=SCHEMA)]
        if self._feed is not None:
            parts.append(self._feed.upto(payments).cast(SCHEMA))
        due = pa.concat_tables(parts)
        if due.num_rows:
            self._taken.append([kept for _, kept in given])
        return due

    def rest(self) -> pa.Table:
        """None: a server that stops goes on later."""
        return SCHEMA.empty_table()

    def committed(self) -> None:
        """Told that the oldest labels that were taken are safe."""
        for kept in self._taken.popleft():
            kept.set_result(None)

    def fail(self, fault: Exception) -> None:
        """Tell everybody who waits that a label was not kept."""
        with self._lock:
            waiting = [kept for _, kept in self._given] + [kept for part in self._taken for kept in part]
            self._given = []
            self._taken.clear()
        for kept in waiting:
            if not kept.done():
                kept.set_exception(fault)
