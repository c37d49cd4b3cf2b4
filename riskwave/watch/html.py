"""The report of a watch as one HTML file."""

from __future__ import annotations

from html import escape

from riskwave.backtest.charts import bars
from riskwave.backtest.html import page, table
from riskwave.watch.quality import Quality
from riskwave.watch.show import DISTANCE_HEAD, PROMISE_HEAD, distance_row, headline, promise_row
from riskwave.watch.watch import Findings

SHOWN = 25


def watch_page(model: str, found: Findings, good: Quality | None) -> str:
    """The report: alarms first, then figures on matured labels, distances and promises."""
    alarms = [f"<li>{escape(alarm.at[:16])}: {escape(alarm.said)}</li>" for alarm in found.alarms]
    farthest = [(each.name, max(each.psi, 0.0), 0.0) for each in found.distances[:SHOWN]]
    parts = [
        "<h2>Alarms</h2>",
        f"<ul>{''.join(alarms)}</ul>" if alarms else "<p>none</p>",
        "<h2>Figures</h2>",
        table(("", ""), headline(found, good)),
        '<div class="charts">',
        bars("PSI against the training window", farthest, ("PSI", ""), lambda value: f"{value:.3f}"),
        "</div>",
        "<h2>Score and features against the training window</h2>",
        table(DISTANCE_HEAD, [distance_row(each) for each in found.distances]),
        "<h2>What the detector promises</h2>",
        table(PROMISE_HEAD, [promise_row(each) for each in found.promises]),
    ]
    return page(f"Watch of model {model}", parts)
