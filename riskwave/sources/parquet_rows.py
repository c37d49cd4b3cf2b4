"""Parquet to columns of text, a row group's page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskwave.errors import RiskwaveError
from riskwave.sources.bytestream import cannot_read
from riskwave.sources.rows import Rows, Texts, all_null, texts

_OWN = ("raw", "decode_error")


class ParquetRows:
    """A RowReader of one Parquet file.

    A file that carries `raw` (and `decode_error`), as the simulator's does, keeps its own; else raw is the
    row as compact JSON. Rows are passed over by whole row groups.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, keep_raw: bool) -> None:
        self._path = path
        self._columns = tuple(columns)
        self._keep_raw = keep_raw
        self._row = 0
        self._batches: Iterator[Any] | None = None
        self._left: Any = None  # what remains of the batch read last
        self._duckdb: duckdb.DuckDBPyConnection | None = None
        try:
            self._file: Any = pq.ParquetFile(path)
        except OSError as error:
            raise cannot_read(path, error) from error
        except pa.ArrowException as error:
            raise self._damaged(error) from error

    @property
    def names(self) -> tuple[str, ...] | None:
        """The file's columns."""
        return tuple(self._file.schema_arrow.names)

    def skip(self, rows: int) -> int:
        """Pass over rows, reading only the row group in which the last of them is."""
        passed, group = 0, 0
        metadata = self._file.metadata
        while group < metadata.num_row_groups and passed + metadata.row_group(group).num_rows <= rows:
            passed += metadata.row_group(group).num_rows
            group += 1
        self._start(group)
        self._row = passed
        while passed < rows and (batch := self._next(rows - passed)) is not None:
            passed += batch.num_rows
            self._row += batch.num_rows
        return passed

    def read(self, max_rows: int) -> Rows | None:
        """At most max_rows rows."""
        batch = self._next(max_rows)
        if batch is None:
            return None
        rows, first = batch.num_rows, self._row
        self._row += rows
        invalid: dict[int, str] = {}
        names = batch.schema.names
        everything = {n: _to_text(n, batch.column(n), invalid) for n in names if n != "raw"}
        raw = None
        if self._keep_raw and "raw" in names:
            raw = batch.column("raw").cast(pa.binary()).fill_null(b"")
        elif self._keep_raw:
            raw = self._as_json(everything, rows)
        errors = everything["decode_error"].to_pylist() if "decode_error" in everything else [None] * rows
        for row, reason in invalid.items():
            errors[row] = errors[row] or reason
        columns = {name: everything.get(name, all_null(rows)) for name in self._columns}
        some = any(error is not None for error in errors)
        return Rows(columns, raw, errors if some else None, range(first, first + rows))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        if self._duckdb is not None:
            self._duckdb.close()

    def _start(self, group: int) -> None:
        names = self.names or ()
        # The raw of a foreign row is made of all its columns.
        whole = self._keep_raw and "raw" not in names
        wanted = None if whole else [n for n in names if n in self._columns or n in _OWN]
        groups = list(range(group, self._file.metadata.num_row_groups))
        self._batches = iter(self._file.iter_batches(8192, row_groups=groups, columns=wanted))

    def _next(self, max_rows: int) -> Any:
        if self._batches is None:
            self._start(0)
        if self._left is None or not self._left.num_rows:
            try:
                self._left = next(self._batches, None) if self._batches else None
            except (OSError, pa.ArrowException) as error:
                raise self._damaged(error) from error
        if self._left is None:
            return None
        batch, self._left = self._left.slice(0, max_rows), self._left.slice(max_rows)
        return batch

    def _damaged(self, error: Exception) -> RiskwaveError:
        reason = str(error).splitlines()[0].rstrip(".")
        return RiskwaveError(f"{self._path}: damaged or not Parquet, at row {self._row}: {reason}; replace the file")

    def _as_json(self, columns: dict[str, Texts], rows: int) -> Any:
        if not columns:
            return [b"{}"] * rows
        if self._duckdb is None:
            self._duckdb = duckdb.connect()
        self._duckdb.register("received", pa.table(columns))
        made = self._duckdb.sql("select encode(to_json(received)::varchar) as raw from received").to_arrow_table()
        return made.column("raw")


def _to_text(name: str, column: Any, invalid: dict[int, str]) -> Texts:
    """A column of any type as texts; rows whose bytes are not UTF-8 are noted in `invalid`."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _to_text(name, column.dictionary_decode(), invalid)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = column.cast(pa.timestamp(kind.unit, "UTC"))
    if pa.types.is_nested(kind):
        return texts([None if v is None else orjson.dumps(v, default=str).decode() for v in column.to_pylist()])
    try:
        made = column.cast(pa.string())
        made.validate(full=True)
    except pa.ArrowInvalid:
        return texts([_utf8(name, i, v, invalid) for i, v in enumerate(column.cast(pa.binary()).to_pylist())])
    if pa.types.is_timestamp(kind):
        return pc.replace_substring(made, " ", "T", max_replacements=1)
    return made


def _utf8(name: str, row: int, value: bytes | None, invalid: dict[int, str]) -> str | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        invalid[row] = f"{name}: not valid UTF-8"
        return value.decode(errors="replace")
