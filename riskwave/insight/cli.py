"""`riskwave insight`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from riskwave.backtest.words import money, percent
from riskwave.batch.progress import saying
from riskwave.errors import RiskwaveError
from riskwave.scoring.cli import LabelsOption, MapOption, moment
from riskwave.scoring.options import (
    DEFAULT_REGISTRY,
    ArtifactsOption,
    JsonOption,
    NameOption,
    RegistryOption,
    need_packages,
    open_registry,
)

if TYPE_CHECKING:
    from riskwave.insight.insight import Insight


def insight_command(
    history: Annotated[
        str, typer.Option("--history", "--state", help="A state, a Parquet folder, sim:…, or a file with --map.")
    ],
    *,
    since: Annotated[str | None, typer.Option(help="First day or moment (UTC); else a --last before the end.")] = None,
    until: Annotated[str | None, typer.Option(help="The day or moment that ends it; else the last event.")] = None,
    last: Annotated[str, typer.Option(help="hour or day: how long the range is where --since is not given.")] = "day",
    each: Annotated[str | None, typer.Option(help="hour or day: look over the range in such steps.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Explain what this version flags and no rule does: online, 1.2.0.")
    ] = None,
    name: NameOption = "card",
    rules: Annotated[Path | None, typer.Option(help="Write the draft rules to this file.")] = None,
    mapping: MapOption = None,
    labels: LabelsOption = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look over history for what real time missed: clusters of what is new, in words, and draft rules that would find
    it.

    Example: riskwave insight --state bank.duckdb --last day --model online --rules drafts.yml

    Example: riskwave insight --history bank.duckdb --since 2026-03-15 --until 2026-03-22 --each day
    """
    need_packages()
    from riskwave.insight.drafts import drafts_text
    from riskwave.insight.insight import HOURS, acted_in, distinct, each_range, insight
    from riskwave.scoring.history import read_history

    for option, value in (("--last", last), ("--each", each or "day")):
        if value not in HOURS:
            raise RiskwaveError(f"{option} {value}: expected hour or day")
    scorer = open_registry(registry, artifacts).scorer(name, model) if model else None
    with saying(Console(stderr=True)) as say:
        whole = read_history([history], mapping=mapping, labels=labels, say=say)
        end = moment(until, "--until")
        end = whole.end + np.timedelta64(1, "us") if end is None else end
        begin = moment(since, "--since")
        begin = end - np.timedelta64(HOURS[last], "h") if begin is None else begin
        acted = acted_in(Path(history))
        ranges = each_range(begin, end, HOURS[each]) if each else [(begin, end)]
        found = [
            insight(whole, first, stop, acted=acted, scorer=scorer, say=say)
            for first, stop in ranges
            if np.searchsorted(whole.at, stop) > np.searchsorted(whole.at, first)
        ]
    if not found:
        raise RiskwaveError(f"{history}: no events from {begin} to {end}; it ends {whole.end}")
    drafts = distinct([part.draft for look in found for part in look.clusters if part.draft is not None])
    if rules is not None and drafts:
        try:
            rules.write_text(drafts_text(drafts), encoding="utf-8")
        except OSError as fault:
            raise RiskwaveError(f"{rules}: the drafts cannot be written there: {fault.strerror}") from fault
    if as_json:
        typer.echo(json.dumps([look.as_dict() for look in found], indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for look in found:
        _show(look, console)
    if rules is not None:
        typer.echo(f"{rules}: {len(drafts)} draft rules" if drafts else "no draft rules")


def _show(look: Insight, console: Console) -> None:
    flagged = f", {look.unexplained:,} flagged by the model alone" if look.unexplained else ""
    console.print(
        Text(
            f"{look.from_[:16]} to {look.to[:16]} UTC: {look.events:,} events against {look.before:,} before, "
            f"{look.unusual:,} unusual{flagged}, {len(look.clusters)} clusters",
            style="bold",
        )
    )
    if look.projections:
        table = Table(box=None)
        for title in ("columns that go together anew", "events", "expected"):
            table.add_column(title, justify="left" if title.startswith("columns") else "right")
        for said, events, expected in look.projections[:5]:
            table.add_row(said, f"{events:,}", f"{expected:.1f}")
        console.print(table)
    for number, part in enumerate(look.clusters, 1):
        console.print(
            Text(
                f"cluster {number}: {part.events:,} events of {part.cards:,} cards, {part.missed:,} let pass "
                f"({money(part.money)}), {part.frauds:,} known frauds; such as {', '.join(part.examples[:3])}"
            )
        )
        for made in part.made_by:
            console.print(Text(f"  {made.said}"))
        if part.draft is not None:
            d = part.draft
            console.print(
                Text(
                    f"  draft {d.rule}: flags {d.flagged:,} of all, {d.of_cluster:,} of the cluster; precision "
                    f"{percent(d.precision)}, recall {percent(d.recall)}, false positives "
                    f"{percent(d.false_positive_rate, 3)}"
                )
            )
