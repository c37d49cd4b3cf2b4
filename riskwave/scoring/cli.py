"""`riskwave models`: train, keep, publish and compare scoring models."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from riskwave.backtest.history import as_moment
from riskwave.batch.progress import saying
from riskwave.errors import RiskwaveError
from riskwave.scoring import looking_cli, rollout_cli
from riskwave.scoring.options import (
    DEFAULT_REGISTRY,
    ArtifactsOption,
    JsonOption,
    NameOption,
    RegistryOption,
    VersionArgument,
    need_packages,
    open_registry,
)

if TYPE_CHECKING:
    from riskwave.scoring.registry import Version

models_app = typer.Typer(
    no_args_is_help=True,
    help="Scoring models: train them from history, keep them by version, put them online.",
)

#: Of LightGBM, whose seeds have 32 bits with a sign.
LARGEST_SEED = 2**31 - 1
HistoryOption = Annotated[
    list[str],
    typer.Option("--history", help="A state, a Parquet folder, sim:…, or a file with --map; may be repeated."),
]
MapOption = Annotated[Path | None, typer.Option("--map", help="Mapping of foreign columns (YAML).")]
LabelsOption = Annotated[str | None, typer.Option(help="Labels, where the history has none of its own.")]
SeedOption = Annotated[
    int, typer.Option(min=0, max=LARGEST_SEED, help="The same history, settings and seed give the same model.")
]
DelayOption = Annotated[float, typer.Option(min=0, help="Days before the labels' date that are not learned from.")]
FprOption = Annotated[float, typer.Option(min=0, max=1, help="False-positive rate that the threshold is chosen for.")]
TrialsOption = Annotated[int, typer.Option(min=1, help="Hyper-parameters to try, the defaults first.")]


@models_app.command("train")
def train_command(
    history: HistoryOption,
    *,
    algorithm: Annotated[str, typer.Option(help="boosting, hybrid, voting, isolation_forest, …")] = "boosting",
    name: NameOption = "card",
    mapping: MapOption = None,
    labels: LabelsOption = None,
    test_history: Annotated[
        list[str] | None, typer.Option(help="Measure on this history; else on the last part of --history.")
    ] = None,
    delay: DelayOption = 7.0,
    fpr: FprOption = 0.005,
    select: Annotated[
        float, typer.Option(min=0, max=1, help="Share of importance the features that are kept hold.")
    ] = 0.99,
    trials: TrialsOption = 1,
    since: Annotated[str | None, typer.Option(help="Learn from events from this day or moment (UTC) on.")] = None,
    until: Annotated[str | None, typer.Option(help="… and before this one; what comes later is not looked at.")] = None,
    budget: Annotated[float, typer.Option(min=0, help="Seconds after which no new trial is begun.")] = 600.0,
    param: Annotated[list[str] | None, typer.Option(help="A hyper-parameter, such as num_leaves=15.")] = None,
    seed: SeedOption = 7,
    threads: Annotated[int, typer.Option(min=1, help="Threads to train with.")] = 1,
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model from labelled history, measure it on what it never saw, and keep it in state dev.

    Example: riskwave models train --algorithm boosting --history bank.duckdb

    Example: riskwave models train --algorithm vae --history payments.csv.gz --map mapping.yml --trials 10
    """
    need_packages()
    from riskwave.scoring.history import read_history
    from riskwave.scoring.search import Budget
    from riskwave.scoring.split import Cut
    from riskwave.scoring.train import Plan, algorithm_of, train
    from riskwave.scoring.versions import check_name

    plan = Plan(
        algorithm=algorithm,
        name=name,
        seed=seed,
        cut=Cut(delay_days=delay),
        target_fpr=fpr,
        select=select,
        params=read_params(param or []),
        budget=Budget(trials, budget),
        threads=threads,
    )
    # What cannot be is said before a history is read, and before an hour is spent on it.
    algorithm_of(plan)
    check_name(name)
    first, last = moment(since, "--since"), moment(until, "--until")
    store = open_registry(registry, artifacts, make=True)
    with saying(Console(stderr=True)) as say:
        learned = read_history(history, mapping=mapping, labels=labels, say=say)
        learned = learned.between(first, last)
        unseen = read_history(test_history, mapping=mapping, labels=labels, say=say) if test_history else None
        model = train(learned, plan, measured_on=unseen, say=say)
        say("keeping")
        version = store.add(model)
    if as_json:
        typer.echo(
            json.dumps({**version.as_dict(), "trials": model.trials, "seconds": round(model.seconds, 1)}, indent=2)
        )
    else:
        _show(Console(), version)


@models_app.command("compare")
def compare_command(
    *,
    history: Annotated[
        list[str] | None, typer.Option(help="Learn from this: a state, a Parquet folder, sim:…, or a file with --map.")
    ] = None,
    simulate: Annotated[
        int | None,
        typer.Option(min=1, help="Instead: learn from one simulated bank of so many payments, measure on another."),
    ] = None,
    mapping: MapOption = None,
    labels: LabelsOption = None,
    test_history: Annotated[
        list[str] | None, typer.Option(help="Measure on this history; else on the last part of --history.")
    ] = None,
    test_seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the bank measured on; drawn when not given.")
    ] = None,
    algorithm: Annotated[list[str] | None, typer.Option(help="Only this algorithm; may be repeated.")] = None,
    delay: DelayOption = 7.0,
    fpr: FprOption = 0.005,
    trials: TrialsOption = 1,
    seed: SeedOption = 7,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train every algorithm on the same events and print their figures in one table, beside two classics.

    Example: riskwave models compare --simulate 100000

    Example: riskwave models compare --history payments.csv.gz --map mapping.yml --algorithm boosting
    """
    need_packages()
    from riskwave.scoring import compare as comparing
    from riskwave.scoring.history import read_history
    from riskwave.scoring.search import Budget
    from riskwave.scoring.split import Cut
    from riskwave.scoring.train import Plan, algorithm_of

    if (simulate is None) == (not history):
        raise RiskwaveError("give either --history or --simulate: what to learn from")
    if simulate is not None:
        drawn = secrets.randbelow(1_000_000) if test_seed is None else test_seed
        history = [f"sim:?events={simulate}&seed={seed}"]
        test_history = [f"sim:?events={simulate}&seed={drawn}"]
    plan = Plan("boosting", seed=seed, cut=Cut(delay_days=delay), target_fpr=fpr, budget=Budget(trials))
    for one in algorithm or ():
        algorithm_of(replace(plan, algorithm=one))
    with saying(Console(stderr=True)) as say:
        learned = read_history(history or [], mapping=mapping, labels=labels, say=say)
        unseen = read_history(test_history, mapping=mapping, labels=labels, say=say) if test_history else None
        made = comparing.compare(learned, plan, measured_on=unseen, algorithms=algorithm or (), say=say)
    if as_json:
        typer.echo(json.dumps(made.as_dict(), indent=2))
        return
    window = made.window
    typer.echo(
        f"learned from {window['history']}: {window['train']['events']:,} events, tuned on "
        f"{window['valid']['events']:,}, labels as of {window['labels_as_of'][:16]}, {made.columns} columns; "
        f"measured on {window['measured_on']}: {window['measured_events']:,} events"
    )
    if as_markdown:
        typer.echo(comparing.as_markdown(made))
        return
    table = Table(box=None)
    for place, title in enumerate(comparing.HEADS):
        table.add_column(title, justify="left" if place == 0 else "right")
    for line in made.lines:
        table.add_row(*comparing.cells(line))
    Console().print(table)


@models_app.command("list")
def list_command(
    *,
    name: Annotated[str | None, typer.Option(help="Of this model only.")] = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List all versions with their states and figures.

    Example: riskwave models list --name card
    """
    store = open_registry(registry, artifacts)
    from riskwave.scoring.rollout import parts

    versions = store.versions(name)
    if name is not None and not versions and (others := {one.name for one in store.versions()}):
        raise RiskwaveError(f"{registry}: no model {name}; there are {', '.join(sorted(others))}")
    does = {one: parts(store, one) for one in {version.name for version in versions}}
    if as_json:
        typer.echo(json.dumps([version.as_dict() for version in versions], indent=2))
        return
    if not versions:
        typer.echo("no models yet: riskwave models train --algorithm boosting --history bank.duckdb")
        return
    table = Table(box=None)
    for title in ("model", "version", "state", "algorithm", "created"):
        table.add_column(title)
    for title in ("AUC", "average precision", "FPR", "recall"):
        table.add_column(title, justify="right")
    for one in versions:
        figures = [one.metrics[key] for key in ("auc", "average_precision")]
        shares = [one.metrics[key] for key in ("false_positive_rate", "recall")]
        table.add_row(
            *(one.name, one.version, ", ".join(filter(None, (one.state, does[one.name].get(one.version))))),
            *(one.algorithm, one.created),
            *("-" if figure is None else f"{figure:.3f}" for figure in figures),
            *("-" if share is None else f"{share:.2%}" for share in shares),
        )
    Console().print(table)


@models_app.command("show")
def show_command(
    version: VersionArgument = "latest",
    *,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a version: its data window, parameters, features, figures and files.

    Example: riskwave models show online
    """
    _print(open_registry(registry, artifacts).get(name, version), as_json=as_json)


for named, command in (
    ("publish", rollout_cli.publish_command),
    ("canary", rollout_cli.canary_command),
    ("shadow", rollout_cli.shadow_command),
    ("vote", rollout_cli.vote_command),
    ("promote", rollout_cli.promote_command),
    ("rollback", rollout_cli.rollback_command),
    ("retire", rollout_cli.retire_command),
    ("deploy", rollout_cli.deploy_command),
    ("report", looking_cli.report_command),
    ("rescore", looking_cli.rescore_command),
):
    models_app.command(named)(command)


def moment(text: str | None, option: str) -> np.datetime64 | None:
    """A day or moment of an option, UTC. Raises RiskwaveError for what is none."""
    read = as_moment(text, option)
    return None if read is None else np.datetime64(read, "us")


def read_params(given: list[str]) -> dict[str, Any]:
    """Hyper-parameters written as name=value. Raises RiskwaveError for another text."""
    params: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise RiskwaveError(f"--param {text}: expected name=value, such as num_leaves=15")
        try:
            params[key] = json.loads(value)
        except ValueError:
            params[key] = value
    return params


def _print(version: Version, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(version.as_dict(), indent=2))
    else:
        _show(Console(), version)


def _show(console: Console, version: Version) -> None:
    metrics, window = version.metrics, version.window

    def said(key: str, form: str) -> str:
        return "not known" if metrics[key] is None else format(metrics[key], form)

    def span(part: str) -> str:
        events = window[part]
        return f"{events['events']:,} events" + (f", {events['from']} to {events['to']}" if events["events"] else "")

    lines = {
        "model": f"{version.name} {version.version}, {version.algorithm}, {version.state}",
        "learned from": f"{window['history']}: {span('train')}; labels as of {window['labels_as_of']}",
        "tuned on": span("valid"),
        "measured on": f"{window['measured_on']}: {metrics['events']:,} events, {metrics['frauds']:,} frauds",
        "AUC": said("auc", ".4f"),
        "average precision": said("average_precision", ".4f"),
        "threshold": f"{version.threshold:.4f}",
        "accuracy": said("accuracy", ".2%"),
        "false positives": said("false_positive_rate", ".2%"),
        "recall, precision": f"{said('recall', '.2%')}, {said('precision', '.2%')}",
        "attacks caught": f"{metrics['attacks_caught']} of {metrics['attacks']}",
        "features": f"{len(version.features)}: {', '.join(version.features)}",
        "file": str(version.file),
    }
    table = Table(box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for title, text in lines.items():
        table.add_row(title, text)
    console.print(table)
