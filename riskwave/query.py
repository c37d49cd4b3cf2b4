"""`riskwave query`: a SQL file run on a state, read only."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from riskwave.batch.history import attach_state, columns_of, current, whole
from riskwave.errors import RiskwaveError, printable
from riskwave.project import in_project

STATE = "riskwave_state"  # the catalog a state is attached as
VERSIONED = ("decisions", "decision_input")
VARIABLE = re.compile(r"getvariable\('(\w+)'\)")


def run_query(file: Path, state: Path, values: dict[str, str]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of the one SELECT in a SQL file, over all of a state, what was archived included.

    values: texts by name, what `getvariable('name')` in it gives. Raises RiskwaveError when a file is missing, the
    statement does not run, or the values are not the ones it asks for.
    """
    file = in_project(file)
    if not file.is_file():
        raise RiskwaveError(f"{file}: no such file; expected a SQL file such as those in sql/")
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        attach_state(connection, state, STATE)
        _views(connection, state)
        try:
            statement = _select(connection, file, values)
            for name, value in values.items():
                connection.execute(f"set variable {name} = ?", [value]).fetchall()
            result = connection.execute(statement)
            return [column[0] for column in result.description or []], result.fetchall()
        except duckdb.Error as error:
            raise RiskwaveError(f"{file}: {' '.join(str(error).split())}") from error


def _views(connection: duckdb.DuckDBPyConnection, state: Path) -> None:
    """A view of its own name over each table of the state, whole, and `current_` ones over what has versions."""
    rows = connection.execute("select table_name from duckdb_tables() where database_name = ?", [STATE]).fetchall()
    for (table,) in rows:
        everything = whole(connection, STATE, state, table)
        connection.execute(f'create view "{table}" as {everything}').fetchall()
        columns = columns_of(connection, STATE, table)
        if table in VERSIONED and everything is not None:
            connection.execute(f"create view current_{table} as {current(everything, columns)}").fetchall()


def _select(connection: duckdb.DuckDBPyConnection, file: Path, values: dict[str, str]) -> duckdb.Statement:
    try:
        statements = connection.extract_statements(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise RiskwaveError(f"{file}: not valid UTF-8, expected a SQL file") from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise RiskwaveError(f"{file}: {len(statements)} statements or no SELECT, expected one SELECT")
    asked = set(VARIABLE.findall(statements[0].query))
    if asked != set(values):
        needs = " ".join(f"--set {name}=…" for name in sorted(asked)) or "no --set"
        raise RiskwaveError(f"{file}: needs {needs}, given {', '.join(sorted(values)) or 'none'}")
    return statements[0]


def query_command(
    file: Annotated[Path, typer.Argument(help="A file with one SELECT, such as those in sql/.")],
    state: Annotated[Path, typer.Option(help="The state file.")] = Path("riskwave.duckdb"),
    given: Annotated[
        list[str] | None, typer.Option("--set", help="name=value for a getvariable('name') in the SQL.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as a JSON list.")] = False,
) -> None:
    """Run a SQL file on a state, read only. sql/README.md lists the ones to start from.

    Example: riskwave query sql/top_rules.sql --state demo/state.duckdb

    Example: riskwave query sql/card_timeline.sql --set card_id=c0000017 --state demo/state.duckdb
    """
    names, rows = run_query(file, state, _values(given or []))
    if as_json:
        typer.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str, indent=2))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for place, name in enumerate(names):
        numeric = all(isinstance(row[place], int | float) for row in rows if row[place] is not None)
        table.add_column(name, justify="right" if rows and numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_text(value)) for value in row))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{len(rows):,} row{'' if len(rows) == 1 else 's'}")


def _values(given: list[str]) -> dict[str, str]:
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise RiskwaveError(f"--set {text}: expected name=value")
        values[name] = value
    return values


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(" ", timespec="milliseconds" if value.microsecond else "seconds")
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else printable(str(value))
