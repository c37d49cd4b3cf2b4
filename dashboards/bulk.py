"""What is done to the alerts that are selected in the queue: opened, taken, assigned, snoozed, closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from dashboards.client import ApiError
from dashboards.session import Session
from dashboards.show import money, show_fault
from dashboards.ways import go

SNOOZES = {"1 hour": 1, "4 hours": 4, "1 day": 24, "1 week": 168}
RESOLUTIONS = ("fraud", "legitimate", "unsure", "duplicate")
_TOLD = "bulk.told"


def render(session: Session, items: list[dict[str, Any]], chosen: list[dict[str, Any]]) -> None:
    """Draw the bar under the table. items: of the page; chosen: those that are selected."""
    for line, fine in st.session_state.pop(_TOLD, []):
        (st.success if fine else st.warning)(line)
    one, *more = st.columns([3, 1, 1, 1, 1], vertical_alignment="bottom")
    # A list that is typed into: the way to an alert by the keyboard.
    names = {item["event_id"]: item for item in items}
    first = chosen[0]["event_id"] if len(chosen) == 1 else None
    opened = one.selectbox(
        "Open an alert",
        list(names),
        index=list(names).index(first) if first else None,
        format_func=lambda name: _said(names[name]),
        placeholder="Select one row above, or type here",
        key=f"bulk.open.{first}",
    )
    if first and more[0].button("Open", type="primary", icon=":material/open_in_new:", width="stretch", shortcut="o"):
        go("alerts", event=first)
    if opened and opened != first:
        go("alerts", event=opened)
    if not session.may("triage"):
        st.caption("Your key may look at alerts and not handle them: that takes the role investigator.")
        return
    ids = [item["event_id"] for item in chosen]
    none = not ids
    many = f" {len(ids)}" if len(ids) > 1 else ""
    if not first and more[0].button(f"Take{many}", disabled=none, width="stretch", help="Makes them yours"):
        _do(session, ids, do="acknowledge")
    with more[1].popover(f"Assign{many}", disabled=none, width="stretch"):
        to = st.text_input("To whom", key="bulk.to", help="The owner of a key; `me` for yourself")
        if st.button("Assign", disabled=not to.strip()):
            _do(session, ids, do="assign", to=to.strip())
    with more[2].popover(f"Snooze{many}", disabled=none, width="stretch"):
        span = st.radio("For", list(SNOOZES), key="bulk.span")
        if st.button("Snooze"):
            until = datetime.now(UTC) + timedelta(hours=SNOOZES[span])
            _do(session, ids, do="snooze", until=until.isoformat())
    with more[3].popover(f"Close{many}", disabled=none, width="stretch"):
        resolution = st.radio("As", RESOLUTIONS, key="bulk.resolution")
        note = st.text_input("Note", key="bulk.note")
        st.caption("Closing says nothing to the engine: label an alert that you open.")
        if st.button("Close"):
            _do(session, ids, do="close", resolution=resolution, note=note.strip() or None)


def _do(session: Session, ids: list[str], **what: Any) -> None:
    """Do it to each, and say what became of them once the queue is drawn anew."""
    try:
        results = session.api.post("/v1/alerts:bulk", {"event_ids": ids, **what})["items"]
    except ApiError as fault:
        show_fault(fault)
        return
    done = sum(result["status"] == "done" for result in results)
    told = [(f"{what['do']}: done to {done} of {len(ids)} alerts.", True)] if done else []
    told += [(f"{result['event_id']}: {result['fault']}", False) for result in results if result["status"] != "done"]
    st.session_state[_TOLD] = told
    st.rerun()


def _said(alert: dict[str, Any]) -> str:
    amount = money(alert["amount_minor"], alert["currency"])
    return f"{alert['severity']} {alert['action']}, {amount}, card {alert['card_id']}, {alert['event_id']}"
