"""One alert, or one decision without an alert: what it is, why, what surrounds it, and what it turned out to be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from dashboards import around, bulk, graph, labelling, once, reasons
from dashboards.client import ApiError
from dashboards.session import Session
from dashboards.show import badge, faults_shown, moment, money, show_empty, standing
from dashboards.ways import go, link

#: What surrounds a payment, by the name it has on the page.
PARTS: dict[str, Callable[[Session, dict[str, Any]], None]] = {
    "Timeline": around.timeline,
    "Neighbours": around.neighbours,
    "Similar cases": around.similar,
    "What happened next": around.following,
    "All that was known": around.known,
}


def render(session: Session, event_id: str) -> None:
    """Draw the page. Raises ApiError."""
    once.about(event_id)
    found = once.get(session, f"/v1/decisions/{event_id}")
    if found.get("status") == "pending":
        show_empty("This payment waits to be decided", "Draw the page again in a moment.")
        return
    alert = _alert(session, event_id)
    version = alert["version"] if alert else 1
    decision = next((one for one in found["versions"] if one["version"] == version), found["decision"])
    _head(session, found, alert)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        reasons.render(session, decision)
        scored = st.container()
    with right:
        _payment(found)
        labelling.render(session, found, alert)
        if alert is not None:
            _past(alert)
    st.divider()
    part = st.segmented_control(
        "What surrounds it", list(PARTS), default="Timeline", required=True, key="case.part", persist_state="session"
    )
    if part != "All that was known" and not session.may("look"):
        show_empty(
            "This shows whose payments they are, which your key may not see",
            "Ask an administrator for a key with the role investigator.",
        )
    else:
        PARTS[part](session, found)
    with scored, faults_shown():
        reasons.model(session, decision)


def _alert(session: Session, event_id: str) -> dict[str, Any] | None:
    """The alert of the event; None for one that raised none."""
    try:
        return once.get(session, f"/v1/alerts/{event_id}")
    except ApiError as fault:
        if fault.status == 404:
            return None
        raise


def _head(session: Session, found: dict[str, Any], alert: dict[str, Any] | None) -> None:
    event, decision = found["event"], found["decision"]
    back, title, acts = st.columns([1.3, 6, 4], vertical_alignment="center")
    if back.button("Queue", icon=":material/arrow_back:", shortcut="q", help="Back to the queue"):
        go("alerts")
    with title:
        amount = money(event.get("amount_minor"), event.get("currency"))
        st.title(f"{amount} at {event.get('merchant_name') or event.get('merchant_id') or 'a merchant not named'}")
        with st.container(horizontal=True):
            badge(decision["action"])
            if decision["severity"]:
                st.badge(decision["severity"], color="gray")
            if alert is not None:
                if alert["version"] > 1:
                    st.badge(f"{alert['action']} by version {alert['version']}", color="orange")
                whose = alert["assignee"] or "nobody's"
                st.badge(f"{standing(alert)}, {whose}", color="gray")
            verdict = labelling.verdict_of(found)
            if verdict:
                st.badge(f"labelled {verdict}", color="red" if verdict == "fraud" else "green")
    if alert is not None and session.may("triage"):
        with acts:
            _acts(session, alert)


def _acts(session: Session, alert: dict[str, Any]) -> None:
    where = f"/v1/alerts/{alert['event_id']}"
    with st.container(horizontal=True, horizontal_alignment="right"):
        if alert["status"] == "closed":
            if st.button("Reopen"):
                _do(session, f"{where}/reopen", {})
        else:
            if alert["assignee"] != session.owner and st.button("Take", help="Makes it yours"):
                _do(session, f"{where}/assign", {"to": "me"})
            with st.popover("Assign"):
                with st.form("case.assign", border=False):
                    to = st.text_input("To whom", help="The owner of a key")
                    assigned = st.form_submit_button("Assign")
                if assigned and to.strip():
                    _do(session, f"{where}/assign", {"to": to.strip()})
                if alert["assignee"] is not None and st.button("Make it nobody's"):
                    _do(session, f"{where}/assign", {"to": None})
            with st.popover("Snooze"):
                hours = st.number_input("Hours", 1, 24 * 14, 4)
                if st.button("Snooze until then"):
                    until = datetime.now(UTC) + timedelta(hours=hours)
                    _do(session, f"{where}/snooze", {"until": until.isoformat()})
            with st.popover("Close"), st.form("case.close", border=False):
                st.caption("Without a label: what the engine learns from is the label below.")
                how = st.radio("As", bulk.RESOLUTIONS[::-1])
                note = st.text_input("Note", max_chars=1_000)
                if st.form_submit_button("Close it"):
                    _do(session, f"{where}/close", {"resolution": how, "note": note.strip() or None})
        if st.button("Next alert", icon=":material/arrow_forward:", icon_position="right", shortcut="n"):
            _next(session, alert)


def _do(session: Session, path: str, body: dict[str, Any]) -> None:
    with faults_shown():
        session.api.post(path, body)
        once.forget()
        st.rerun()


def _past(alert: dict[str, Any]) -> None:
    """What was done about it, and who was told."""
    with st.expander(f"What was done about it ({len(alert['history'])})"):
        for deed in alert["history"]:
            note = f": {deed['note']}" if deed.get("note") else ""
            st.markdown(f"- {moment(deed['at'])} UTC **{deed['what']}** by {deed['who']}{note}")
        for told in alert["notifications"]:
            at = f", {moment(told['delivered_at'])} UTC" if told["delivered_at"] else ""
            st.markdown(f"- :gray[{told['kind']} to {told['receiver']}: {told['state']}{at}]")


def _next(session: Session, alert: dict[str, Any]) -> None:
    """The most urgent open one that is nobody's or one's own, other than this."""
    for asked in ({"unassigned": True}, {"assignee": "me"}):
        page = session.api.get("/v1/alerts", order="urgent", snoozed=False, status="open", limit=2, **asked)
        for item in page["items"]:
            if item["event_id"] != alert["event_id"]:
                go("payment", event=item["event_id"])
    go("alerts")


def _billed(found: dict[str, Any]) -> str | None:
    """What the card is billed, where that is another currency: reasons and thresholds are of it."""
    event, features = found["event"], found["features"] or {}
    if event.get("billing_currency") in (None, event.get("currency")):
        return None
    return money(features.get("billing_amount_minor"), event["billing_currency"])


def _payment(found: dict[str, Any]) -> None:
    event, decision = found["event"], found["decision"]
    st.subheader("The payment")
    facts = {
        "Made": f"{moment(decision['event_ts'])} UTC",
        "Billed": _billed(found),
        "Where": ", ".join(
            str(event[name])
            for name in ("channel", "entry_mode", "merchant_country", "merchant_city")
            if event.get(name)
        ),
        "Merchant's kind": event.get("mcc"),
        "Issuer's answer": event.get("response_code"),
        "Model's score": None if decision["model_score"] is None else f"{decision['model_score']:.2f}",
    }
    st.markdown("  \n".join(f":gray[{name}] {value}" for name, value in facts.items() if value))
    with st.container(horizontal=True):
        for kind, field in graph.ENTITIES.items():
            name = event.get(field)
            if name:
                link("entity", str(name), icon=graph.ICONS[kind], kind=kind, id=str(name))
