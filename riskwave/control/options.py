"""What the commands have in common: options, tables and times."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from riskwave.control.store import Control, control_path
from riskwave.errors import RiskwaveError

State = Annotated[Path, typer.Option(help="The state file whose control store it is.")]
Target = Annotated[
    str,
    typer.Option(
        envvar="RISKWAVE_TARGET",
        help="Where it takes force: embedded, risingwave (RISINGWAVE_DSN, else as dbt finds it), or its DSN.",
    ),
]
EMBEDDED = "embedded"
STATE = Path("riskwave.duckdb")
Why = Annotated[str, typer.Option(help="Why, in a few words; kept in the audit.")]
Author = Annotated[str | None, typer.Option(help="Who you are; else RISKWAVE_USER, else the system's user.")]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]


@contextmanager
def opened(
    state: Path, *, read_only: bool = False, make: bool = False, decides: bool = False, target: str = EMBEDDED
) -> Iterator[Control]:
    """The control store of a state. With RisingWave as the target, what is changed in it is in force there at the end.

    make: where there is no store, make one; for RisingWave one is always made, of what it decides by; decides: rules
    may be decided by from now on, so it matters since when events are known. Raises RiskwaveError when there is none.
    """
    path = control_path(state)
    if target != EMBEDDED:
        from riskwave.risingwave.governed import governed

        with governed(path, target, read_only=read_only, decides=decides) as control:
            yield control
        return
    if not path.is_file():
        if not make:
            raise RiskwaveError(
                f"{path}: no control store there; name its state with --state, or make one: riskwave run"
            )
        typer.echo(f"note: {path} is made", err=True)
    with Control.open(path, read_only=read_only) as control:
        yield control


def echo_json(value: Any) -> None:
    """Print dataclasses, lists of them, or plain values as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def show(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows as a table: None is empty, and no cell is read as markup."""
    table = Table(header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    Console(highlight=False).print(table if table.row_count else empty)


def when(stored: str | None) -> str | None:
    """A stored time to the second, for people."""
    return None if stored is None else stored[:19].replace("T", " ")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
