"""Figures of rulesets as people read them."""

from __future__ import annotations

from typing import Any

import altair as alt
import streamlit as st


def share(value: float | None) -> str:
    """A share in percent; a share of nothing is a dash."""
    if value is None:
        return "-"
    return f"{value:.1%}" if abs(value) >= 0.01 or value == 0 else f"{value:.2%}"


def whole_money(minor: float) -> str:
    """Minor units in whole units."""
    return f"{minor / 100:,.0f}"


def tiles(then: dict[str, Any], saved: int, now: dict[str, Any] | None = None, saved_now: int = 0) -> None:
    """Alerts a day, precision, recall, false positives and money saved, each beside what it is now."""
    columns = st.columns(5)
    _tile(columns[0], "Alerts a day", f"{then['alerts_a_day']:,.1f}", _change(then, now, "alerts_a_day", ",.1f"), "off")
    _tile(columns[1], "Precision", share(then["precision"]), _points(then, now, "precision"), "normal")
    _tile(columns[2], "Recall", share(then["recall"]), _points(then, now, "recall"), "normal")
    rate = _points(then, now, "false_positive_rate")
    _tile(columns[3], "False positives", share(then["false_positive_rate"]), rate, "inverse")
    more = None if now is None else f"{(saved - saved_now) / 100:+,.0f}"
    _tile(columns[4], "Money saved", whole_money(saved), more, "normal")


def _tile(column: Any, title: str, value: str, change: str | None, colour: str) -> None:
    nothing = change is not None and not any(digit in change for digit in "123456789")
    column.metric(
        title,
        value,
        "as now" if nothing else change,
        delta_color="off" if nothing else colour,
        border=True,
        delta_arrow="off" if nothing else "auto",
    )


def _change(then: dict[str, Any], now: dict[str, Any] | None, name: str, form: str) -> str | None:
    return None if now is None else f"{then[name] - now[name]:+{form}}"


def _points(then: dict[str, Any], now: dict[str, Any] | None, name: str) -> str | None:
    if now is None or then[name] is None or now[name] is None:
        return None
    return f"{100 * (then[name] - now[name]):+.2f} points"


def rows_of(rows: list[dict[str, Any]]) -> Any:
    """Rows as a chart takes them."""
    return alt.InlineData(values=rows)
