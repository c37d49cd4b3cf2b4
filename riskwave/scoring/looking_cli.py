"""`riskwave models report` and `riskwave models rescore`: what versions did, and what another would have done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from riskwave.batch.progress import saying
from riskwave.scoring.options import (
    DEFAULT_REGISTRY,
    ArtifactsOption,
    JsonOption,
    NameOption,
    RegistryOption,
    open_registry,
)

if TYPE_CHECKING:
    from riskwave.scoring.report import Compared, Report, Side
    from riskwave.scoring.rescore import Rescored

StateOption = Annotated[Path, typer.Option(help="The state file.")]


def report_command(
    *,
    state: StateOption = Path("riskwave.duckdb"),
    mature: Annotated[float, typer.Option(min=0, help="Days that labels take: the last ones are left out.")] = 7.0,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the versions that scored a state's events: champion and canary, champion and shadows, with p-values.

    Example: riskwave models report --state bank.duckdb
    """
    versions = open_registry(registry, artifacts).versions(name)
    from riskwave.scoring.report import report

    made = report(state, {f"{one.name} {one.version}": one.threshold for one in versions}, mature_days=mature)
    if as_json:
        typer.echo(json.dumps(made.as_dict(), indent=2, default=str))
    else:
        _show_report(Console(), made)


def rescore_command(
    *,
    version: Annotated[list[str], typer.Option(help="1.2.0, latest or online; several vote.")],
    state: StateOption = Path("riskwave.duckdb"),
    start: Annotated[str | None, typer.Option("--from", help="First day or time (UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Day or time (UTC) up to which; not included.")] = None,
    weight: Annotated[
        list[float] | None, typer.Option(min=0, help="Of each version in a vote; equal by default.")
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="How many changed decisions to show.")] = 10,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a past range by another version, decide it by the rules of then, and show what would have differed.

    Nothing is written. A decision that was made without a model is given a score too.

    Example: riskwave models rescore --state bank.duckdb --from 2026-01-10 --to 2026-01-20 --version 1.3.0
    """
    store = open_registry(registry, artifacts)
    from riskwave.backtest.history import as_moment
    from riskwave.scoring.rescore import rescore

    scorers = [store.scorer(name, one) for one in version]
    with saying(Console(stderr=True)) as say:
        made = rescore(
            state,
            scorers,
            weights=weight or (),
            start=as_moment(start, "--from"),
            end=as_moment(end, "--to"),
            most=examples,
            say=say,
        )
    if as_json:
        typer.echo(json.dumps(made.as_dict(), indent=2, default=str))
    else:
        _show_rescored(Console(), made)


def _show_report(console: Console, made: Report) -> None:
    console.print(
        f"{made.events:,} events up to {made.until:%Y-%m-%d %H:%M}, whose labels had time to come; "
        f"{made.degraded:,} degraded, {made.unscored:,} before any model",
        highlight=False,
    )
    table = Table(box=None)
    table.add_column("version")
    for title in ("events", "cards", "frauds", "acted on", "recall", "FPR"):
        table.add_column(title, justify="right")
    for side in made.sides:
        table.add_row(*_cells(side))
    console.print(table)
    for compared in made.compared:
        _show_compared(console, compared)


def _show_compared(console: Console, compared: Compared) -> None:
    canary = compared.kind == "canary"
    how = "on cards of their own, in the time both scored" if canary else "on the same events, each by its threshold"
    console.print(f"\n[bold]{compared.challenger.version}[/bold] ({compared.kind}) {how}", highlight=False)
    table = Table(box=None)
    table.add_column("")
    for title in (compared.champion.version, compared.challenger.version, "p, by cards", "p, two shares"):
        table.add_column(title, justify="right")
    sides = (compared.champion, compared.challenger)
    table.add_row(
        "recall", *(_share(side.recall) for side in sides), _p(compared.p_recall_cards), _p(compared.p_recall)
    )
    rates = (_share(side.false_positive_rate) for side in sides)
    table.add_row("FPR", *rates, _p(compared.p_false_cards), _p(compared.p_false))
    table.add_row("frauds", *(f"{side.frauds:,}" for side in sides), "", "")
    console.print(table)


def _show_rescored(console: Console, made: Rescored) -> None:
    lines = {
        "decisions": f"{made.decisions:,}, scored by {made.model}",
        "changed": f"{made.changed:,}",
        "frauds acted on": f"{made.was_caught:,} → {made.caught:,} of {made.frauds:,}",
        "other events acted on": f"{made.was_false:,} → {made.false:,}",
    }
    table = Table(box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for title, text in lines.items():
        table.add_row(title, text)
    for was, now, count, frauds in made.moves:
        table.add_row(f"{was} → {now}", f"{count:,}, {frauds:,} of them frauds")
    console.print(table, highlight=False)
    if made.examples:
        shown = Table(box=None)
        for title in ("event", "at", "was", "would be", "score", "rules"):
            shown.add_column(title)
        for one in made.examples:
            scores = " → ".join("-" if score is None else f"{score:.3f}" for score in (one.was_score, one.score))
            changed = [rule for rule in (*one.rules, *one.was_rules) if (rule in one.rules) != (rule in one.was_rules)]
            shown.add_row(
                one.event_id, f"{one.event_ts:%m-%d %H:%M}", one.was_action, one.action, scores, ", ".join(changed)
            )
        console.print(shown, highlight=False)


def _cells(side: Side) -> list[str]:
    counts = [f"{count:,}" for count in (side.events, side.cards, side.frauds, side.acted)]
    return [side.version, *counts, _share(side.recall), _share(side.false_positive_rate)]


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
