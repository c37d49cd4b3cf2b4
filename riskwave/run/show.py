"""A run on the terminal: a live panel where there is one, a line now and then where there is not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from riskwave.control.warming import WarmingRule
from riskwave.run.meter import Meter
from riskwave.run.reader import Reader
from riskwave.run.summary import Summary

COLOURS = {"allow": "green", "review": "cyan", "challenge": "yellow", "block": "red"}
LINE_EVERY_S = 5.0
DRAW_EVERY_S = 0.2


class Progress:
    """Shows a run's meter; use as a context manager and call it after every batch."""

    def __init__(self, console: Console, total: int | None = None) -> None:
        """total: events expected, where known."""
        self._console = console
        self._total = total
        self._last = time.monotonic() if not console.is_terminal else 0.0
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, meter: Meter, reader: Reader) -> None:
        """Draw, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._last < (DRAW_EVERY_S if self._live else LINE_EVERY_S):
            return
        self._last = now
        if self._live is not None:
            self._live.update(self._panel(meter, reader))
        else:
            self._console.print(self._line(meter, reader), highlight=False)

    def _line(self, meter: Meter, reader: Reader) -> str:
        done = f"{meter.received:,}" + (f" of {self._total:,}" if self._total else "")
        said = [f"{done} events", f"{meter.rate_now:,.0f} events/s"]
        if meter.decided:
            said.append(f"p50 {meter.latency_ms(0.5):,.0f} ms, p99 {meter.latency_ms(0.99):,.0f} ms")
        actions = ", ".join(f"{name} {count:,}" for name, count in meter.actions.most_common())
        return f"{', '.join(said)}, waiting {reader.waiting:,}" + (f"; {actions}" if actions else "")

    def _panel(self, meter: Meter, reader: Reader) -> Panel:
        width = 44
        share = min(meter.received / self._total, 1.0) if self._total else 0.0
        bar = Text("━" * int(width * share), style="cyan") + Text("━" * (width - int(width * share)), style="dim")
        table = Table.grid(padding=(0, 2))
        table.add_row("events", f"{meter.received:,}" + (f" of {self._total:,}" if self._total else ""))
        table.add_row("events/s", f"{meter.rate_now:,.0f}")
        table.add_row("latency", f"p50 {meter.latency_ms(0.5):,.0f} ms   p99 {meter.latency_ms(0.99):,.0f} ms")
        table.add_row("waiting", f"{reader.waiting:,}")
        table.add_row("rejected", f"{meter.rejected:,}   duplicates {meter.duplicates:,}")
        decided = Table.grid(padding=(0, 2))
        most = max(meter.actions.values(), default=1)
        for name, colour in COLOURS.items():
            count = meter.actions.get(name, 0)
            blocks = Text("█" * max(round(24 * (count / most) ** 0.5), 1 if count else 0), style=colour)
            decided.add_row(name, f"{count:>9,}", blocks)
        parts: list[Any] = [table, Text(""), decided]
        if self._total:
            parts = [bar, Text(""), *parts]
        return Panel(Group(*parts), title="riskwave", title_align="left", expand=False)


def show_summary(
    console: Console, summary: Summary, meter: Meter | None, warming: Sequence[WarmingRule], state: str
) -> None:
    """Print a state's figures, those of the run that made it, and how many rules are warming."""

    def share(value: float | None) -> str:
        return "nothing flagged" if value is None else f"{value:.2%}"

    table = Table.grid(padding=(0, 3))
    if meter is not None:
        table.add_row("this run", f"{meter.received:,} events in {meter.seconds:.1f} s, {meter.rate:,.0f} events/s")
        if not meter.received:
            table.add_row("", "nothing new came: the source is empty, or this state has read all of it before")
        if meter.decided:
            table.add_row("latency", f"p50 {meter.latency_ms(0.5):,.0f} ms, p99 {meter.latency_ms(0.99):,.0f} ms")
        table.add_row(
            "kept aside",
            f"{meter.rejected:,} rejected, {meter.duplicates:,} duplicates, {meter.superseding:,} superseded",
        )
        if meter.degraded:
            table.add_row("degraded", f"{meter.degraded:,} decided by rules alone: the model could not be asked")
        if meter.rejected:
            table.add_row("why", f"riskwave query sql/rejected_by_reason.sql --state {state}")
    actions = ", ".join(f"{name} {count:,}" for name, count in summary.actions.items())
    table.add_row("decisions", actions or "none yet")
    if summary.frauds:
        if summary.attacks:
            table.add_row("attacks caught", f"{summary.attacks_caught:,} of {summary.attacks:,}")
            table.add_row(
                "money saved", f"{summary.money_saved / 100:,.0f} of {summary.money_at_stake / 100:,.0f} at stake"
            )
        table.add_row("precision", share(summary.precision))
        table.add_row("recall", share(summary.recall))
        table.add_row("false positives", f"{share(summary.false_positive_rate)} of legitimate events")
    if warming:
        until = max(rule.until for rule in warming)
        # A rule of what decides and of a shadow is one rule.
        names = {rule.rule for rule in warming}
        table.add_row("warming", f"{len(names)} rules look back before the history, until {until:%Y-%m-%d %H:%M}")
    table.add_row("state", state)
    console.print(Panel(table, title="summary", title_align="left", expand=False))
    if summary.rules:
        rules = Table("rule", "fired", "on frauds", box=None, header_style="bold")
        for rule, fired, frauds in summary.rules[:8]:
            rules.add_row(rule, f"{fired:,}", f"{frauds:,}" if summary.frauds else "")
        console.print(rules)
