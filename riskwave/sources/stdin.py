"""Standard input as a source."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Mapping

import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.sources.batch import empty_table
from riskwave.sources.formats import open_lines
from riskwave.sources.rows import RowReader
from riskwave.sources.shape import Shape, to_table


class StdinSource:
    """JSON lines (when the first byte is a brace) or CSV from a pipe, until it ends.

    A pipe cannot be read again: after a restart nothing is passed over, rows are numbered on from the state's
    offset, and what is sent twice is a duplicate by its event_id.
    """

    bounded = True

    def __init__(self, shape: Shape, descriptor: int | None = None) -> None:
        self.name = "-"
        self._shape = shape
        self._pipe = _Pipe(sys.stdin.fileno() if descriptor is None else descriptor)
        self._reader: RowReader | None = None
        self._checked = False
        self._first = 0

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Number the rows from here."""
        self._first = offsets.get(0, 0)

    def poll(self, max_rows: int, timeout_s: float) -> pa.Table | None:
        """The lines that have come."""
        end = time.monotonic() + timeout_s
        while True:
            self._pipe.wait_until = end
            reader = self._begin()
            if reader is not None:
                rows = reader.read(max_rows)
                if rows is None:
                    return None
                if len(rows):
                    rows.offsets = [self._first + i for i in rows.offsets]
                    return to_table(rows, self._shape, source=self.name, partition=0)
            elif not self._pipe.growing:
                return None
            if time.monotonic() >= end:
                return empty_table()

    def lag(self) -> int | None:
        """Unknown: a pipe does not say."""
        return None

    def close(self) -> None:
        """Nothing to do: standard input is not ours."""

    def _begin(self) -> RowReader | None:
        if self._reader is None:
            first = self._pipe.first_byte()
            if not first:
                return None
            kind = "json" if first in b"{[" else "csv"
            self._reader = open_lines(self._pipe, kind, self._shape.columns, "standard input")
        if not self._checked:
            names = self._reader.names
            if names is not None:
                self._shape.check(names, "standard input")
                self._checked = True
        return self._reader


class _Pipe:
    """Bytes of a pipe; b"" when none came in time, or when it has ended (then it is not growing)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._start = b""  # looked at to tell the format, not yet read
        self.growing = True
        self.wait_until = 0.0

    def first_byte(self) -> bytes:
        """The first byte that is not white space; b"" while there is none."""
        while not (text := self._start.removeprefix(b"\xef\xbb\xbf").lstrip()):
            more = self.read(4096)
            if not more:
                return b""
            self._start += more
        return text[:1]

    def read(self, size: int) -> bytes:
        """What has come, waiting for it until `wait_until`."""
        if self._start:
            start, self._start = self._start, b""
            return start
        if not self.growing:
            return b""
        try:
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, self.wait_until - time.monotonic()))
            data = os.read(self._descriptor, size) if ready else b""
        except OSError as error:
            raise RiskwaveError(f"standard input cannot be read: {error.strerror or error}") from error
        if ready and not data:
            self.growing = False
        self.wait_until = 0.0  # what follows is taken if it is there, not waited for
        return data

    def fail_if_damaged(self, line: int) -> None:
        """A pipe that ends has ended."""

    def close(self) -> None:
        """Nothing to do: standard input is not ours."""
