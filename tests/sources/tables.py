"""Helpers of the source tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from riskwave.sources import RAW_SCHEMA, Source


def payment(i: int, **other: Any) -> dict[str, Any]:
    """A payment as a message has it."""
    return {
        "event_id": f"e{i}",
        "event_ts": f"2026-03-01T10:00:{i % 60:02d}Z",
        "card_id": f"card-{i % 7}",
        "amount_minor": 100 + i,
        "currency": "EUR",
        **other,
    }


def json_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def csv_text(rows: list[dict[str, Any]]) -> bytes:
    names = list(rows[0])
    lines = [",".join(names)] + [",".join(str(row[name]) for name in names) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def read_all(source: Source, *, max_rows: int = 1000) -> pa.Table:
    """All rows of a bounded source from its start or where it was sought to."""
    tables = []
    while (table := source.poll(max_rows, 5)) is not None:
        assert table.schema == RAW_SCHEMA
        assert table.num_rows <= max_rows
        tables.append(table)
    source.close()
    return pa.concat_tables(tables) if tables else RAW_SCHEMA.empty_table()


def column(table: pa.Table, name: str) -> list[Any]:
    values: list[Any] = table.column(name).to_pylist()
    return values


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)
