"""`riskwave models watch`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from riskwave.batch.progress import saying
from riskwave.errors import RiskwaveError
from riskwave.scoring.cli import LabelsOption, MapOption, moment
from riskwave.scoring.options import (
    DEFAULT_REGISTRY,
    ArtifactsOption,
    JsonOption,
    NameOption,
    RegistryOption,
    VersionArgument,
    open_registry,
)

HistoryOption = Annotated[
    list[str],
    typer.Option(
        "--history", "--state", help="A state, a Parquet folder, sim:…, or a file with --map; may be repeated."
    ),
]
Since = Annotated[str | None, typer.Option(help="First day or moment (UTC), such as 2026-01-10.")]
Until = Annotated[str | None, typer.Option(help="The day or moment that ends it, not included.")]


def watch_command(
    history: HistoryOption,
    version: VersionArgument = "online",
    *,
    name: NameOption = "card",
    since: Since = None,
    until: Until = None,
    delay: Annotated[float, typer.Option(min=0, help="Days after which an event's labels count as arrived.")] = 7.0,
    delta: Annotated[float, typer.Option(help="The detector's setting: how rarely it may be wrong, a check.")] = 1e-4,
    mapping: MapOption = None,
    labels: LabelsOption = None,
    html: Annotated[Path | None, typer.Option(help="Write a report to this file.")] = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch a model: figures on matured labels, distances from its training window, drift. Ends with 1 on an alarm.

    Example: riskwave models watch online --state bank.duckdb --since 2026-02-01 --html watch.html
    """
    store = open_registry(registry, artifacts)
    from riskwave.backtest.html import write_page
    from riskwave.scoring.history import read_history
    from riskwave.watch.html import watch_page
    from riskwave.watch.over import watch_over
    from riskwave.watch.show import show_watch

    if not 0 < delta < 1:
        raise RiskwaveError(f"--delta {delta}: expected a probability above 0 and below 1, such as 0.0001")
    number = store.get(name, version).version
    with saying(Console(stderr=True)) as say:
        whole = read_history(history, mapping=mapping, labels=labels, say=say)
        found, good = watch_over(
            store,
            name,
            number,
            whole,
            since=moment(since, "--since"),
            until=moment(until, "--until"),
            delay=delay,
            delta=delta,
            say=say,
        )
    called = f"{name} {number}"
    if html is not None:
        write_page(html, watch_page(called, found, good))
    if as_json:
        said = {"model": name, "version": number, "quality": good.as_dict() if good else None}
        typer.echo(json.dumps({**said, **found.as_dict()}, indent=2))
    else:
        show_watch(called, found, good, Console(highlight=False))
        if html is not None:
            typer.echo(f"{html}: the report")
    if found.alarms:
        raise typer.Exit(1)
