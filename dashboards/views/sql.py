"""*SQL*: questions in SQL, read only, with the queries that analysts start from."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
import streamlit as st

from dashboards.client import ApiError
from dashboards.figures import rows_of
from dashboards.session import Session
from dashboards.show import show_empty, show_fault
from dashboards.view import View
from dashboards.ways import link

FOLDER = Path(__file__).parent.parent.parent / "sql"
OWN = "A question of your own"
FIRST = (
    "select action, count(*) as payments\nfrom decisions\nwhere version = 1\ngroup by action\norder by payments desc"
)
_VARIABLE = re.compile(r"getvariable\('(\w+)'\)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
LIMIT = 1_000
MOST_POINTS = 60


@dataclass(frozen=True)
class Starter:
    """A query to start from. title: what it answers; asks: values it needs."""

    name: str
    title: str
    text: str
    asks: tuple[str, ...]


@cache
def starters() -> tuple[Starter, ...]:
    """The queries of the folder sql."""
    found = []
    for path in sorted(FOLDER.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        title = " ".join(line.removeprefix("-- ") for line in text.splitlines() if line.startswith("--"))
        asks = tuple(dict.fromkeys(_VARIABLE.findall(text)))
        found.append(Starter(path.stem, title, text, asks))
    return tuple(found)


def filled(text: str, values: dict[str, str]) -> str:
    """A query with its values in their places, as texts."""
    return _VARIABLE.sub(lambda found: "'" + values.get(found[1], "").replace("'", "''") + "'", text)


def render(session: Session) -> None:
    """Draw the page."""
    st.title("SQL")
    known = {one.name: one for one in starters()}
    chosen = st.selectbox(
        "Start from", [OWN, *known], key="sql_start", format_func=lambda name: name.replace("_", " ").capitalize()
    )
    starter = known.get(chosen)
    if starter is not None:
        st.caption(starter.title)
    values = {name: st.text_input(name, key=f"sql_{name}") for name in (starter.asks if starter else ())}
    with st.form("sql", border=False):
        text = st.text_area(
            "One SELECT; it can only read", starter.text if starter else FIRST, height=230, key=f"sql_text_{chosen}"
        )
        left, right = st.columns([3, 1], vertical_alignment="center")
        asked = left.form_submit_button("Run", type="primary", icon=":material/play_arrow:")
        right.caption("Ctrl+Enter runs it. Ten seconds, 1,000 rows at most.")
    with st.expander("What there is to ask"):
        st.markdown(_TABLES)
    if asked:
        _ask(session, filled(text, values))
    answer = st.session_state.get("sql_answer")
    if answer is not None:
        _show(answer)


def _ask(session: Session, text: str) -> None:
    st.session_state.pop("sql_answer", None)
    try:
        st.session_state["sql_answer"] = session.api.post("/v1/sql", {"sql": text, "limit": LIMIT})
    except ApiError as fault:
        show_fault(fault)


def _show(answer: dict[str, Any]) -> None:
    columns, rows = answer["columns"], answer["rows"]
    if not rows:
        show_empty("No row.", "It ran, and nothing is so: loosen a condition, or look at another time.")
        return
    table, chart = st.tabs(["Table", "Chart"])
    with table:
        shown = [dict(zip(columns, map(_cell, row), strict=True)) for row in rows]
        _table(shown)
        left, right = st.columns([3, 1], vertical_alignment="center")
        more = ", and there would be more" if answer["more"] else ""
        left.caption(f"{len(rows):,} row{'s' if len(rows) > 1 else ''}{more}.")
        right.download_button(
            "Download CSV", as_csv(columns, rows), "answer.csv", "text/csv", icon=":material/download:", width="stretch"
        )
    with chart:
        _chart(columns, rows)


def _table(rows: list[dict[str, Any]]) -> None:
    """The answer; where rows name payments, one that is selected leads there."""
    if "event_id" not in rows[0]:
        st.dataframe(rows, hide_index=True, alt="The answer")
        return
    chosen = st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="sql_rows",
        alt="The answer; select a row to open its payment",
    )
    for place in chosen["selection"]["rows"]:
        if place < len(rows):
            event = str(rows[place]["event_id"])
            link("payment", f"Open payment {event}", icon=":material/receipt_long:", event=event)


def as_csv(columns: list[str], rows: list[list[Any]]) -> str:
    """An answer as CSV. A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([_safe(name) for name in columns])
    writer.writerows([[_safe(_cell(value)) for value in row] for row in rows])
    return written.getvalue()


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value) if isinstance(value, dict) else value


def kinds(columns: list[str], rows: list[list[Any]]) -> dict[str, str]:
    """Of each column: quantitative, temporal or nominal, as a chart has them."""
    found = {}
    for place, name in enumerate(columns):
        known = [row[place] for row in rows if row[place] is not None]
        if known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
            found[name] = "quantitative"
        elif known and all(isinstance(value, str) and _TIME.match(value) for value in known):
            found[name] = "temporal"
        else:
            found[name] = "nominal"
    return found


def _chart(columns: list[str], rows: list[list[Any]]) -> None:
    """The first column that names, against a number; another one colours."""
    of = kinds(columns, rows)
    numbers = [name for name in columns if of[name] == "quantitative"]
    named = [name for name in columns if of[name] != "quantitative"] or columns
    if not numbers:
        show_empty("There is no number to draw.", "Ask for a count or a sum.")
        return
    first, second, third = st.columns(3)
    across = first.selectbox("Across", [*named, *(name for name in numbers if name not in named)], key="sql_x")
    up = second.selectbox("Up", [name for name in numbers if name != across] or numbers, key="sql_y")
    colours = [name for name in named if name not in (across, up)]
    colour = third.selectbox("Colour", ["none", *colours], index=1 if colours and of[across] == "temporal" else 0)
    data = [{f"c{place}": _cell(value) for place, value in enumerate(row)} for row in rows]
    place = {name: f"c{number}" for number, name in enumerate(columns)}
    chart = alt.Chart(rows_of(data))
    encoded: list[Any] = [
        alt.X(f"{place[across]}:{of[across][0].upper()}", title=across, sort=None),
        alt.Y(f"{place[up]}:Q", title=up),
    ]
    if colour != "none":
        encoded.append(alt.Color(f"{place[colour]}:N", title=colour))
    tooltip = [alt.Tooltip(f"{place[name]}:{of[name][0].upper()}", title=name) for name in columns[:8]]
    drawn = chart.mark_bar() if of[across] == "nominal" else chart.mark_line(point=len(rows) <= MOST_POINTS)
    st.altair_chart(drawn.encode(*encoded, tooltip=tooltip).properties(height=340), width="stretch")


_TABLES = """
| relation | has |
| --- | --- |
| `decisions` | every version of every decision; version 1 acted |
| `current_decisions` | the last version of each event |
| `decision_input` | what was known, with the same versions |
| `stg_payments` | each payment once |
| `labels` | what events turned out to be |
| `rejected_events` | what could not be used, and why |
| `card_profiles`, `devices` | facts |

Amounts are in minor units.
"""

VIEW = View("SQL", ":material/database:", "sql", "sql", render)
