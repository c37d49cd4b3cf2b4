"""What is done to the alerts that are selected in the queue: opened, taken, assigned, snoozed, closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from dashboards.client import ApiError
from dashboards.session import Session
from dashboards.show import money
from dashboards.ways import go

SNOOZES = {"1 hour": 1, "4 hours": 4, "1 day": 24, "1 week": 168}
RESOLUTIONS = ("fraud", "legitimate", "unsure", "duplicate")
_TOLD = "bulk.told"
_DONE = "bulk.done"


def render(session: Session, items: list[dict[str, Any]], chosen: list[dict[str, Any]]) -> None:
    """Draw the bar under the table. items: of the page; chosen: those that are selected."""
    for line, fine in st.session_state.pop(_TOLD, []):
        (st.success if fine else st.warning)(line)
    one, *more = st.columns([2.6, 1, 1, 1, 1, 1], vertical_alignment="bottom")
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
    if more[0].button(
        "Open", type="primary", icon=":material/open_in_new:", width="stretch", shortcut="o", disabled=first is None
    ):
        go("payment", event=str(first))
    if opened and opened != first:
        go("payment", event=opened)
    if not session.may("triage"):
        st.caption("Your key may look at alerts and not handle them: that takes the role investigator.")
        return
    ids = [item["event_id"] for item in chosen]
    none = not ids
    many = f" {len(ids)}" if len(ids) > 1 else ""

    # What a button does is settled when it is drawn: it is done to the alerts that were ticked then, also where the
    # queue has moved on meanwhile.
    def does(deed: str) -> dict[str, Any]:
        return {"on_click": _do, "args": (session, ids, deed)}

    more[1].button(f"Take{many}", disabled=none, width="stretch", help="Makes them yours", **does("acknowledge"))
    with more[2].popover(f"Assign{many}", disabled=none, width="stretch"), st.form("bulk.assign", border=False):
        st.text_input("To whom", key="bulk.to", help="The owner of a key; `me` for yourself")
        st.form_submit_button("Assign", **does("assign"))
    with more[3].popover(f"Snooze{many}", disabled=none, width="stretch"), st.form("bulk.snooze", border=False):
        st.radio("For", list(SNOOZES), key="bulk.span")
        st.form_submit_button("Snooze", **does("snooze"))
    with more[4].popover(f"Close{many}", disabled=none, width="stretch"), st.form("bulk.close", border=False):
        st.radio("As", RESOLUTIONS, key="bulk.resolution")
        st.text_input("Note", key="bulk.note")
        st.caption("Closing says nothing to the engine: label an alert that you open.")
        st.form_submit_button("Close", **does("close"))


def done() -> int:
    """How often something was done to alerts here."""
    return int(st.session_state.get(_DONE, 0))


def _do(session: Session, ids: list[str], deed: str) -> None:
    """Do it to each; what became of them is said once the queue is drawn anew."""
    kept = st.session_state
    what: dict[str, Any] = {"do": deed}
    if deed == "assign":
        what["to"] = kept["bulk.to"].strip()
        if not what["to"]:
            kept[_TOLD] = [("Say whom to assign to: the owner of a key, or `me`.", False)]
            return
    elif deed == "snooze":
        what["until"] = (datetime.now(UTC) + timedelta(hours=SNOOZES[kept["bulk.span"]])).isoformat()
    elif deed == "close":
        what |= {"resolution": kept["bulk.resolution"], "note": kept["bulk.note"].strip() or None}
    try:
        results = session.api.post("/v1/alerts:bulk", {"event_ids": ids, **what})["items"]
    except ApiError as fault:
        kept[_TOLD] = [(f"{fault.detail} {fault.todo}", False)]
        return
    fine = sum(result["status"] == "done" for result in results)
    told = [(f"{deed}: done to {fine} of {len(ids)} alerts.", True)] if fine else []
    told += [(f"{result['event_id']}: {result['fault']}", False) for result in results if result["status"] != "done"]
    kept[_TOLD] = told
    kept[_DONE] = done() + 1


def _said(alert: dict[str, Any]) -> str:
    amount = money(alert["amount_minor"], alert["currency"])
    return f"{alert['severity']} {alert['action']}, {amount}, card {alert['card_id']}, {alert['event_id']}"
