"""Reads ahead of the engine, so that decoding and deciding share the machine."""

from __future__ import annotations

import threading
from collections import deque

import pyarrow as pa

from riskwave.sources import Source
from riskwave.sources.batch import empty_table

POLL_ROWS = 10_000
POLL_S = 0.05


class Reader:
    """A source polled on a thread of its own; the engine takes all that has arrived, up to what it can carry."""

    def __init__(self, source: Source, *, ahead: int) -> None:
        """ahead: rows that may wait decoded; the reader pauses above."""
        self._source = source
        self._ahead = ahead
        self._tables: deque[pa.Table] = deque()
        self._rows = 0
        self._changed = threading.Condition()
        self._ended = False
        self._stopping = False
        self._error: Exception | None = None
        self.lag: int | None = None
        self._thread = threading.Thread(target=self._read, name="riskwave-reader", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping or self._rows < self._ahead)
                    if self._stopping:
                        return
                table = self._source.poll(POLL_ROWS, POLL_S)
                self.lag = self._source.lag()
                with self._changed:
                    if table is None:
                        self._ended = True
                    elif table.num_rows:
                        self._tables.append(table)
                        self._rows += table.num_rows
                    self._changed.notify_all()
                    if self._ended:
                        return
        except Exception as error:  # handed to the engine's thread, which raises it
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def take(self, rows: int, timeout_s: float) -> pa.Table | None:
        """Up to `rows` rows; no rows when none came in time; None at the end.

        Raises what the source raised, after all rows before it were taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._tables or self._ended or self._error, timeout_s)
            if not self._tables:
                if self._error is not None:
                    raise self._error
                return None if self._ended else empty_table()
            taken: list[pa.Table] = []
            count = 0
            while self._tables and count < rows:
                table = self._tables.popleft()
                if count + table.num_rows > rows:
                    keep = rows - count
                    self._tables.appendleft(table.slice(keep))
                    table = table.slice(0, keep)
                taken.append(table)
                count += table.num_rows
            self._rows -= count
            self._changed.notify_all()
            return pa.concat_tables(taken)

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
