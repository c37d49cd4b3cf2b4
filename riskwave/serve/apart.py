"""People's questions answered by a DuckDB of their own, so that no question takes the engine's memory or threads.

The engine's database is only read from, row by row: the relations that a question names, the columns of them that it
may mean, and of a single one the rows that it asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from riskwave.batch.history import literal

#: Rows that are handed over at a time.
BATCH = 8_192
SPILLED = "1GB"
#: Gives a reader of the rows of one SELECT; the reader is read to its end, or closed, before the next one is asked for.
Read = Callable[[str], pa.RecordBatchReader]


@dataclass(frozen=True)
class Needed:
    """A relation that a question names, and the SELECT that gives what is needed of it."""

    name: str
    sql: str


@contextmanager
def apart(memory_mb: int, folder: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that can reach nothing; folder: where it may put what does not fit."""
    settings = {
        "TimeZone": "UTC",
        "memory_limit": f"{memory_mb}MB",
        "threads": "1",
        "temp_directory": folder,
        "max_temp_directory_size": SPILLED,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "enable_external_access": "false",
        "lock_configuration": "true",
    }
    with duckdb.connect() as connection:
        for name, value in settings.items():
            connection.execute(f"set {name} = {literal(value)}")
        yield connection


def answer(
    connection: duckdb.DuckDBPyConnection, sql: str, most: int, columns: Mapping[str, Sequence[str]], read: Read
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and at most `most` rows of one SELECT; columns: of the relations there are; read: from the engine.

    Raises duckdb.Error for what cannot be computed, out of memory included.
    """
    found = needed(sql, columns)
    if len(found) == 1 and not _again(sql, found[0].name):
        with read(found[0].sql) as rows:
            connection.register(found[0].name, rows)
            return _rows(connection, sql, most)
    for one in found:
        with read(one.sql) as rows:
            connection.register("read", rows)
            connection.execute(f'create temp table "{one.name}" as select * from read')
            connection.unregister("read")
    return _rows(connection, sql, most)


def needed(sql: str, columns: Mapping[str, Sequence[str]]) -> list[Needed]:
    """What a question needs of each relation: never less than it does."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    tables = [table for table in tree.find_all(exp.Table) if table.name.lower() in columns]
    said = {node.name.lower() for node in tree.find_all(exp.Identifier)}
    whole = _whole(tree)
    found = []
    for name in dict.fromkeys(table.name.lower() for table in tables):
        own = [column for column in columns[name] if whole or column.lower() in said] or [columns[name][0]]
        mine = [table for table in tables if table.name.lower() == name]
        where = _where(mine[0], columns[name]) if len(mine) == 1 else ""
        chosen = ", ".join(f'"{column}"' for column in own)
        found.append(Needed(name, f"select {chosen} from {name}{where}"))
    return found


def _whole(tree: exp.Expr) -> bool:
    """Whether it may mean every column: a star, a whole row, a natural join."""
    if any(not isinstance(star.parent, exp.Count) for star in tree.find_all(exp.Star)):
        return True
    rows = {table.alias_or_name.lower() for table in tree.find_all(exp.Table, exp.Subquery, exp.CTE)}
    natural = any(join.args.get("method") for join in tree.find_all(exp.Join))
    return natural or bool(list(tree.find_all(exp.Columns))) or bool(rows & {c.name.lower() for c in _columns(tree)})


def _where(table: exp.Table, columns: Sequence[str]) -> str:
    """The conditions on a relation that is all that its SELECT reads from."""
    select = table.parent.parent if isinstance(table.parent, exp.From) else None
    if not isinstance(select, exp.Select) or select.args.get("joins") or select.args.get("laterals"):
        return ""
    condition = select.args.get("where")
    known = {column.lower() for column in columns}
    kept = []
    for part in condition.this.flatten() if condition and isinstance(condition.this, exp.And) else [condition]:
        term = part.this if isinstance(part, exp.Where) else part
        if term is None or term.find(exp.Query, exp.AggFunc, exp.Window, exp.Lambda, exp.Star):
            continue
        if not all(
            c.name.lower() in known and c.table.lower() in ("", table.alias_or_name.lower()) for c in _columns(term)
        ):
            continue
        plain = term.copy()
        for column in list(_columns(plain)):
            column.set("table", None)
        kept.append(f"({plain.sql(dialect='duckdb')})")
    return f" where {' and '.join(kept)}" if kept else ""


def _columns(tree: exp.Expr) -> Iterator[exp.Column]:
    return tree.find_all(exp.Column)


def _again(sql: str, name: str) -> bool:
    """Whether a relation is named more than once: a reader can be read once."""
    tables = sqlglot.parse_one(sql, read="duckdb").find_all(exp.Table)
    return sum(table.name.lower() == name for table in tables) > 1


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    result = connection.execute(f"select * from (\n{sql}\n) limit {most}")
    return [column[0] for column in result.description or []], result.fetchall()
