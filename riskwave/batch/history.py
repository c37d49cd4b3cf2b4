"""A state's tables whole: what the file holds and what was moved to its archive, as relations to read from."""

from __future__ import annotations

from pathlib import Path

import duckdb

from riskwave.batch.running import copied, is_held
from riskwave.engine.archive import archive_folder
from riskwave.engine.journal import settle, waits
from riskwave.engine.state import unopened
from riskwave.errors import RiskwaveError

#: The order of an event's revisions: the state's own, and that of an append-only table on RisingWave.
REVISIONS = (("version",), ("seen_at", "revision"))


def attach_state(connection: duckdb.DuckDBPyConnection, state: Path, catalog: str) -> None:
    """Attach a state file for reading, as `catalog`; a copy of it when a run holds it, as of this moment.

    Raises RiskwaveError when there is none, when it is no DuckDB database, or when it can be neither read nor copied.
    """
    if not state.is_file():
        raise RiskwaveError(f"{state}: no such file; expected a state made by `riskwave run` or `riskwave batch`")
    try:
        connection.execute(f"attach {literal(state)} as {catalog} (read_only)")
    except duckdb.Error as error:
        if not is_held(error):
            raise unopened(state, error) from error
        with copied(state) as copy:
            # What is open stays readable when the copy is removed.
            attach_state(connection, copy, catalog)
        return
    if waits(state):
        # A killed process left small batches behind: they are moved into the tables first.
        connection.execute(f"detach {catalog}")
        settle(state)
        _attach(connection, state, catalog)


def _attach(connection: duckdb.DuckDBPyConnection, state: Path, catalog: str) -> None:
    try:
        connection.execute(f"attach {literal(state)} as {catalog} (read_only)")
    except duckdb.Error as error:
        raise unopened(state, error) from error


def parquet(files: Path) -> str:
    """A query for all rows of Parquet files. Folders named day=… give a column that no relation has of its own."""
    return f"select * from read_parquet({literal(files)}, hive_partitioning = false, union_by_name = true)"


def in_folder(folder: Path, table: str) -> str | None:
    """A query for a table of a Parquet folder; None when it is not there.

    That is <table>/day=YYYY-MM-DD/*.parquet, as an archive has it, or <table>.parquet.
    """
    if next((folder / table).rglob("*.parquet"), None) is not None:
        return parquet(folder / table / "**" / "*.parquet")
    file = folder / f"{table}.parquet"
    return parquet(file) if file.is_file() else None


def whole(connection: duckdb.DuckDBPyConnection, catalog: str, state: Path, table: str) -> str | None:
    """A query for all rows of an attached state's table, the archived among them; None when it has no such table.

    Columns are the table's own. A row that was being moved when the process ended may be in both places: it counts
    once.
    """
    columns = columns_of(connection, catalog, table)
    if not columns:
        return None
    names = ", ".join(f'"{name}"' for name in columns)
    kept = f'select {names} from {catalog}.main."{table}"'
    folder = archive_folder(state) / table
    if next(folder.glob("*/*.parquet"), None) is None:
        return kept
    files = literal(folder / "*" / "*.parquet")
    moved = f"select {names} from read_parquet({files}, hive_partitioning = true, union_by_name = true)"
    keys = ", ".join(name for name in ("event_id", "version") if name in columns)
    return f"{kept} union all ({moved} anti join ({kept}) as kept using ({keys}))"


def current(query: str, columns: list[str]) -> str:
    """The last revision of each event in a query; the query itself when it has no column that orders revisions."""
    for order in REVISIONS:
        if set(order) <= set(columns):
            last = ", ".join(f"{name} desc" for name in order)
            return f"select * from ({query}) qualify row_number() over (partition by event_id order by {last}) = 1"
    return query


def columns_of(connection: duckdb.DuckDBPyConnection, catalog: str, table: str) -> list[str]:
    """A table's or view's columns in order; none when it is not there."""
    rows = connection.execute(
        "select column_name from duckdb_columns() where database_name = ? and schema_name = 'main' and table_name = ? "
        "order by column_index",
        [catalog, table],
    ).fetchall()
    return [str(name) for (name,) in rows]


def literal(text: object) -> str:
    """A text as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"
