"""What a payment turned out to be: said by people, counted by the engine."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards import once
from dashboards.client import ApiError
from dashboards.session import Session
from dashboards.show import moment, show_fault

VERDICTS = {
    "fraud": "Fraud",
    "legitimate": "Legitimate",
    "unsure": "Unsure",
}
_TOLD = "labelled"


def verdict_of(found: dict[str, Any]) -> str | None:
    """The last verdict on an event; None without one."""
    labels = found["labels"]
    return str(max(labels, key=lambda label: label["arrived_at"])["verdict"]) if labels else None


def render(session: Session, found: dict[str, Any], alert: dict[str, Any] | None) -> None:
    """Draw the form, and what was said before."""
    event_id = found["decision"]["event_id"]
    st.subheader("What it turned out to be")
    told = st.session_state.pop(_TOLD, None)
    if told and told[0] == event_id:
        st.success(told[1], icon=":material/check:")
    for label in {
        (one["verdict"], one.get("note"), one.get("author") or one.get("source")): one for one in found["labels"]
    }.values():
        who = label.get("author") or label.get("source") or "the stream"
        more = f": {label['note']}" if label.get("note") else ""
        scenario = f" ({label['scenario']})" if label.get("scenario") else ""
        st.markdown(f"- **{label['verdict']}**{scenario} by {who}, {moment(label['arrived_at'])}{more}")
    if not session.may("label"):
        st.caption("Your key may not label: that takes the role investigator.")
        return
    # What was typed stays until it is saved; the next label is another form.
    form = f"{event_id}.{len(found['labels'])}"
    with st.form(f"label.{form}", border=False):
        verdict = st.segmented_control(
            "Verdict", list(VERDICTS), format_func=VERDICTS.__getitem__, key=f"label.verdict.{form}"
        )
        note = st.text_input("Note", key=f"label.note.{form}", placeholder="Who said so, and how: no card numbers")
        closes = alert is not None and alert["status"] != "closed" and session.may("triage")
        close = closes and st.checkbox("Close the alert with it", value=True, key=f"label.close.{form}")
        asked = st.form_submit_button("Save the label", type="primary")
    if asked and verdict is None:
        st.warning("Choose a verdict first.")
    elif asked:
        _save(session, found, str(verdict), note.strip() or None, close=close)


def _save(session: Session, found: dict[str, Any], verdict: str, note: str | None, *, close: bool) -> None:
    event_id, card = found["decision"]["event_id"], found["decision"]["card_id"]
    try:
        session.api.post("/v1/labels", {"event_id": event_id, "verdict": verdict, "note": note})
    except ApiError as fault:
        show_fault(fault)
        return
    told = f"Labelled {verdict}."
    if close:
        try:
            session.api.post(f"/v1/alerts/{event_id}/close", {"resolution": verdict, "note": note})
        except ApiError as fault:
            # Somebody else did meanwhile: the label is kept all the same, and the page says how things stand.
            told += f" The alert stays as it is: {fault.detail}."
    if verdict == "unsure":
        told += " Kept for people; the engine does not count it."
    elif session.may("look"):
        frauds = session.api.get(f"/v1/entities/card/{card}")["frauds"]
        told += f" It counts from now on: {frauds:,} of this card's payments are labelled as fraud."
    st.session_state[_TOLD] = (event_id, told)
    once.forget()
    st.rerun()
