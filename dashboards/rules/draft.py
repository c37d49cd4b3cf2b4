"""A new rule: written or put together, checked at once, tried on history, kept as a draft."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards.client import ApiError
from dashboards.editor import edit
from dashboards.figures import share, tiles, whole_money
from dashboards.jobs import outcome
from dashboards.rules import form
from dashboards.session import Session
from dashboards.show import is_said, show_fault

FIRST = """\
rules:
  - rule: many_small_payments
    when: card_txn_count_10m >= :least and amount_minor < :small
    thresholds: {least: 4, small: 2000}
    action: review
    severity: P2
    reason: "{card_txn_count_10m} payments in 10 minutes, this one of {amount_minor:money}"
    owner: fraud-team
    cases:
      - given: {card_txn_count_10m: 4, amount_minor: 1500}
        expect: fired
"""


def render(session: Session) -> None:
    """Write a rule, see what it would do, keep it."""
    words = session.api.get("/v1/rules/words")["items"]
    how = st.segmented_control("Write it", ["By a form", "As text"], default="By a form", key="draft_how")
    if how == "By a form":
        text = form.render(words, session.owner)
        if text is None:
            return
        st.code(text, language="yaml")
        if st.button("Go on as text", icon=":material/edit_note:", on_click=as_text, args=(text,)):
            st.rerun()
    else:
        st.caption(
            "Names are proposed while you write: arrows choose, Tab or Enter takes one. It joins those that decide."
        )
        proposed = [{"name": word["name"], "said": _said(word)} for word in words]
        version = st.session_state.setdefault("draft_version", 0)
        text = edit(st.session_state.setdefault("draft_text", FIRST), proposed, key="draft", version=version)
    if _sound(session, text):
        _try(session, text)


def as_text(text: str) -> None:
    """Put a text into the editor."""
    st.session_state["draft_text"] = text
    st.session_state["draft_version"] = st.session_state.get("draft_version", 0) + 1
    st.session_state["draft_how"] = "As text"


def _said(word: dict[str, Any]) -> str:
    unit = f", {word['unit']}" if word["unit"] else ""
    return f"{word['type']}{unit}: {word['description']}" if word["kind"] == "column" else word["description"]


def _sound(session: Session, text: str) -> bool:
    """Check it, and show what is wrong where."""
    if not session.may("draft"):
        st.caption("Checking and keeping a draft takes the scope draft: ask for a key of an analyst.")
        return False
    found = session.api.post("/v1/rulesets:check", {"text": text, "into": "live"})
    if not found["faults"]:
        st.success(
            f"It is sound, and the cases that it has hold. With those that decide it makes {found['rules']} rules: "
            f"{found['revision']}.",
            icon=":material/check:",
        )
        return True
    for fault in found["faults"][:5]:
        place = ", ".join(part for part in (fault["rule"], fault["field"]) if part)
        fix = f"\n\n**{fault['fix'][0].upper()}{fault['fix'][1:]}**" if fault["fix"] else ""
        st.error(
            f"Line {fault['line']}{f' ({place})' if place else ''}: {fault['detail']}{fix}", icon=":material/error:"
        )
    return False


def _try(session: Session, text: str) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    days = right.selectbox("History", [7, 30, 90], index=1, format_func=lambda n: f"{n} days", key="draft_days")
    asked = left.button("Try it on history", icon=":material/history:", type="primary")
    body = {"work": "backtest", "text": text, "into": "live", "against": "live", "days": days}
    if asked:
        st.session_state["draft_tried"] = body
    if st.session_state.get("draft_tried") == body:
        found = outcome(session, "draft", body)
        if found is not None:
            show_backtest(found)
    _keep(session, text)


def show_backtest(found: dict[str, Any]) -> None:
    """A ruleset beside the one that decides."""
    side, other = found["side"], found["against"]
    tiles(side["counted"], side["saved"], other["counted"], other["saved"])
    caught, released = found["caught"], found["released"]
    st.caption(
        f"{found['events']:,} events, {found['frauds']:,} of them frauds by labels so far. {caught['events']:,} events "
        f"would be flagged that are not now, {caught['frauds']:,} of them frauds of {whole_money(caught['money'])}; "
        f"{released['events']:,} would be let go, {released['frauds']:,} of them frauds."
    )
    rows = [
        {
            "rule": rule["rule"],
            "action": rule["action"],
            "fires": rule["counted"]["flagged"],
            "frauds": rule["counted"]["flagged_frauds"],
            "precision": share(rule["counted"]["precision"]),
            "only it flags": rule["adds"]["flagged"],
            "of them frauds": rule["adds"]["flagged_frauds"],
            "warming": "yes" if rule["warming"] else "",
        }
        for rule in sorted(found["rules"], key=lambda rule: -rule["counted"]["flagged"])
        if rule["counted"]["flagged"]
    ]
    st.dataframe(rows, hide_index=True, height=240)
    if caught["ids"]:
        with st.expander(f"Events it would flag besides ({caught['events']:,})"):
            frauds = set(caught["fraud_ids"])
            st.dataframe(
                [{"event": id_, "fraud": "yes" if id_ in frauds else ""} for id_ in caught["ids"]], hide_index=True
            )


def _keep(session: Session, text: str) -> None:
    with st.form("keep_draft", border=False):
        words, button = st.columns([4, 1], vertical_alignment="bottom")
        why = words.text_input("Why", placeholder="card testing since Monday", max_chars=1_000)
        asked = button.form_submit_button("Keep as draft", width="stretch")
    if not asked or not is_said(why):
        return
    try:
        made = session.api.post("/v1/rulesets", {"text": text, "into": "live", "why": why})
    except ApiError as fault:
        show_fault(fault)
        return
    st.session_state["publish_revision"] = made["revision"]
    st.success(f"{made['revision']} is a draft. *Publish* gives it a state.", icon=":material/check:")
