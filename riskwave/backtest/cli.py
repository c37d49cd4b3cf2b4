"""`riskwave backtest`, `sweep`, `explain`, and `riskwave rules compare`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from riskwave.backtest.backtest import backtest
from riskwave.backtest.explain import Explanation, explain
from riskwave.backtest.given import Given, given
from riskwave.backtest.history import History, as_moment, open_history
from riskwave.backtest.html import backtest_page, sweep_page, write_page
from riskwave.backtest.replay import replay
from riskwave.backtest.shadow import compare_shadows
from riskwave.backtest.show import show_backtest, show_compared, show_explanation, show_replay, show_sweep
from riskwave.backtest.sweep import Target, find_threshold, read_values, split_name, sweep
from riskwave.backtest.then import as_then, in_force_then
from riskwave.batch.progress import saying
from riskwave.control import Control, control_path
from riskwave.errors import RiskwaveError
from riskwave.scoring.options import (
    DEFAULT_REGISTRY,
    ArtifactsOption,
    RegistryOption,
    open_registry,
    registry_there,
)
from riskwave.scoring.show import show_score

if TYPE_CHECKING:
    from riskwave.scoring.explain import ScoreExplained

HistoryPath = Annotated[Path, typer.Option(help="A state, or a Parquet folder with decision_input and labels.")]
Rules = Annotated[str, typer.Option(help="A rule file or folder, a revision, or live.")]
From = Annotated[str | None, typer.Option("--from", help="First day or moment (UTC), such as 2026-01-10.")]
To = Annotated[str | None, typer.Option("--to", help="The day or moment that ends it, not included.")]
StateOption = Annotated[
    Path | None, typer.Option("--state", help="Whose lists and revisions count; else the history, if it has them.")
]
KnownLabels = Annotated[
    bool, typer.Option("--known-labels", help="Only labels that had arrived by the end of the period.")
]
PackThresholds = Annotated[
    bool, typer.Option("--pack-thresholds", help="A path's own values, not those that publishing it would keep.")
]
Html = Annotated[Path | None, typer.Option(help="Write a report with charts to this file.")]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def backtest_command(
    history: HistoryPath,
    rules: Annotated[
        str | None, typer.Option(help="A rule file or folder, a revision, or live.", show_default="rules/card")
    ] = None,
    against: Annotated[str | None, typer.Option(help="Compare with: a path, a revision, or live.")] = None,
    start: From = None,
    end: To = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            help="decision: thresholds and lists as each event met them then; without --rules, make each recorded "
            "decision again.",
        ),
    ] = None,
    pack_thresholds: PackThresholds = False,
    known_labels: KnownLabels = False,
    state: StateOption = None,
    ids: Annotated[int, typer.Option(min=0, help="Most ids to tell of events newly flagged or released.")] = 1_000,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Try rules on history: what they catch, what that costs, what each adds; or replay decisions as they were made.

    Example: riskwave backtest --rules rules/card --history bank.duckdb --against live --html report.html

    Example: riskwave backtest --rules mine/card --against live --as-of decision --history bank.duckdb
    """
    period = as_moment(start, "--from"), as_moment(end, "--to")
    if as_of is not None:
        if as_of != "decision":
            raise RiskwaveError(f"--as-of {as_of}: expected decision")
        if rules is None:
            if against is not None:
                raise RiskwaveError(f"--against {against}: a replay has nothing beside it; say which --rules to try")
            _replay(history, period, as_json=as_json)
            return
    beside = _state(history, state)
    with (
        saying(Console(stderr=True)) as say,
        open_history(
            history, start=period[0], end=period[1], known_labels=known_labels, decided=as_of is not None
        ) as opened,
    ):
        tried = [given(named, beside, own=pack_thresholds) for named in (rules or "rules/card", against) if named]
        if as_of is not None:
            tried = _then(tried, opened, beside)
        result = backtest(opened, tried[0], tried[1] if against else None, most=ids, say=say)
    if html is not None:
        write_page(html, backtest_page(result))
    if as_json:
        _echo(result.as_dict())
    else:
        show_backtest(result, Console(highlight=False))
        _tell(html)


def sweep_command(
    threshold: Annotated[str, typer.Argument(help="A rule and its threshold.", metavar="RULE.THRESHOLD")],
    values: Annotated[str, typer.Argument(help="first:last, first:last:step, or value,value,…")],
    history: HistoryPath,
    rules: Rules = "rules/card",
    max_fpr: Annotated[
        float | None, typer.Option(min=0, max=1, help="Target: most false positives, a share such as 0.005.")
    ] = None,
    min_precision: Annotated[float | None, typer.Option(min=0, max=1, help="Target: least precision.")] = None,
    min_recall: Annotated[float | None, typer.Option(min=0, max=1, help="Target: least recall.")] = None,
    max_alerts: Annotated[float | None, typer.Option(min=0, help="Target: most alerts a day.")] = None,
    start: From = None,
    end: To = None,
    known_labels: KnownLabels = False,
    pack_thresholds: PackThresholds = False,
    state: StateOption = None,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Try a threshold at many values in one pass, and find the one that meets a target.

    Example: riskwave sweep card_velocity.max_count 3:20 --history bank.duckdb --max-fpr 0.005
    """
    rule, name = split_name(threshold)
    ruleset = given(rules, _state(history, state), own=pack_thresholds)
    tried = read_values(values, find_threshold(ruleset, rule, name)[1].kind)
    target = Target(max_fpr, min_precision, min_recall, max_alerts)
    with (
        saying(Console(stderr=True)) as say,
        open_history(
            history, start=as_moment(start, "--from"), end=as_moment(end, "--to"), known_labels=known_labels
        ) as opened,
    ):
        result = sweep(opened, ruleset, rule, name, tried, target=target, say=say)
    if html is not None:
        write_page(html, sweep_page(result))
    if as_json:
        _echo(result.as_dict())
    else:
        show_sweep(result, Console(highlight=False))
        _tell(html)


def explain_command(
    event_id: Annotated[str, typer.Argument(help="The event.", metavar="EVENT_ID")],
    state: Annotated[Path, typer.Option(help="The state that decided it.")] = Path("riskwave.duckdb"),
    version: Annotated[int | None, typer.Option(min=1, help="Which decision about it; else the last.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Rules that did not fire, and all features, too.")] = False,
    model: Annotated[
        str | None, typer.Option(help="Explain the score of this model, such as 'card 1.2.0'; else the decision's own.")
    ] = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    as_json: Json = False,
) -> None:
    """Explain a decision: each rule's terms on the event, what would have let it pass, and what made its score.

    Example: riskwave explain e-4711 --state bank.duckdb --registry riskwave.models.db
    """
    result = explain(state, event_id, version=version)
    scored = _scored(state, result, model, registry, artifacts)
    if as_json:
        _echo({**result.as_dict(), "model": None if scored is None else scored.as_dict()})
    else:
        show_explanation(result, Console(highlight=False), everything=everything)
        if scored is not None:
            show_score(scored, Console(highlight=False))


def _scored(
    state: Path, result: Explanation, model: str | None, registry: str, artifacts: Path | None
) -> ScoreExplained | None:
    """What made the score: of the model asked for, else of the decision's own where the registry has it."""
    said = model or result.decision.get("model_version")
    if not said or (model is None and not registry_there(registry)):
        return None
    try:
        store = open_registry(registry, artifacts)
        from riskwave.scoring.of_decision import explain_score

        return explain_score(state, result.event_id, store, str(said), decision=result.version)
    except RiskwaveError as fault:
        if model is not None:
            raise
        typer.echo(f"its score is not explained: {fault}", err=True)
        return None


def compare_command(
    shadow: Annotated[str, typer.Argument(help="shadow: all of them; or one revision.")] = "shadow",
    live: Annotated[str, typer.Argument(help="live: what decided.")] = "live",
    state: Annotated[Path, typer.Option(help="The state whose decisions are compared.")] = Path("riskwave.duckdb"),
    start: From = None,
    end: To = None,
    as_json: Json = False,
) -> None:
    """Say from recorded decisions what a ruleset or rule in the shadow would have done otherwise.

    Example: riskwave rules compare shadow live --state bank.duckdb
    """
    if live != "live":
        raise RiskwaveError(
            f"{live}: decisions are compared with what decided: live; for others riskwave backtest --against"
        )
    if shadow in ("live", "canary"):
        raise RiskwaveError(f"{shadow}: decides, and is not in the shadow; riskwave backtest --against compares it")
    revision = None if shadow == "shadow" else shadow
    found = compare_shadows(state, start=as_moment(start, "--from"), end=as_moment(end, "--to"), revision=revision)
    if as_json:
        _echo([{**asdict(each), "rules": [asdict(rule) for rule in each.rules.values()]} for each in found])
    else:
        show_compared(found, Console(highlight=False))


def _replay(state: Path, period: tuple[datetime | None, datetime | None], *, as_json: bool) -> None:
    with saying(Console(stderr=True)) as say:
        result = replay(state, start=period[0], end=period[1], say=say)
    if as_json:
        _echo(asdict(result))
    else:
        show_replay(result, Console(highlight=False))
    if result.differing:
        raise typer.Exit(1)


def _then(tried: list[Given], history: History, state: Path | None) -> list[Given]:
    """The rulesets with the thresholds and lists that each event met."""
    store = None if state is None else control_path(state)
    if store is None or not store.is_file():
        raise RiskwaveError(f"{history.name}: --as-of decision needs its control store; name its state with --state")
    with Control.open(store, read_only=True) as control:
        then = in_force_then(control, history)
    return [as_then(each, then) for each in tried]


def _state(history: Path, state: Path | None) -> Path | None:
    """Whose control store counts: the one named, else that of a history that is a state."""
    return state or (history if history.is_file() else None)


def _tell(html: Path | None) -> None:
    if html is not None:
        typer.echo(f"{html}: the report")


def _echo(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> str:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else str(value)
