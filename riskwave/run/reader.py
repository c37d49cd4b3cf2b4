"""Reads and stages ahead of the engine, so that decoding and deciding share the machine."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace

import pyarrow as pa

from riskwave.engine.stager import Staged, Stager, joined
from riskwave.sources import Source
from riskwave.tracing import here, span

POLL_ROWS = 5_000
POLL_S = 0.05
LINGER_S = 0.1  # how long a source that had little is left alone while the engine is busy
QUIET_S = 1.0
UNSURE_S = 10.0


class Reader:
    """A source polled on a thread of its own; the engine takes all that has arrived, up to what it can carry."""

    def __init__(
        self,
        source: Source,
        stager: Stager,
        *,
        ahead: int,
        most: int | None = None,
        changed: threading.Condition | None = None,
    ) -> None:
        """ahead: rows that may wait staged; the reader pauses above. most: rows after which it ends as a source ends.
        changed: told when there is something to take.
        """
        self._source = source
        self._stager = stager
        self._ahead = ahead
        self._left = most
        self._last = time.monotonic()
        self._raw: list[pa.Table] = []
        self._parts: deque[Staged] = deque()
        self._rows = 0
        self._changed = changed or threading.Condition(threading.RLock())
        self._wanted = False
        self._ended = False
        self._stopping = False
        self._error: Exception | None = None
        self.lag: int | None = None
        self._thread = threading.Thread(target=self._read, name="riskwave-reader", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        linger = 0.0
        try:
            while not self._ended:
                with self._changed:
                    # Reading and staging cost much more by the piece than by the row: pieces wait for each other
                    # while the engine has something to do.
                    self._changed.wait_for(lambda: self._stopping or self._wanted, linger)
                    self._changed.wait_for(lambda: self._stopping or self._rows < self._ahead)
                    if self._stopping:
                        return
                wanted = POLL_ROWS if self._left is None else min(POLL_ROWS, self._left)
                table = self._source.poll(wanted, 0.0 if self._raw else POLL_S) if wanted else None
                self.lag = self._source.lag()
                linger = LINGER_S if table is not None and table.num_rows < POLL_ROWS else 0.0
                self._received(table)
                if self._raw and (self._wanted or self._ended or sum(part.num_rows for part in self._raw) >= POLL_ROWS):
                    self._stage()
        except Exception as error:  # handed to the engine's thread, which raises it
            self._fail(error)
        with self._changed:
            self._changed.notify_all()

    def _received(self, table: pa.Table | None) -> None:
        with self._changed:
            if table is None:
                self._ended = True
            elif table.num_rows:
                if self._left is not None:
                    self._left -= table.num_rows
                self._raw.append(table)
                self._rows += table.num_rows
                self._last = time.monotonic()

    def _stage(self) -> None:
        raw = pa.concat_tables(self._raw)
        with span("riskwave.source", source=self._source.name, events=raw.num_rows):
            staged = replace(self._stager.stage(raw), links=(here(),))
        with self._changed:
            self._raw = []
            self._wanted = False
            self._parts.append(staged)
            self._changed.notify_all()

    def _fail(self, error: Exception) -> None:
        """What was read before goes on its way, then the error."""
        if self._raw:
            try:
                self._stage()
            except Exception:  # the source's own error says more
                self._raw = []
        with self._changed:
            self._error = error

    def ask(self) -> None:
        """Have what has arrived staged at once, because it will soon be taken."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()

    def take(self, rows: int, timeout_s: float) -> Staged | None:
        """Parts of up to `rows` rows together (one part may be more); no rows when none came in time; None at the end.

        Raises what the source raised, after all rows before it were taken.
        """
        with self._changed:
            if not self._parts:
                self.ask()
            self._changed.wait_for(lambda: self.ready, timeout_s)
            if not self._parts:
                if self._error is not None:
                    raise self._error
                return None if self._finished else self._stager.nothing
            taken = [self._parts.popleft()]
            count = taken[0].raw.num_rows
            while self._parts and count + self._parts[0].raw.num_rows <= rows:
                taken.append(self._parts.popleft())
                count += taken[-1].raw.num_rows
            self._rows -= count
            self._changed.notify_all()
        return joined(taken)

    def offsets(self, raw: pa.Table) -> dict[str, dict[int, int]]:
        """The next offsets to read after rows that were taken, by partition, under the source's name."""
        last = raw.group_by("source_partition").aggregate([("source_offset", "max")])
        rows = last.to_pylist()
        return {self._source.name: {int(row["source_partition"]): int(row["source_offset_max"]) + 1 for row in rows}}

    @property
    def ready(self) -> bool:
        """Whether `take` would not wait."""
        return bool(self._parts) or self._finished

    @property
    def _finished(self) -> bool:
        """Whether nothing more will be staged."""
        return self._error is not None or (self._ended and not self._raw)

    @property
    def idle(self) -> bool:
        """Whether nothing is staged or known to wait, and nothing has come for a while; a source that cannot tell what
        waits is given longer.
        """
        quiet = time.monotonic() - self._last
        return self._rows == 0 and (quiet > QUIET_S if self.lag == 0 else self.lag is None and quiet > UNSURE_S)

    @property
    def waiting(self) -> int:
        """Rows decoded and not taken, and those known to wait at the source."""
        return self._rows + (self.lag or 0)

    def close(self) -> None:
        """Stop reading and close the source."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout=10)
        self._source.close()
