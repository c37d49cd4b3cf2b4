"""What a watch found, for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from riskwave.watch.distance import Distance
from riskwave.watch.quality import Quality
from riskwave.watch.watch import Findings, Promise

DISTANCE_HEAD = ("score or column", "PSI", "by chance", "KS", "not known then", "now", "level")
PROMISE_HEAD = ("stream", "a change of its mean by", "is reported within events", "days", "events a block")


def show_watch(model: str, found: Findings, good: Quality | None, console: Console, *, most: int = 12) -> None:
    """Print it; most: how many columns."""
    figures = Table(box=None, show_header=False)
    figures.add_column(style="bold", no_wrap=True)
    figures.add_column(overflow="fold")
    figures.add_row("model", model)
    for title, text in headline(found, good):
        figures.add_row(title, text)
    console.print(figures)
    _print(console, DISTANCE_HEAD, [distance_row(each) for each in found.distances[:most]])
    _print(console, PROMISE_HEAD, [promise_row(each) for each in found.promises])
    for alarm in found.alarms:
        console.print(f"[bold red]alarm[/] {alarm.at[:16]}: {alarm.said}", soft_wrap=True)
    if not found.alarms:
        console.print("no alarm")


def headline(found: Findings, good: Quality | None) -> list[tuple[str, str]]:
    """What stands first."""
    lines = [
        ("watched", f"{found.events:,} events, {found.from_[:16]} to {found.to[:16]} UTC"),
        ("flagged", f"{found.flagged:.2%}"),
        ("detector", f"ADWIN, delta {found.delta:g}; {len(found.changes)} changes reported"),
    ]
    if good is None:
        return [*lines, ("matured labels", "none: no event is older than the delay")]
    m = good.metrics
    arrived = "" if good.arrived is None else f"; {good.arrived:.0%} of frauds had their label by then"
    return [
        *lines,
        ("matured", f"{m.events:,} events at least {good.delay_days:g} days old at {good.as_of[:16]}{arrived}"),
        ("precision, recall", f"{_share(m.precision)}, {_share(m.recall)} of {m.frauds:,} known frauds"),
        ("false positives", _share(m.false_positive_rate)),
        ("attacks caught", f"{m.attacks_caught} of {m.attacks}"),
    ]


def distance_row(each: Distance) -> tuple[str, ...]:
    """A distance under DISTANCE_HEAD."""
    if not each.events:
        return each.name, "", "", "", "", "", "not seen"
    unknown = [f"{share:.1%}" for share in each.unknown]
    return each.name, f"{each.psi:.3f}", f"{each.noise:.3f}", f"{each.ks:.3f}", *unknown, each.level


def promise_row(each: Promise) -> tuple[str, ...]:
    """A promise under PROMISE_HEAD."""
    within = "too few seen" if each.events is None else f"{each.events:,}"
    return each.stream, f"{each.shift:g}", within, "" if each.days is None else f"{each.days:.1f}", f"{each.block}"


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.2%}"


def _print(console: Console, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(box=None)
    for place, title in enumerate(head):
        table.add_column(title, justify="left" if place == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
