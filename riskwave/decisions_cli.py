"""`riskwave decisions`: a state's decisions on the terminal, or in a file for others to work on."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from riskwave.batch.history import attach_state, columns_of, current, literal, whole
from riskwave.errors import RiskwaveError, printable
from riskwave.scoring.options import DEFAULT_REGISTRY, ArtifactsOption, RegistryOption, open_registry, registry_there
from riskwave.sources.currencies import EXPONENTS

if TYPE_CHECKING:
    from riskwave.scoring.registry import Registry

_ISO = "timestampformat '%Y-%m-%dT%H:%M:%S.%fZ'"
FORMATS = {
    ".parquet": "format parquet, compression zstd",
    ".csv": f"format csv, header, {_ISO}",
    ".jsonl": f"format json, {_ISO}",
}
COLOURS = {"allow": "green", "review": "cyan", "challenge": "yellow", "block": "red"}
CATALOG = "riskwave_state"
_SHOWN = ("event_id", "event_ts", "card_id", "amount_minor", "currency", "action", "reasons")


def decisions_command(
    state: Annotated[Path, typer.Option(help="A state made by `riskwave run` or `riskwave batch`.")],
    out: Annotated[Path | None, typer.Option(help="File to write: .parquet, .csv or .jsonl.")] = None,
    features: Annotated[bool, typer.Option("--features", help="With what was known when it was decided.")] = False,
    all_versions: Annotated[
        bool, typer.Option("--all-versions", help="With the decisions that later ones supersede.")
    ] = False,
    explained: Annotated[
        bool, typer.Option("--explain", help="With what raised the score, where the model flagged the event.")
    ] = False,
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    last: Annotated[int, typer.Option(min=1, help="How many to show without --out.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: the decisions, or what was written.")] = False,
) -> None:
    """Show a state's last decisions with their reasons, or write all of them to a file.

    Example: riskwave decisions --state bank.duckdb --out decisions.parquet --features

    Example: riskwave decisions --state bank.duckdb --explain --registry riskwave.models.db
    """
    if out is None and features:
        raise RiskwaveError("--features: a terminal is too narrow for them; give --out decisions.parquet too")
    if explained and not registry_there(registry):
        raise RiskwaveError(
            f"--explain: {registry}: no such registry; give --registry the one of `riskwave models train`"
        )
    models = open_registry(registry, artifacts) if explained else None
    if out is not None:
        rows = export(state, out, features=features, all_versions=all_versions, models=models)
        typer.echo(json.dumps({"out": str(out), "rows": rows}) if as_json else f"{out}: {rows:,} decisions")
        return
    shown = latest(state, last, all_versions=all_versions, models=models)
    if as_json:
        typer.echo(json.dumps(shown, indent=2, default=_iso))
    else:
        _show(shown)


def export(
    state: Path, out: Path, *, features: bool = False, all_versions: bool = False, models: Registry | None = None
) -> int:
    """Write a state's decisions, archived ones included, in order of event time; gives how many.

    With `features`, decision_input's columns stand after the decision's own; with `models`, score_reasons come last:
    what raised the score of an event that its model flagged, NULL for others. Lists are JSON texts in CSV. Raises
    RiskwaveError for another extension than .parquet, .csv, .jsonl, and when the state or the folder cannot be used.
    """
    written = FORMATS.get(out.suffix.lower())
    if written is None:
        raise RiskwaveError(f"{out}: the extension says the format; expected one of {', '.join(FORMATS)}")
    if not out.parent.is_dir():
        raise RiskwaveError(f"{out}: there is no folder {out.parent} to put it in; make it first")
    with duckdb.connect() as connection:
        _open(connection, state)
        query = _query(connection, state, features=features, all_versions=all_versions)
        if models is not None:
            known = _query(connection, state, features=True, all_versions=all_versions)
            query = _with_reasons(connection, query, known, models)
        if "csv" in written:
            lists = [name for name, kind, *_ in connection.execute(f"describe {query}").fetchall() if kind[-1] == "]"]
            texts = ", ".join(f"to_json({name})::varchar as {name}" for name in lists)
            query = f"select * replace ({texts}) from ({query})" if lists else query
        # A file that is there is replaced only by a whole one.
        partial = out.with_name(f".{out.name}.partial")
        try:
            connection.execute(f"copy ({query}) to {literal(partial)} ({written})")
            rows = connection.execute(f"select count(*) from ({query})").fetchall()[0][0]
            partial.replace(out)
        except (duckdb.Error, OSError) as error:
            raise RiskwaveError(f"{out}: cannot be written ({str(error).splitlines()[0]})") from error
        finally:
            partial.unlink(missing_ok=True)
    return int(rows)


def latest(
    state: Path, count: int, *, all_versions: bool = False, models: Registry | None = None
) -> list[dict[str, Any]]:
    """The last decisions by event time, the latest first: event, time, card, amount in minor units, action, reasons.

    With `models`, score_reasons too, as `export` writes them.
    """
    with duckdb.connect() as connection:
        _open(connection, state)
        query = _query(connection, state, features=True, all_versions=all_versions)
        columns = [str(row[0]) for row in connection.execute(f"describe {query}").fetchall()]
        names = [*_SHOWN, *(name for name in ("version",) if name in columns)]
        order = ", ".join(f"{name} desc" for name in ("event_ts", "event_id", *names[len(_SHOWN) :]))
        query = f"select * from ({query}) order by {order} limit {count}"
        if models is not None:
            query = _with_reasons(connection, query, query, models)
            names.append("score_reasons")
        rows = connection.execute(f"select {', '.join(names)} from ({query}) order by {order}").fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def _open(connection: duckdb.DuckDBPyConnection, state: Path) -> None:
    connection.execute("set TimeZone = 'UTC'")
    attach_state(connection, state, CATALOG)


def _query(connection: duckdb.DuckDBPyConnection, state: Path, *, features: bool, all_versions: bool) -> str:
    """A query for the decisions of a state, in order of time."""
    decided, known = (whole(connection, CATALOG, state, table) for table in ("decisions", "decision_input"))
    if decided is None or known is None:
        raise RiskwaveError(f"{state}: has no decisions; expected a state made by `riskwave run` or `riskwave batch`")
    columns = columns_of(connection, CATALOG, "decisions")
    if not all_versions:
        decided = current(decided, columns)
    versioned = [name for name in ("version",) if name in columns]
    order = ", ".join(f"d.{name}" for name in ("event_ts", "event_id", *versioned))
    if not features:
        return f"select d.* from ({decided}) as d order by {order}"
    more = [name for name in columns_of(connection, CATALOG, "decision_input") if name not in columns]
    keys = " and ".join(f"d.{name} = k.{name}" for name in ("event_id", *versioned))
    beside = ", ".join(f"k.{name}" for name in more)
    return f"select d.*, {beside} from ({decided}) as d join ({known}) as k on {keys} order by {order}"


def _with_reasons(connection: duckdb.DuckDBPyConnection, query: str, known: str, models: Registry) -> str:
    """A query for decisions in order of time, with score_reasons; known: the same with what was known of them."""
    from riskwave.scoring.of_decision import explain_flagged

    said = explain_flagged(connection, known, models)
    connection.register("riskwave_score_reasons", said)
    keys = ", ".join(said.column_names[:-1])
    joined = f"({query}) as q left join riskwave_score_reasons as r using ({keys})"
    return f"select q.*, r.score_reasons from {joined} order by event_ts, {keys}"


def _show(decisions: list[dict[str, Any]]) -> None:
    table = Table(title=None, header_style="bold")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("event", overflow="fold")
    table.add_column("card", overflow="fold")
    table.add_column("amount", justify="right", no_wrap=True)
    table.add_column("action", no_wrap=True)
    table.add_column("reasons")
    for row in decisions:
        version = f" v{row['version']}" if row.get("version", 1) > 1 else ""
        table.add_row(
            row["event_ts"].isoformat(sep=" ", timespec="seconds"),
            Text(printable(row["event_id"])),
            Text(printable(row["card_id"])),
            _amount(row["amount_minor"], row["currency"]),
            Text(f"{row['action']}{version}", style=COLOURS.get(row["action"], "")),
            Text(printable("; ".join([*row["reasons"], *(row.get("score_reasons") or ())]))),
        )
    console = Console()
    console.print(table if decisions else "no decisions yet")


def _amount(minor: int, currency: str) -> str:
    decimals = EXPONENTS.get(currency, 2)
    return f"{minor / 10**decimals:,.{decimals}f} {currency}"


def _iso(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='microseconds')}Z"
