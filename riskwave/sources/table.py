"""Whole tables, typed by their contract: profiles, devices, labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel

from riskwave.contracts import Label, arrow_schema
from riskwave.errors import RiskwaveError
from riskwave.sources.bytestream import DamagedError
from riskwave.sources.formats import list_files, open_rows
from riskwave.sources.mapped import Mapped
from riskwave.sources.mapping import Mapping
from riskwave.sources.postgres import SCHEMES, read_postgres
from riskwave.sources.rows import Rows
from riskwave.sources.shape import AsNamed, Shape
from riskwave.sources.typed import to_contract

_ROWS = 65_536


def read_table(uri: str, contract: type[BaseModel]) -> pa.Table:
    """All rows of a file, a folder or a PostgreSQL table, as arrow_schema(contract).

    `uri` is a Parquet, CSV or JSON lines file (.gz, .zst), a folder of them, or
    postgresql://user@host/database?table=schema.name. Raises RiskwaveError naming file (or table), row from 1
    and column for a required column or value that is missing and a value that the contract does not allow.
    """
    shape = AsNamed(contract)
    parts = [
        to_contract(shape.fields(rows)[0], contract, where=where, offsets=rows.offsets)
        for where, rows in _read(uri, shape)
    ]
    return pa.concat_tables(parts) if parts else arrow_schema(contract).empty_table()


def read_labels(uri: str, mapping: Mapping) -> pa.Table:
    """The verdicts in a file of payments, by the mapping's `label` section, as arrow_schema(Label).

    Rows that cannot be read, and those without an event_id, have none: as payments they are rejected. Raises
    RiskwaveError as read_table does, and for a mapping without `label`.
    """
    if mapping.label is None:
        raise RiskwaveError(f"{mapping.where}: no `label:` section, so {uri} gives no labels")
    shape = Mapped(mapping.label, mapping.where)
    parts = []
    for where, rows in _read(uri, shape, damaged=True):
        fields, errors = shape.fields(rows)
        for i, error in enumerate(errors or []):
            if error is not None and (rows.errors is None or rows.errors[i] is None):
                raise RiskwaveError(f"{where}: row {rows.offsets[i] + 1}: {error}")
        usable = [event is not None for event in fields["event_id"].to_pylist()]
        if rows.errors is not None:
            usable = [use and error is None for use, error in zip(usable, rows.errors, strict=True)]
        kept = {name: column.filter(pa.array(usable)) for name, column in fields.items()}
        offsets = [offset for offset, use in zip(rows.offsets, usable, strict=True) if use]
        parts.append(to_contract(kept, Label, where=where, offsets=offsets))
    return pa.concat_tables(parts) if parts else arrow_schema(Label).empty_table()


def _read(uri: str, shape: Shape, *, damaged: bool = False) -> Iterator[tuple[str, Rows]]:
    """All rows, with the name of the file that they are from; unreadable rows only if `damaged`."""
    if uri.startswith(SCHEMES):
        yield from read_postgres(uri, shape)
        return
    for path in list_files(Path(uri)):
        reader = open_rows(path, shape.columns, keep_raw=False)
        try:
            if reader.names is not None:
                shape.check(reader.names, str(path))
            while (rows := reader.read(_ROWS)) is not None:
                for i, error in enumerate(rows.errors or []):
                    if error is not None and not damaged:
                        raise RiskwaveError(f"{path}: row {rows.offsets[i] + 1}: {error}")
                yield str(path), rows
        except DamagedError as damage:
            raise damage.unused() from damage
        finally:
            reader.close()
