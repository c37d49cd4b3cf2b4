"""Charts that pages share, drawn by Vega in the browser, in the theme's colours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import altair as alt

from dashboards.show import parsed

#: One colour an action, told apart on light and dark, and by those who see less red or green.
COLOURS = {"allow": "#5b9a8b", "challenge": "#3d7fd1", "review": "#e0a030", "block": "#d1495b"}
FRAUD, QUIET = "#d1495b", "#8795a6"
HEIGHT = 210


def by_time(
    buckets: Sequence[dict[str, Any]], actions: Sequence[str], width: timedelta, height: int = HEIGHT
) -> alt.Chart:
    """Events by time, stacked by action; rows of `start`, `action`, `events`; width: of a bucket.

    The axis is that of all rows, also of other actions: charts of the same rows stand hour over hour.
    """
    starts = sorted(row["start"] for row in buckets)
    span = [starts[0], (parsed(starts[-1]) + width).isoformat()] if starts else None
    rows, under = [], defaultdict[str, int](int)
    for row in sorted(buckets, key=lambda row: list(COLOURS).index(row["action"])):
        if row["action"] in actions:
            start = parsed(row["start"])
            low = under[row["start"]]
            under[row["start"]] = high = low + row["events"]
            rows.append({**row, "upto": (start + width * 0.92).isoformat(), "low": low, "high": high})
    hours = alt.Axis(format="%H:%M" if width < timedelta(hours=1) else "%d %b", grid=False, tickCount=8)
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_rect()
        .encode(
            x=alt.X("start:T", title=None, scale=_utc(span), axis=hours),
            x2="upto:T",
            y=alt.Y("low:Q", title=None, axis=alt.Axis(tickMinStep=1, tickCount=4)),
            y2="high:Q",
            color=alt.Color(
                "action:N",
                scale=alt.Scale(domain=list(actions), range=[COLOURS[action] for action in actions]),
                legend=alt.Legend(title=None, orient="top") if len(actions) > 1 else None,
            ),
            tooltip=[
                alt.Tooltip("start:T", format="%d %b %H:%M", title="from (UTC)"),
                alt.Tooltip("action:N"),
                alt.Tooltip("events:Q", format=","),
            ],
        )
        .properties(height=height)
    )


def _utc(span: Sequence[str] | None) -> alt.Scale:
    return alt.Scale(type="utc", domain=list(span)) if span else alt.Scale(type="utc")


def histogram(scores: Sequence[dict[str, Any]], height: int = HEIGHT) -> alt.Chart:
    """Events by the model's score, in steps of 0.05; the count's root, so that the few high ones are seen."""
    rows = [{**row, "upto": row["score"] + 0.046, "none": 0} for row in scores]
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_rect(color=COLOURS["challenge"])
        .encode(
            x=alt.X("score:Q", title="score", scale=alt.Scale(domain=[0, 1])),
            x2="upto:Q",
            y=alt.Y("none:Q", title=None, scale=alt.Scale(type="sqrt"), axis=alt.Axis(tickCount=5)),
            y2="events:Q",
            tooltip=[alt.Tooltip("score:Q", format=".2f", title="from"), alt.Tooltip("events:Q", format=",")],
        )
        .properties(height=height)
    )


def rule_bars(rules: Sequence[dict[str, Any]], most: int = 8) -> alt.LayerChart:
    """Rules by how often they fired; the part that is labelled as fraud is filled."""
    rows = list(rules[:most])
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("rule:N", sort=None, title=None, axis=alt.Axis(labelLimit=240)),
        tooltip=["rule:N", alt.Tooltip("events:Q", title="fired"), alt.Tooltip("frauds:Q", title="labelled as fraud")],
    )
    fired = base.mark_bar(color=QUIET, opacity=0.45).encode(
        x=alt.X("events:Q", title=None, axis=alt.Axis(tickMinStep=1, format="d"))
    )
    frauds = base.mark_bar(color=FRAUD).encode(x="frauds:Q")
    return (fired + frauds).properties(height=alt.Step(24))


def raising(reasons: Sequence[dict[str, Any]], ink: str) -> alt.LayerChart:
    """What raised a score, the strongest first; rows of `said` and `adds`; ink: the colour of words."""
    rows = [{"said": reason["said"], "adds": reason["adds"]} for reason in reasons]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("said:N", sort=None, axis=None), tooltip=["said:N", alt.Tooltip("adds:Q", format=".2f")]
    )
    bars = base.mark_bar(color=FRAUD, opacity=0.4).encode(
        x=alt.X("adds:Q", title="adds to the score (log-odds)", axis=alt.Axis(grid=False))
    )
    words = base.mark_text(align="left", dx=4, color=ink, fontSize=12).encode(x=alt.datum(0), text="said:N")
    return (bars + words).properties(height=alt.Step(26))


def lines(rows: Sequence[dict[str, Any]], height: int = 160) -> alt.Chart:
    """A panel a feature at each payment, between which it is not known; rows of `at`, `feature`, `value`."""
    return (
        alt.Chart(alt.InlineData(values=list(rows)))
        .mark_circle(size=45, opacity=0.8, color=COLOURS["challenge"])
        .encode(
            x=alt.X("at:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(format="%d %b")),
            y=alt.Y("value:Q", title=None),
            tooltip=[alt.Tooltip("at:T", format="%d %b %H:%M", title="at (UTC)"), "feature:N", "value:Q"],
        )
        .properties(height=height)
    )


def timeline(rows: Sequence[dict[str, Any]], height: int = 190) -> alt.LayerChart:
    """Payments by time and amount; rows of `at`, `amount` (major units), `action`, `verdict`, `what`, `this`."""
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        x=alt.X("at:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(format="%d %b", grid=False)),
        y=alt.Y("amount:Q", title="billed amount", scale=alt.Scale(type="sqrt"), axis=alt.Axis(tickCount=5)),
        tooltip=[
            alt.Tooltip("at:T", format="%d %b %H:%M:%S", title="at (UTC)"),
            alt.Tooltip("said:N", title="amount"),
            "where:N",
            "action:N",
            "verdict:N",
            "event:N",
        ],
    )
    dots = base.mark_point(filled=True, opacity=0.9).encode(
        color=alt.Color(
            "action:N",
            scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
            legend=alt.Legend(title=None, orient="top"),
        ),
        shape=alt.Shape(
            "verdict:N",
            scale=alt.Scale(domain=["no label", "legitimate", "fraud"], range=["circle", "square", "triangle-up"]),
            legend=alt.Legend(title=None, orient="top", symbolFillColor=QUIET, symbolStrokeColor=QUIET),
        ),
        size=alt.condition("datum.this", alt.value(190), alt.value(70)),
    )
    this = base.transform_filter("datum.this").mark_point(filled=False, size=520, strokeWidth=2.5, color=FRAUD)
    return (dots + this).properties(height=height)
