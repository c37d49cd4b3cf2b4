"""The models run as one batch in memory, without dbt: the compiled SQL, model after model."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from riskwave.engine.state import LANDING
from riskwave.project import CompiledProject
from riskwave.scoring.function import open_scorer, register

Row = dict[str, Any]


def batch(project: CompiledProject, landed: dict[str, pa.Table]) -> duckdb.DuckDBPyConnection:
    """A database with every model over the landed tables (payments: RAW_SCHEMA); a table left out is empty."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("set TimeZone = 'UTC'")
    register(connection, open_scorer())
    for name, schema in LANDING.items():
        connection.register("landed", landed.get(name, schema.empty_table()))
        connection.execute(f"create table {name} as select * from landed")
        connection.unregister("landed")
    for model in project.models.values():
        if model.name not in LANDING:
            kind = "table" if model.materialized == "table" else "view"
            connection.execute(f"create {kind} {model.name} as {model.sql}")
    return connection


def rows_of(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Row]:
    """A query's rows by event_id."""
    found = connection.sql(query).to_arrow_table().to_pylist()
    by_event = {row["event_id"]: row for row in found}
    assert len(by_event) == len(found), "an event has several rows"
    return by_event
