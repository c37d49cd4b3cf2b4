"""`riskwave models update`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from riskwave.batch.progress import saying
from riskwave.errors import RiskwaveError
from riskwave.scoring.cli import DelayOption, HistoryOption, LabelsOption, MapOption, SeedOption, read_params
from riskwave.scoring.options import (
    DEFAULT_REGISTRY,
    ArtifactsOption,
    JsonOption,
    NameOption,
    RegistryOption,
    open_registry,
)


def update_command(
    history: HistoryOption,
    *,
    version: Annotated[
        str, typer.Option("--from", help="Learn on from this version: 1.2.0, latest or online.")
    ] = "online",
    name: NameOption = "card",
    mapping: MapOption = None,
    labels: LabelsOption = None,
    any_time: Annotated[
        bool, typer.Option("--any-time", help="Also events of the time the version learned from: of other cards.")
    ] = False,
    delay: DelayOption = 7.0,
    accuracy: Annotated[
        float, typer.Option(min=0, max=1, help="Gain of accuracy that is enough, and loss that is too much.")
    ] = 0.010,
    f1: Annotated[float, typer.Option("--f1", min=0, max=1, help="The same of F1.")] = 0.015,
    auc: Annotated[float, typer.Option(min=0, max=1, help="The same of AUC.")] = 0.008,
    to: Annotated[str, typer.Option(help="How far it may go when it passes: test or online.")] = "online",
    param: Annotated[list[str] | None, typer.Option(help="A hyper-parameter, such as learning_rate=0.03.")] = None,
    seed: SeedOption = 7,
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn on from new labels. The candidate goes to test and online when it is better on labels that it never saw.

    Example: riskwave models update --from online --history bank.duckdb
    """
    store = open_registry(registry, artifacts)
    from riskwave.scoring.history import read_history
    from riskwave.scoring.split import Cut
    from riskwave.scoring.update import Gate, Update, update

    if to not in ("test", "online"):
        raise RiskwaveError(f"--to {to}: expected test or online")
    how = Update(
        *(name, version, Cut(delay_days=delay), Gate(accuracy, f1, auc), read_params(param or []), seed, to, any_time)
    )
    with saying(Console(stderr=True)) as say:
        made = update(store, read_history(history, mapping=mapping, labels=labels, say=say), how, say=say)
    if as_json:
        typer.echo(json.dumps(made.as_dict(), indent=2))
        return
    table = Table(box=None)
    table.add_column("on events neither has seen")
    for title in (made.parent.version, made.candidate.version, "gain", "limit"):
        table.add_column(title, justify="right")
    for each in made.verdict.figures:
        sides = ("not known" if side is None else f"{side:.4f}" for side in (each.before, each.after))
        table.add_row(each.figure, *sides, "" if each.gain is None else f"{each.gain:+.4f}", f"{each.needed:.3f}")
    for title, key in (("false positives", "false_positive_rate"), ("recall", "recall"), ("precision", "precision")):
        values = (getattr(side, key) for side in (made.before, made.after))
        table.add_row(title, *("not known" if value is None else f"{value:.4f}" for value in values), "", "")
    console = Console(highlight=False)
    console.print(table)
    passed = "passes" if made.verdict.passed else "does not pass"
    console.print(f"{name} {made.candidate.version} {passed}: {made.verdict.why}", soft_wrap=True)
    console.print(f"{name} {made.candidate.version} is {made.candidate.state}, from {made.parent.version}")
