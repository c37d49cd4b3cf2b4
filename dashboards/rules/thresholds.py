"""A threshold, with what it catches and costs at every value beside the slider."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import streamlit as st

from dashboards.client import ApiError
from dashboards.figures import rows_of, tiles
from dashboards.jobs import forget, outcome
from dashboards.session import Session
from dashboards.show import is_said, moment, show_empty, show_fault

DAYS = {7: "the last 7 days", 30: "the last 30 days", 90: "the last 90 days"}
STEPS = 24
_LOOK = {"Precision": "#2f7ed8", "Recall": "#e08a1e", "Alerts a day": "#7a869a", "Money saved": "#2e9e6b"}


def render(session: Session) -> None:
    """Choose a threshold, see its curve, set it."""
    known = [one for one in session.api.get("/v1/thresholds")["items"] if one["state"] == "live"]
    if not known:
        show_empty("No rule that decides has a threshold.", "Publish rules with thresholds: see *New rule*.")
        return
    rules = {rule["rule"]: rule for rule in session.api.get("/v1/rules")["rules"]}
    names = sorted({one["rule"] for one in known})
    left, right, last = st.columns([2, 2, 1])
    rule = left.selectbox("Rule", names, index=_first(names, "card_velocity"), key="tune_rule")
    own = [one for one in known if one["rule"] == rule]
    # By its name: of a row, the list would hand out the one that was chosen, as it was then.
    name = right.selectbox("Threshold", [one["name"] for one in own], key=f"tune_threshold_{rule}")
    chosen = next(one for one in own if one["name"] == name)
    days = last.selectbox("Tried on", list(DAYS), format_func=DAYS.__getitem__, index=1, key="tune_days")
    st.code(rules[rule]["when"], language="sql", wrap_lines=True)
    st.caption(
        f"{rules[rule]['action']}, {rules[rule]['severity']}, kept by {rules[rule]['owner']}. "
        f"{chosen['name']} is **{chosen['value']}** {chosen['unit'] or ''} since {moment(chosen['since'])} UTC, "
        f"set by {chosen['author']}{': ' + chosen['why'] if chosen['why'] else ''}. "
        f"The pack says {chosen['default']}."
    )
    if chosen["kind"] in ("integer", "number"):
        value = _curve(session, chosen, days)
    else:
        value = st.text_input("Value", chosen["value"], key=f"tune_text_{rule}_{chosen['name']}")
    if session.may("tune"):
        _change(session, chosen, value)
    else:
        st.caption("Changing it takes the scope tune: ask an analyst.")
    _history(session, chosen)


def _curve(session: Session, chosen: dict[str, Any], days: int) -> str:
    """The slider, and the curve beside it; gives the value that was chosen, as a text."""
    whole = chosen["kind"] == "integer"
    now = float(chosen["value"])
    values = steps(now, chosen["min"], chosen["max"], whole=whole)
    shown = [_text(value, whole=whole) for value in values]
    at = f"tune_value_{chosen['rule']}_{chosen['name']}"
    if st.session_state.get(at) not in shown:
        st.session_state[at] = _text(now, whole=whole)
    picked = st.select_slider(f"{chosen['name']} ({chosen['unit'] or 'a number'})", shown, key=at)
    if not session.may("try"):
        st.caption("The curve takes the scope try: analysts and approvers have it.")
        return str(picked)
    body = {
        "work": "sweep",
        "rule": chosen["rule"],
        "threshold": chosen["name"],
        "values": ",".join(shown),
        "days": days,
    }
    found = outcome(session, "curve", body)
    if found is not None:
        points = {_text(point["value"], whole=whole): point for point in found["points"]}
        here, there = points[str(picked)], points[_text(now, whole=whole)]
        tiles(here["ruleset"], here["saved"], there["ruleset"], there["saved"])
        _draw(found["points"], float(picked), now, chosen["name"])
        alone = here["alone"]
        st.caption(
            f"All rules that decide, on {found['events']:,} events with {found['attacks']} attacks by labels so far. "
            f"At {picked} this rule alone fires on {alone['flagged']:,}, {alone['flagged_frauds']:,} of them frauds."
        )
    return str(picked)


def steps(now: float, least: float | None, most: float | None, *, whole: bool) -> list[float]:
    """Values around a threshold's own, in round steps, it among them; least, most: what it may be."""
    low, high = now - max(abs(now), 1.0 if whole else 0.5) * 0.75, now + max(abs(now), 1.0 if whole else 0.5) * 1.25
    low, high = low if least is None else max(low, least), high if most is None else min(high, most)
    size = 10.0 ** math.floor(math.log10(max((high - low) / STEPS, 1e-9)))
    width = next(size * part for part in (1, 2, 5, 10) if (high - low) / (size * part) <= STEPS)
    width = max(width, 1.0) if whole else width
    first, last = math.ceil(low / width - 1e-9), math.floor(high / width + 1e-9)
    found = {round(place * width, 10) for place in range(first, last + 1)} | {now}
    return sorted(found)


def _text(value: float, *, whole: bool) -> str:
    return str(int(value)) if whole else f"{value:g}"


def _draw(points: list[dict[str, Any]], picked: float, now: float, name: str) -> None:
    rows = [
        row
        for point in points
        for row in (
            {"value": point["value"], "figure": "Precision", "share": point["ruleset"]["precision"]},
            {"value": point["value"], "figure": "Recall", "share": point["ruleset"]["recall"]},
            {"value": point["value"], "figure": "Alerts a day", "amount": point["ruleset"]["alerts_a_day"]},
            {"value": point["value"], "figure": "Money saved", "amount": point["saved"] / 100},
        )
    ]
    left, middle, right = st.columns([2, 1.2, 1.2])
    shares = [row for row in rows if row.get("share") is not None]
    left.altair_chart(_lines(shares, "share:Q", name, picked, now, percent=True), width="stretch")
    for column, figure in ((middle, "Alerts a day"), (right, "Money saved")):
        own = [row for row in rows if row["figure"] == figure]
        column.altair_chart(_lines(own, "amount:Q", name, picked, now), width="stretch")


def _lines(
    rows: list[dict[str, Any]], field: str, name: str, picked: float, now: float, *, percent: bool = False
) -> Any:
    """Figures by the threshold's value, with where it is now (dashed) and where the slider is."""
    figures = list(dict.fromkeys(row["figure"] for row in rows))
    form = ".1%" if percent else ",.1f"
    large = max((row.get("amount") or 0 for row in rows), default=0) >= 1_000
    axis = alt.Axis(format="%" if percent else "~s" if large else ",.3~r", tickCount=5)
    lines = (
        alt.Chart(rows_of(rows))
        .mark_line(point=alt.OverlayMarkDef(size=25), interpolate="monotone")
        .encode(
            alt.X("value:Q", title=name, scale=alt.Scale(zero=False, nice=False)),
            alt.Y(field, title=None, axis=axis, scale=alt.Scale(zero=True)),
            alt.Color(
                "figure:N",
                title=None,
                legend=alt.Legend(orient="top"),
                scale=alt.Scale(domain=figures, range=[_LOOK[figure] for figure in figures]),
            ),
            tooltip=[
                alt.Tooltip("value:Q", title=name),
                alt.Tooltip("figure:N", title="figure"),
                alt.Tooltip(field, title="is", format=form),
            ],
        )
    )
    marks = [
        alt.Chart(rows_of([{"at": at}]))
        .mark_rule(strokeDash=dash, color="#8a94a6", strokeWidth=width)
        .encode(alt.X("at:Q"))
        for at, dash, width in ((now, [4, 4], 1.5), (picked, [1, 0], 2))
    ]
    return alt.layer(lines, *marks).properties(height=230)


def _change(session: Session, chosen: dict[str, Any], value: str) -> None:
    same = _same(value, chosen["value"])
    with st.form("set_threshold", border=False):
        words, button = st.columns([4, 1], vertical_alignment="bottom")
        why = words.text_input("Why", placeholder="fewer alerts on weekends", max_chars=1_000)
        asked = button.form_submit_button(f"Set to {value}", type="primary", width="stretch", disabled=same)
    if not asked or not is_said(why):
        return
    try:
        path = f"/v1/thresholds/{chosen['rule']}/{chosen['name']}"
        done = session.api.put(path, {"value": value, "why": why})["items"][0]
    except ApiError as fault:
        show_fault(fault)
        return
    forget("curve")
    st.session_state["tune_done"] = (
        f"{done['rule']}.{done['name']} is {done['after']} instead of {done['before']}, live from the next payment on: "
        f"control version {done['control_version']}"
    )
    st.rerun()


def _same(one: str, two: str) -> bool:
    try:
        return float(one) == float(two)
    except ValueError:
        return one == two


def _history(session: Session, chosen: dict[str, Any]) -> None:
    done = st.session_state.pop("tune_done", None)
    if done:
        st.success(done, icon=":material/check:")
    rows = session.api.get(f"/v1/thresholds/{chosen['rule']}/{chosen['name']}/history")["items"]
    own = [row for row in rows if row["revision"] == chosen["revision"]]
    with st.expander(f"Every value it had ({len(own)})"):
        others = len(rows) - len(own)
        if others and st.toggle(f"In other rulesets too ({others})", key="tune_all"):
            own = rows
        st.dataframe(
            [
                {
                    "from (UTC)": moment(row["valid_from"]),
                    "value": row["value"],
                    "by": row["author"],
                    "why": row["why"],
                    "ruleset": row["revision"],
                }
                for row in reversed(own)
            ],
            hide_index=True,
        )


def _first(names: list[str], wanted: str) -> int:
    return names.index(wanted) if wanted in names else 0
