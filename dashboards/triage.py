"""The queue of alerts: filtered, taken from the top, handled many at once."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st

from dashboards import bulk
from dashboards.session import Session
from dashboards.show import moment, money, show_empty, standing
from dashboards.ways import go

STATUSES = {"Open": "open", "Taken": "acknowledged", "Closed": "closed", "All": None}
WHOSE: dict[str, dict[str, Any]] = {"Anybody's": {}, "Mine": {"assignee": "me"}, "Nobody's": {"unassigned": True}}
ORDERS = {"Most urgent first": "urgent", "Newest first": "newest"}
KINDS = ("card", "device", "ip", "merchant")
ACTIONS = ("challenge", "review", "block")
SEVERITIES = ("P0", "P1", "P2")
PAGE = 25
SHORT, HEIGHT = 9, 340  # rows that are shown whole; the height of more, pixels
_PAGES = "triage.pages"  # cursors of the pages before this one


def render(session: Session) -> None:
    """Draw the queue."""
    counts = session.api.get("/v1/alerts:counts")
    title, take = st.columns([4, 1], vertical_alignment="bottom")
    title.title("Alerts")
    filters = _filters(session, counts)
    cursors: list[str] = st.session_state.setdefault(_PAGES, [])
    page = session.api.get("/v1/alerts", limit=PAGE, cursor=cursors[-1] if cursors else None, **filters)
    items = page["items"]
    if take.button(
        "Take the top alert",
        type="primary",
        shortcut="t",
        width="stretch",
        disabled=not items,
        help="Opens the first of the list below, and makes it yours where it is nobody's",
    ):
        top = items[0]
        if session.may("triage") and top["assignee"] is None and top["status"] == "open":
            session.api.post(f"/v1/alerts/{top['event_id']}/acknowledge")
        go("payment", event=top["event_id"])
    if not items:
        _nothing(counts)
    else:
        _table(session, items)
    _turn(cursors, page["next"])


def _filters(session: Session, counts: dict[str, Any]) -> dict[str, Any]:
    """What is asked for; another choice begins at the first page."""
    status, whose, severity, order, more = st.columns([3.4, 3.5, 1.7, 2.2, 1.4], vertical_alignment="bottom")
    chosen: dict[str, Any] = {
        "status": STATUSES[
            status.segmented_control(
                f"{counts['open']:,} open, {counts['acknowledged']:,} taken, {counts['closed']:,} closed",
                list(STATUSES),
                default="Open",
                required=True,
                key="triage.status",
                persist_state="session",
                on_change=_first,
            )
        ],
        "severity": severity.selectbox(
            "Severity",
            SEVERITIES,
            index=None,
            placeholder="Any",
            key="triage.severity",
            persist_state="session",
            on_change=_first,
            format_func=lambda name: f"{name} ({counts['severities'].get(name, 0):,})",
        ),
        "order": ORDERS[
            order.selectbox("Order", list(ORDERS), key="triage.order", persist_state="session", on_change=_first)
        ],
    }
    chosen |= WHOSE[
        whose.segmented_control(
            f"{counts['unassigned']:,} nobody's, {counts['snoozed']:,} snoozed",
            list(WHOSE),
            default="Anybody's",
            required=True,
            key="triage.whose",
            persist_state="session",
            on_change=_first,
        )
    ]
    with more.popover("More", icon=":material/filter_list:", width="stretch"):
        rules = sorted({rule["rule"] for rule in session.api.get("/v1/rules")["rules"]})
        chosen["action"] = st.selectbox(
            "Decided",
            ACTIONS,
            index=None,
            placeholder="Any action",
            key="triage.action",
            persist_state="session",
            on_change=_first,
        )
        chosen["rule"] = st.selectbox(
            "Rule",
            rules,
            index=None,
            placeholder="Any rule",
            key="triage.rule",
            persist_state="session",
            on_change=_first,
        )
        snoozed = st.toggle("Snoozed ones too", key="triage.snoozed", persist_state="session", on_change=_first)
        chosen["snoozed"] = None if snoozed else False
        kind = st.selectbox(
            "Entity",
            KINDS,
            key="triage.kind",
            persist_state="session",
            disabled=not session.may("look"),
            on_change=_first,
        )
        name = st.text_input(
            "Its token", key="triage.name", persist_state="session", disabled=not session.may("look"), on_change=_first
        )
        if name.strip():
            chosen[kind] = name.strip()
    return chosen


def _first() -> None:
    st.session_state[_PAGES] = []


def _nothing(counts: dict[str, Any]) -> None:
    if counts["open"] + counts["acknowledged"] + counts["closed"] == 0:
        show_empty(
            "No alert was raised yet", "An alert is a payment that was not allowed; the page Now says what comes in."
        )
    elif counts["open"] == 0:
        show_empty("Nothing is open: all alerts were taken", "Choose Taken or All above to see them.")
    else:
        show_empty("No alert is like that", "Choose All above, or take back a filter under More.")


def _table(session: Session, items: list[dict[str, Any]]) -> None:
    shown = [_row(item) for item in items]
    # What is ticked is told by its place: another list is another table, in which nothing is.
    drawn = hashlib.sha256("\n".join(item["event_id"] for item in items).encode()).hexdigest()[:16]
    asked = st.dataframe(
        shown,
        key=f"triage.table.{drawn}.{bulk.done()}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        height=HEIGHT if len(shown) > SHORT else "content",
        column_config={
            "Reasons": st.column_config.TextColumn(width="large"),
            "Score": st.column_config.NumberColumn(format="%.2f", width="small"),
            **{name: st.column_config.TextColumn(width="small") for name in ("Sev", "Decided", "Status")},
        },
        alt="The alerts; select rows to handle them",
    )
    chosen = [items[row] for row in asked["selection"]["rows"]]
    bulk.render(session, items, chosen)


def _row(alert: dict[str, Any]) -> dict[str, Any]:
    status = standing(alert)
    if alert["snoozed_until"]:
        status = f"snoozed to {moment(alert['snoozed_until'])[:-3]}"
    return {
        "Sev": alert["severity"],
        "Decided": alert["action"],
        "Reasons": "; ".join(alert["reasons"]),
        "Amount": money(alert["amount_minor"], alert["currency"]),
        "Card": alert["card_id"],
        "When (UTC)": moment(alert["event_ts"]),
        "Score": alert["model_score"],
        "Whose": alert["assignee"] or "nobody's",
        "Status": status,
    }


def _turn(cursors: list[str], following: str | None) -> None:
    if not cursors and not following:
        return
    with st.container(horizontal=True):
        if st.button("Page before", disabled=not cursors, icon=":material/chevron_left:"):
            cursors.pop()
            st.rerun()
        if st.button("Next page", disabled=not following, icon=":material/chevron_right:"):
            cursors.append(str(following))
            st.rerun()
