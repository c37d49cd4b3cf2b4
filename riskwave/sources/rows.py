"""What a reader of one file or topic yields, before it is mapped to the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import pyarrow as pa

#: A pyarrow array of texts. Any: the stubs cannot say "array of string, chunked or not".
Texts = Any


@dataclass
class Rows:
    """Some rows of one partition: columns by the names the file has, each n texts (nulls where missing)."""

    columns: dict[str, Texts]
    raw: Any  # n bytes, as received: a list or a binary array; None where the caller did not ask for it
    errors: list[str | None] | None  # why a row could not be decoded; None when all were
    offsets: Sequence[int]  # n positions in the partition

    def __len__(self) -> int:
        return len(self.offsets)


class RowReader(Protocol):
    """Reads one file (or stream) once, from its start."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The file's columns, where it says so (CSV, Parquet); None for JSON and for an empty CSV file."""

    def skip(self, rows: int) -> int:
        """Pass over that many rows; returns how many there were to pass."""

    def read(self, max_rows: int) -> Rows | None:
        """At most max_rows rows; no rows: nothing yet; None: the end. RiskwaveError for a damaged file."""

    def close(self) -> None:
        """Let go of the file."""


def as_text(value: Any) -> str | None:
    """A JSON value as a source yields it: true/false, numbers plainly, nested values as compact JSON."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return orjson.dumps(value).decode()


def texts(values: Sequence[Any]) -> Texts:
    """A string array of JSON values."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid):  # not all of them were texts
        return pa.array([v if type(v) is str else as_text(v) for v in values], pa.string())


def all_null(rows: int) -> Texts:
    """A string array without values."""
    return pa.nulls(rows, pa.string())
