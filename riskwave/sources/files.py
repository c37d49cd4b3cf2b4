"""Files and folders as a source: read once, to their end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.sources.formats import list_files, open_rows
from riskwave.sources.rows import RowReader
from riskwave.sources.shape import Shape, to_table


class FileSource:
    """A JSON lines, CSV or Parquet file, or a folder of them, read file by file in order of their names.

    A file's partition is its place in that order, so files may be added to a folder between runs as long as
    their names come after those already there (by date, say). Offsets are lines (JSON) or rows (CSV, Parquet)
    from 0.
    """

    bounded = True

    def __init__(self, uri: str, shape: Shape) -> None:
        self.name = uri
        self._shape = shape
        self._files = list_files(Path(uri))
        #: A folder, whose files are partitions by their place.
        self.is_folder = Path(uri).is_dir()
        #: Names within it, in the order in which they are read.
        self.files = [str(file.relative_to(uri)) if self.is_folder else file.name for file in self._files]
        self._offsets: dict[int, int] = {}
        self._partition = 0
        self._reader: RowReader | None = self._open(0)  # so that a fault in it is told before anything starts
        self._left: pa.Table | None = None  # rows that were one too many

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Go on at these rows; a file without an entry is read from its start."""
        unknown = [p for p in offsets if p >= len(self._files)]
        if unknown:
            raise RiskwaveError(
                f"{self.name}: has {len(self._files)} files, but the state has read {max(unknown) + 1}; "
                "give the folder with all its files, or a new state"
            )
        self._offsets = dict(offsets)
        self._skip()

    def poll(self, max_rows: int, timeout_s: float) -> pa.Table | None:  # noqa: ARG002 - files do not wait
        """The next rows; None after the last file."""
        if self._left is not None:
            table, self._left = self._left, None
            return self._at_most(table, max_rows)
        while self._partition < len(self._files):
            if self._reader is None:
                self._reader = self._open(self._partition)
                self._skip()
            rows = self._reader.read(max_rows)
            if rows is None:
                self._reader.close()
                self._reader = None
                self._partition += 1
            elif len(rows):
                table = to_table(rows, self._shape, source=self.name, partition=self._partition)
                return self._at_most(table, max_rows)
        return None

    def lag(self) -> int | None:
        """Unknown: lines are not counted ahead."""
        return None

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._partition = len(self._files)

    def _open(self, partition: int) -> RowReader:
        path = self._files[partition]
        reader = open_rows(path, self._shape.columns)
        try:
            if reader.names is not None:
                self._shape.check(reader.names, str(path))
        except RiskwaveError:
            reader.close()
            raise
        return reader

    def _skip(self) -> None:
        offset = self._offsets.get(self._partition, 0)
        if self._reader is None or not offset:
            return
        passed = self._reader.skip(offset)
        if passed < offset:
            raise RiskwaveError(
                f"{self._files[self._partition]}: has {passed} rows, but the state has read {offset}; "
                "was the file replaced? Give it a new name, or start with a new state"
            )

    def _at_most(self, table: pa.Table, max_rows: int) -> pa.Table:
        if table.num_rows > max_rows:
            self._left = table.slice(max_rows)
        return table.slice(0, max_rows)
