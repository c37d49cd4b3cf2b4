"""Which columns a source has to read, and how they become the fields of a contract."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Protocol

import pyarrow as pa
from pydantic import BaseModel

from riskwave.contracts import Transaction
from riskwave.errors import RiskwaveError
from riskwave.sources.batch import raw_table
from riskwave.sources.rows import Rows, Texts


class Shape(Protocol):
    """How rows as a file has them become rows of a contract."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns that are needed."""

    def check(self, names: tuple[str, ...], where: str) -> None:
        """RiskwaveError, naming the file and the nearest column, when a needed column is missing."""

    def fields(self, rows: Rows) -> tuple[dict[str, Texts], list[str | None] | None]:
        """The contract's fields as texts, and why rows could not be read (None: all could)."""


class AsNamed:
    """A file whose columns have the contract's own names. Others are passed over."""

    def __init__(self, contract: type[BaseModel] = Transaction) -> None:
        self._contract = contract

    @property
    def columns(self) -> tuple[str, ...]:
        """The contract's fields."""
        return tuple(self._contract.model_fields)

    def check(self, names: tuple[str, ...], where: str) -> None:
        """All required fields must be there."""
        for name, field in self._contract.model_fields.items():
            if field.is_required() and name not in names:
                hint = "; map foreign columns with --map" if self._contract is Transaction else ""
                raise RiskwaveError(f"{where}: no column {name!r}{nearest(name, names)}{hint}")

    def fields(self, rows: Rows) -> tuple[dict[str, Texts], list[str | None] | None]:
        """The columns as they are."""
        return rows.columns, rows.errors


def nearest(name: str, names: tuple[str, ...] | list[str]) -> str:
    """A hint to the name that was probably meant, else to what there is."""
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; nearest: {close[0]!r}"
    return f"; it has {', '.join(names[:12])}{', …' if len(names) > 12 else ''}"


def to_table(rows: Rows, shape: Shape, *, source: str, partition: Any, received_at: Any = None) -> pa.Table:
    """Rows as a RAW_SCHEMA table."""
    fields, errors = shape.fields(rows)
    return raw_table(
        fields,
        raw=rows.raw,
        decode_error=errors,
        source=source,
        partition=partition,
        offsets=pa.array(rows.offsets, pa.int64()),
        received_at=received_at,
    )
