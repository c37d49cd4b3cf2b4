"""Small batches as they came, until there are enough of them to be written as rows.

Writing into tables of two hundred columns costs by the column, however few the rows: for a small batch about half of
what computing it costs. So a small batch is committed as one row of the journal for each table, with Arrow's bytes in
it, and many are moved into the tables at once. Both are transactions of the state file: what the journal holds is as
safe as what the tables hold, and is never in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from riskwave.engine.state import connect

_CREATE = """
create sequence if not exists journal_places;
create table if not exists journal (place bigint default nextval('journal_places'), table_name varchar, rows blob);
"""


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the journal if it is not there."""
    connection.execute(_CREATE)


def append(connection: duckdb.DuckDBPyConnection, rows: Mapping[str, pa.Table]) -> None:
    """Keep rows by table, after those that are kept; part of the caller's transaction."""
    values: list[object] = []
    for name, table in rows.items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        values += [name, sink.getvalue().to_pybytes()]
    if values:
        places = ", ".join(["(?, ?)"] * len(rows))
        connection.execute(f"insert into journal (table_name, rows) values {places}", values)


def empty(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Forget a table's rows; part of the transaction that puts them into the table."""
    connection.execute("delete from journal where table_name = ?", [name]).fetchall()


def fold(connection: duckdb.DuckDBPyConnection) -> None:
    """Move what a killed process left in the journal into the tables, as one transaction."""
    found = connection.execute("select table_name, rows from journal order by place").fetchall()
    connection.begin()
    for name, rows in found:
        connection.register("journalled", pa.ipc.open_stream(rows).read_all())
        connection.execute(f"insert into {name} by name select * from journalled").fetchall()
        connection.unregister("journalled")
    for name in {name for name, _ in found}:
        empty(connection, name)
    connection.commit()


def settle(path: Path) -> None:
    """Move what a killed process left in a state's journal into its tables, for those who read the tables.

    Raises RiskwaveError when another process has the state open.
    """
    with connect(path) as connection:
        fold(connection)
