"""Reports as one HTML file each: nothing is fetched, nothing runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from riskwave.backtest.backtest import Backtest, Moved
from riskwave.backtest.charts import Line, bars, heat, lines
from riskwave.backtest.sweep import Sweep
from riskwave.backtest.words import (
    POINT_HEAD,
    RULE_HEAD,
    by_fired,
    headline,
    moved,
    notes,
    percent,
    point_row,
    rule_row,
    verdict,
)
from riskwave.errors import RiskwaveError

SHOWN_PAIRS = 30
SHOWN_IDS = 200
_HEAT = 24
_STYLE = """
:root { --ink: #1d2430; --soft: #667085; --rule: #e3e7ee; --page: #fff; --m1: #b42318; --m2: #98a2b3; --m3: #175cd3 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ef; --soft: #98a2b3; --rule: #2c3440; --page: #12161c;
    --m1: #f97066; --m2: #667085; --m3: #53b1fd }
}
body { font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 2rem auto;
  max-width: 70rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } .wide { overflow-x: auto }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap }
th:first-child, td:first-child { text-align: left } tr.best { font-weight: 600 }
.soft, figcaption, text { color: var(--soft); fill: var(--soft) }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem }
figure { margin: 1rem 0 } svg { width: 100%; height: auto } svg text { font-size: 11px }
.grid { stroke: var(--rule) } .line { fill: none; stroke-width: 2 } .now { stroke: var(--soft); stroke-dasharray: 2 3 }
.best { stroke: var(--m3) } .line.m1 { stroke: var(--m1) } .line.m2 { stroke: var(--m2) } .line.m3 { stroke: var(--m3) }
.dot.m1, .bar.m1 { fill: var(--m1) } .dot.m2, .bar.m2 { fill: var(--m2) } .dot.m3 { fill: var(--m3) }
.cell { fill: var(--m1) } .key::before { content: "\\25CF "; margin-left: 1rem }
.key.m1::before { color: var(--m1) } .key.m2::before { color: var(--m2) } .key.m3::before { color: var(--m3) }
code { overflow-wrap: anywhere }
"""


def backtest_page(result: Backtest) -> str:
    """The report of a backtest."""
    period = f"{result.start:%Y-%m-%d %H:%M} to {result.end:%Y-%m-%d %H:%M} UTC, {result.events:,} events"
    fired = by_fired(result.rules)
    parts = [
        f'<p class="soft">{escape(result.history)}, {period}</p>',
        "".join(f"<p>{escape(note)}</p>" for note in notes(result)),
        _headlines(result),
        '<div class="charts">',
        _alerts(result),
        bars(
            "Events that each rule fired for",
            [
                (r.rule, float(r.counted.flagged_frauds), float(r.counted.flagged - r.counted.flagged_frauds))
                for r in fired
            ],
            ("frauds", "others"),
            _whole,
        ),
        bars(
            "What only this rule flags",
            [
                (r.rule, float(r.adds.flagged_frauds), float(r.adds.flagged - r.adds.flagged_frauds))
                for r in fired
                if r.adds.flagged
            ],
            ("frauds", "others"),
            _whole,
        ),
        _overlap_chart(result),
        "</div>",
        "<h2>Attacks</h2>",
        table(
            ("scenario", "attacks", "caught", "share"),
            [
                (s.scenario, f"{s.attacks:,}", f"{s.caught:,}", percent(s.caught / s.attacks))
                for s in result.side.scenarios
            ],
        ),
        "<h2>Rules</h2>",
        table(RULE_HEAD, [rule_row(rule) for rule in result.rules]),
        "<h2>Rules that fire together</h2>",
        table(
            ("rules", "events", "share of the rarer"),
            [(f"{o.one}, {o.two}", f"{o.events:,}", percent(o.share, 0)) for o in result.overlaps[:SHOWN_PAIRS]],
        ),
    ]
    if result.caught and result.released:
        parts += [_moved(result.caught, "Newly flagged"), _moved(result.released, "Newly released")]
    if result.warming:
        parts += ["<h2>Warming</h2><ul>", *(f"<li>{escape(str(each))}</li>" for each in result.warming), "</ul>"]
    return page(f"Backtest of {result.side.name}", parts)


def sweep_page(result: Sweep) -> str:
    """The report of a sweep."""
    values = [f"{point.value:g}" for point in result.points]
    now = next((place for place, point in enumerate(result.points) if point.value == result.now), None)
    best = result.points.index(result.best) if result.best else None

    def chart(title: str, *series: Line) -> str:
        said = _share if all(value is None or value <= 1 for line in series for value in line.values) else _whole
        return lines(title, values, series, said, at=now, best=best)

    c = [point.ruleset for point in result.points]
    parts = [
        f'<p class="soft">{escape(result.history)}, {result.start:%Y-%m-%d %H:%M} to {result.end:%Y-%m-%d %H:%M} UTC, '
        f"{result.events:,} events, {escape(result.revision)}; the value now is {result.now:g}</p>",
        f"<p>{escape(verdict(result))}</p>",
        '<div class="charts">',
        chart(
            "The whole ruleset",
            Line("recall", [x.recall for x in c]),
            Line("precision", [x.precision for x in c], 3),
            Line("value detected", [x.value_detection_rate for x in c], 2),
        ),
        chart("False positive rate", Line("of legitimate payments", [x.false_positive_rate for x in c])),
        lines("Alerts a day", values, [Line("alerts", [x.alerts_a_day for x in c])], _whole, at=now, best=best),
        lines(
            "Money saved",
            values,
            [Line("saved", [point.saved / 100 for point in result.points])],
            _whole,
            at=now,
            best=best,
        ),
        "</div>",
        table(POINT_HEAD, [point_row(point) for point in result.points], best),
    ]
    return page(f"{result.rule}.{result.threshold}", parts)


def write_page(path: Path, text: str) -> None:
    """Write a report. Raises RiskwaveError where it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise RiskwaveError(f"{path}: the report cannot be written there: {fault.strerror}") from fault


def _headlines(result: Backtest) -> str:
    mine = headline(result.side)
    if result.against is None:
        return table(("", result.side.name), mine)
    theirs = dict(headline(result.against))
    return table(("", result.side.name, f"against {result.against.name}"), [(k, v, theirs[k]) for k, v in mine])


def _alerts(result: Backtest) -> str:
    series = [
        Line("flagged", [float(day.flagged) for day in result.days], 3),
        Line("frauds among them", [float(day.flagged_frauds) for day in result.days]),
    ]
    if result.against is not None:
        series.append(Line(f"against {result.against.name}", [float(day.against or 0) for day in result.days], 2))
    return lines("Alerts by day", [f"{day.day:%d %b}" for day in result.days], series, _whole)


def _overlap_chart(result: Backtest) -> str:
    shares = {frozenset((pair.one, pair.two)): pair.share for pair in result.overlaps}
    names = [rule.rule for rule in by_fired(result.rules)[:_HEAT]]
    return heat(
        "Rules that fire together: share of the rarer's events",
        names,
        lambda one, two: shares.get(frozenset((names[one], names[two])), 0.0),
    )


def _moved(events: Moved, title: str) -> str:
    shown = events.ids[:SHOWN_IDS]
    frauds = set(events.fraud_ids)
    ids = ", ".join(f"<b>{escape(i)}</b>" if i in frauds else escape(i) for i in shown)
    more = f" and {events.events - len(shown):,} more" if events.events > len(shown) else ""
    return f"<h2>{escape(moved(events, title))}</h2><p><code>{ids}</code>{more} (frauds in bold)</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], best: int | None = None) -> str:
    """A table; best: the row that stands out."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = ""
    for place, row in enumerate(rows):
        mark = ' class="best"' if place == best else ""
        body += f"<tr{mark}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page of parts."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{value:.1%}" if value >= 0.1 else f"{value:.2%}"
