"""Lists that rules look values up in: what is on them, put there and taken off while payments flow."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from dashboards import graph
from dashboards.session import Session
from dashboards.show import faults_shown, is_said, moment, show_empty
from dashboards.ways import link

SPANS = {"For good": None, "For a day": 1, "For a week": 7, "For 30 days": 30, "For 90 days": 90}
#: The kind of entity that a column names, where the app has a page of it.
KINDS = {field: kind for kind, field in graph.ENTITIES.items()}
NAMED = {
    "card_id": "A card's token",
    "device_id": "A device",
    "ip": "An address, or a network such as 203.0.113.0/24",
    "merchant_id": "A merchant",
    "merchant_country": "A country, such as GB",
}
_ASKED = re.compile(r"in_list\('([^']+)',\s*(\w+)\)")
_DONE = "lists.done"


def render(session: Session) -> None:
    """Choose a list, see what is on it, change it."""
    if not session.may("look"):
        show_empty("Lists hold cards' tokens, which your key may not see.", "It takes the role investigator.")
        return
    asked = _asked(session)
    entries = session.api.get("/v1/lists")["items"]
    names = sorted({*asked, *(entry["list_name"] for entry in entries)})
    if not names:
        show_empty("No rule looks a value up.", "Write one with `in_list('block_card', card_id)`: see *New rule*.")
        return
    done = st.session_state.pop(_DONE, None)
    if done:
        st.success(done, icon=":material/check:")
    # Without how many are on each: an option that reads otherwise is another one, and the choice would be lost.
    name = st.selectbox("List", names, key="lists.name")
    by = asked.get(name, [])
    said = [f"**{rule}** ({action}) looks `{column}` up" for rule, action, column in by]
    st.markdown("; ".join(said) + "." if said else "No rule that decides looks a value up in it.")
    own = [entry for entry in entries if entry["list_name"] == name]
    _table(own, by[0][2] if by else None)
    if not session.may("tune"):
        st.caption("Changing it takes the scope tune: ask an analyst.")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        _add(session, name, by[0][2] if by else "value")
    with right:
        _remove(session, name, own)


def _asked(session: Session) -> dict[str, list[tuple[str, str, str]]]:
    """The rules that look values up, by list: their name, action, and the column."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for rule in session.api.get("/v1/rules")["rules"]:
        for name, column in _ASKED.findall(rule["when"]):
            found.setdefault(name, []).append((rule["rule"], rule["action"], column))
    return found


def _table(own: list[dict[str, Any]], column: str | None) -> None:
    if not own:
        show_empty("Nothing is on it.", "What is put on it below counts from the next payment on.")
        return
    rows = [
        {
            "Value": entry["value"],
            "Why": entry["reason"],
            "Until (UTC)": _until(entry),
            "Since (UTC)": moment(entry["since"]),
            "By": entry["author"],
        }
        for entry in own
    ]
    chosen = st.dataframe(
        rows,
        key=f"lists.table.{own[0]['list_name']}",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height="content" if len(rows) <= 12 else 400,
        alt="Entries of the list; select one to see whose it is",
    )
    kind = KINDS.get(column or "")
    for place in chosen["selection"]["rows"]:
        value = rows[place]["Value"] if place < len(rows) else None
        if kind and value and "/" not in value:
            link("entity", f"See {kind} {value}", icon=":material/hub:", kind=kind, id=value)


def _until(entry: dict[str, Any]) -> str:
    if entry["expires_at"] is None:
        return "for good"
    return f"{moment(entry['expires_at'])}{', over' if entry['expired'] else ''}"


def _add(session: Session, name: str, column: str) -> None:
    with st.form("lists.add", clear_on_submit=True):
        st.markdown("**Put on it**")
        value = st.text_input(NAMED.get(column, f"A {column}"), max_chars=1_000)
        span = st.selectbox("Until when", list(SPANS))
        why = st.text_input("Why", max_chars=1_000, placeholder="card testing from here")
        asked = st.form_submit_button("Put on the list", type="primary")
    if not asked or not is_said(why):
        return
    if not value.strip():
        st.warning("Say what is to be put on it.", icon=":material/edit:")
        return
    days = SPANS[span]
    until = None if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat()
    with faults_shown():
        body = {"value": value.strip(), "reason": why.strip(), "expires_at": until}
        done = session.api.post(f"/v1/lists/{name}/entries", body)
        _say(f"{value.strip()} is on {name}", done)


def _remove(session: Session, name: str, own: list[dict[str, Any]]) -> None:
    with st.form("lists.remove", clear_on_submit=True):
        st.markdown("**Take off it**")
        value = st.selectbox(
            "Which", [entry["value"] for entry in own], index=None, placeholder="Choose or type", key="lists.which"
        )
        why = st.text_input("Why", max_chars=1_000, placeholder="the cardholder called", key="lists.why")
        asked = st.form_submit_button("Take off the list", disabled=not own)
    if not asked or not is_said(why):
        return
    if value is None:
        st.warning("Choose which.", icon=":material/edit:")
        return
    with faults_shown():
        _say(f"{value} is off {name}", session.api.delete(f"/v1/lists/{name}/entries", value=value, why=why.strip()))


def _say(what: str, done: dict[str, Any]) -> None:
    version = done["control_version"]
    st.session_state[_DONE] = f"{what}, live from the next payment on: control version {version}"
    st.rerun()
