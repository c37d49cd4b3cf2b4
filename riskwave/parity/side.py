"""A side of a comparison: where decisions and what was known for them are read from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from riskwave.batch.history import attach_state, current, in_folder, parquet, whole
from riskwave.contracts import Decision
from riskwave.errors import RiskwaveError
from riskwave.parity.server import SCHEMES, copy_relation

KNOWN, DECIDED = "decision_input", "decisions"
RELATIONS = (KNOWN, DECIDED)
EXPECTED = (
    "expected a state file (.duckdb), a Parquet file or a folder of them, batch, or a DSN such as "
    "risingwave://root@127.0.0.1:4566/dev"
)


@dataclass(frozen=True)
class Side:
    """A side opened in a DuckDB connection.

    relations: by name (decision_input, decisions), the view or table there with its last row of each event.
    """

    name: str
    relations: dict[str, str]


def open_side(connection: duckdb.DuckDBPyConnection, text: str, label: str) -> Side:
    """Open a side; what it is made of in the connection is named by `label` (left, right).

    Raises RiskwaveError when there is nothing to compare there.
    """
    if text.startswith(SCHEMES):
        queries = _of_server(connection, text, label)
    elif Path(text).is_dir():
        queries = _of_folder(connection, Path(text))
    elif text.lower().endswith(".parquet"):
        queries = _of_file(connection, Path(text))
    elif Path(text).is_file():
        queries = _of_state(connection, Path(text), label)
    else:
        raise RiskwaveError(f"{text}: no such file or folder; {EXPECTED}")
    if not queries:
        raise RiskwaveError(f"{text}: has neither decision_input nor decisions; {EXPECTED}")
    return Side(text, {name: _last(connection, query, text, f"{label}_{name}") for name, query in queries.items()})


def is_state(text: str) -> bool:
    """Whether a side's text names a state file."""
    return not text.startswith(SCHEMES) and Path(text).is_file() and not text.lower().endswith(".parquet")


def _last(connection: duckdb.DuckDBPyConnection, query: str, text: str, view: str) -> str:
    """Makes the view of an event's last rows; gives its name."""
    try:
        columns = [str(row[0]) for row in connection.execute(f"describe {query}").fetchall()]
        if "event_id" not in columns:
            raise RiskwaveError(f"{text}: {view.partition('_')[2]} has no column event_id")
        count = "select count(*), count(event_id), count(distinct event_id) from"
        rows, named, events = connection.execute(f"{count} ({query})").fetchall()[0]
        if rows != events:
            query = current(query, columns)
            rows, named, events = connection.execute(f"{count} ({query})").fetchall()[0]
        if rows != events:
            what = "has rows without event_id" if named != rows else "has events more than once and no version"
            raise RiskwaveError(f"{text}: {view.partition('_')[2]} {what}; there is no telling which row is the last")
        connection.execute(f"create view {view} as {query}")
    except duckdb.Error as error:
        raise RiskwaveError(f"{text}: cannot be read ({str(error).splitlines()[0]})") from error
    return view


def _of_state(connection: duckdb.DuckDBPyConnection, path: Path, label: str) -> dict[str, str]:
    # A file is attached once, also when it is both sides.
    attached = connection.execute("select database_name from duckdb_databases() where path = ?", [str(path.resolve())])
    catalog = next((str(name) for (name,) in attached.fetchall()), f"{label}_state")
    if catalog == f"{label}_state":
        attach_state(connection, path.resolve(), catalog)
    queries = {name: whole(connection, catalog, path, name) for name in RELATIONS}
    return {name: query for name, query in queries.items() if query is not None}


def _of_folder(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, str]:
    """A folder as `in_folder` has it, or with files that hold both in one."""
    found = {name: in_folder(folder, name) for name in RELATIONS}
    queries = {name: query for name, query in found.items() if query is not None}
    if not queries and next(folder.glob("*.parquet"), None) is not None:
        return _split(connection, parquet(folder / "*.parquet"), str(folder))
    return queries


def _of_file(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    if not path.is_file():
        raise RiskwaveError(f"{path}: no such file; {EXPECTED}")
    return _split(connection, parquet(path), str(path))


def _split(connection: duckdb.DuckDBPyConnection, query: str, text: str) -> dict[str, str]:
    """The decisions in one table, and what was known for them where it is beside them (`riskwave decisions`)."""
    try:
        columns = [str(row[0]) for row in connection.execute(f"describe {query}").fetchall()]
    except duckdb.Error as error:
        raise RiskwaveError(f"{text}: not Parquet that can be read ({str(error).splitlines()[0]})") from error
    decided = [name for name in Decision.model_fields if name in columns]
    shared = {"event_id", "event_ts", "card_id", "version", "source", "source_partition", "source_offset"}
    known = [name for name in columns if name in shared or name not in decided]
    queries = {}
    if "action" in columns:
        queries[DECIDED] = f"select {_names(decided)} from ({query})"
    if set(known) - shared:
        queries[KNOWN] = f"select {_names(known)} from ({query})"
    return queries


def _of_server(connection: duckdb.DuckDBPyConnection, dsn: str, label: str) -> dict[str, str]:
    queries = {}
    for name in RELATIONS:
        table = f"{label}_{name}_read"
        if copy_relation(connection, dsn, name, table):
            queries[name] = f"select * from {table}"
    return queries


def _names(columns: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
