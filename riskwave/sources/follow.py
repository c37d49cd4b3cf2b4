"""A log file that grows while it is read."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.sources.batch import empty_table
from riskwave.sources.bytestream import cannot_read
from riskwave.sources.formats import format_of, open_lines
from riskwave.sources.rows import RowReader
from riskwave.sources.shape import Shape, to_table

#: How often the end of the file is looked at again.
_PAUSE_S = 0.02
#: How many bytes before the position are compared.
_REMEMBERED = 64
_BOM = b"\xef\xbb\xbf"


class FollowSource:
    """JSON lines or CSV appended to one file; a last line without its newline waits for the rest.

    Offsets are lines (rows of CSV), so a file that is cut or replaced cannot be followed: that is told.
    """

    bounded = False

    def __init__(self, uri: str, shape: Shape) -> None:
        self.name = uri
        self._shape = shape
        path = Path(uri)
        if path.is_dir() or format_of(path) in (None, "parquet") or path.suffix in (".gz", ".zst"):
            raise RiskwaveError(f"{uri}: only a plain JSON lines or CSV file can be followed as it grows")
        self._stream = GrowingFile(path)
        self._kind = format_of(path)
        self._reader: RowReader | None = None  # once there is a byte to tell the format by
        self._checked = False
        self._offset = 0

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Go on at this line."""
        self._offset = offsets.get(0, 0)
        if self._offset and (self._begin() is None or self._reader is None):
            raise self._shorter(0)
        if self._reader is not None and self._offset:
            passed = self._reader.skip(self._offset)
            if passed < self._offset:
                raise self._shorter(passed)

    def poll(self, max_rows: int, timeout_s: float) -> pa.Table | None:
        """The lines that were appended."""
        end = time.monotonic() + timeout_s
        while True:
            reader = self._begin()
            lost = self._stream.lost()  # before the last look for more: nothing of the old file is missed
            rows = reader.read(max_rows) if reader is not None else None
            if rows is not None and len(rows):
                return to_table(rows, self._shape, source=self.name, partition=0)
            if lost:
                raise lost
            left = end - time.monotonic()
            if left <= 0:
                return empty_table()
            time.sleep(min(_PAUSE_S, left))

    def lag(self) -> int | None:
        """Unknown: lines are not counted ahead."""
        return None

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def _begin(self) -> RowReader | None:
        """The reader, its columns checked; None while the file is empty or its header unfinished."""
        if self._reader is None:
            first = self._stream.first_byte()
            if not first:
                return None
            kind = self._kind if self._kind != "text" else "json" if first in b"{[" else "csv"
            self._reader = open_lines(self._stream, kind or "csv", self._shape.columns, self.name)
        if not self._checked:
            names = self._reader.names
            if names is not None:
                self._shape.check(names, self.name)
                self._checked = True
        return self._reader

    def _shorter(self, lines: int) -> RiskwaveError:
        return RiskwaveError(
            f"{self.name}: has {lines} lines, but the state has read {self._offset}; was the log cut or "
            "replaced? Follow it with a new state, or give each log a name of its own"
        )


class GrowingFile:
    """Bytes of a file to which others append."""

    growing = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._last = b""  # the bytes before the position, by which a file written anew is known
        self._rewritten = False
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise cannot_read(path, error) from error

    def first_byte(self) -> bytes:
        """The first byte that is not white space; b"" while there is none."""
        start = os.pread(self._file.fileno(), 4096, 0)
        return start.removeprefix(_BOM).lstrip()[:1]

    def read(self, size: int) -> bytes:
        """What was appended; b"" when nothing was."""
        before = os.pread(self._file.fileno(), len(self._last), self._position - len(self._last))
        if self._rewritten or before != self._last:
            self._rewritten = True
            return b""
        data = self._file.read(size) or b""
        self._position += len(data)
        self._last = (self._last + data)[-_REMEMBERED:]
        return data

    def lost(self) -> RiskwaveError | None:
        """Why the file cannot be followed any longer: it was cut, written anew, replaced or removed."""
        mine = os.fstat(self._file.fileno())
        if self._rewritten or mine.st_size < self._position:
            return self._lost("was cut (truncated)")
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return self._lost("was removed")
        if (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino):
            return self._lost("was replaced by another (rotated)")
        return None

    def fail_if_damaged(self, line: int) -> None:
        """A growing file has no end to be damaged at."""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _lost(self, what: str) -> RiskwaveError:
        return RiskwaveError(
            f"{self._path}: the file {what} while it was followed; its {self._position} bytes before that "
            "were read. Follow the new one with a new state, or give each log a name of its own"
        )
