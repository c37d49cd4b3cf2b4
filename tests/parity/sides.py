"""Small sides made by hand, each relation from literal rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

#: Rows by column, as SQL writes them; a relation's columns are those of its first row.
Rows = list[dict[str, str]]

KNOWN: Rows = [
    {
        "event_id": "'a'",
        "amount": "100",
        "rate": "0.5::double",
        "place": "'here'",
        "seen": "timestamp '2026-01-01 00:00:01'",
    },
    {"event_id": "'b'", "amount": "200", "rate": "null", "place": "null", "seen": "timestamp '2026-01-02'"},
]
DECIDED: Rows = [
    {"event_id": "'a'", "action": "'allow'", "is_anomaly": "false", "rule_ids": "[]::varchar[]"},
    {"event_id": "'b'", "action": "'block'", "is_anomaly": "true", "rule_ids": "['one', 'two']"},
]


def changed(rows: Rows, event: int, **values: str) -> Rows:
    """The rows with other values in one of them."""
    return [row | values if place == event else row for place, row in enumerate(rows)]


def query(rows: Rows) -> str:
    """The rows as a query."""
    selects = [", ".join(f"{value} as {name}" for name, value in row.items()) for row in rows]
    return " union all ".join(f"select {select}" for select in selects)


def state(path: Path, known: Rows | None = KNOWN, decided: Rows | None = DECIDED) -> Path:
    """A DuckDB file with the two relations."""
    relations: Mapping[str, Rows | None] = {"decision_input": known, "decisions": decided}
    with duckdb.connect(str(path)) as connection:
        for name, rows in relations.items():
            if rows is not None:
                connection.execute(f"create table {name} as {query(rows)}").fetchall()
    return path


def parquet(path: Path, rows: Rows) -> Path:
    """A Parquet file with the rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query(rows)}) to '{path}' (format parquet)").fetchall()
    return path
