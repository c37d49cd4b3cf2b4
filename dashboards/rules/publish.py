"""Rulesets and their states: publish, approve, promote, end, roll back."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards.client import ApiError
from dashboards.jobs import outcome
from dashboards.rules.draft import show_backtest
from dashboards.rules.written import changes
from dashboards.session import Session
from dashboards.show import is_said, moment, show_empty, show_fault

ORDER = ("live", "canary", "shadow", "draft", "retired")
SHOWN = 30


def render(session: Session) -> None:
    """Every ruleset, and what can be done with one."""
    done = st.session_state.pop("publish_done", None)
    if done:
        st.success(done, icon=":material/check:")
    waiting = session.api.get("/v1/approvals")["items"]
    for one in waiting:
        st.info(
            f"**{one['revision']}** waits to be {one['state']}: {one['author']} asked, {moment(one['requested_at'])} "
            f"UTC: {one['why']}",
            icon=":material/how_to_reg:",
        )
    known = sorted(session.api.get("/v1/rulesets")["items"], key=lambda one: ORDER.index(one["state"]))[:SHOWN]
    st.dataframe(
        [
            {
                "ruleset": one["revision"],
                "state": f"{one['state']} {one['share']:.0%}" if one["share"] else one["state"],
                "waits to be": one["waits_for"] or "",
                "rules": one["rules"],
                "made by": one["author"],
                "why": one["why"],
                "made (UTC)": moment(one["created_at"]),
            }
            for one in known
        ],
        hide_index=True,
    )
    names = [one["revision"] for one in known if one["state"] != "live"]
    if not names:
        show_empty("There is nothing beside what decides.", "Write a rule under *New rule* and keep it as a draft.")
    else:
        pending = {one["revision"]: one for one in waiting}
        # What waits for somebody is what they came for.
        names.sort(key=lambda name: name not in pending)
        if st.session_state.get("publish_revision") not in names:
            st.session_state.pop("publish_revision", None)
        named = st.selectbox("Ruleset", names, key="publish_revision", format_func=lambda name: _named(name, known))
        _beside(session, named)
        _act(session, next(one for one in known if one["revision"] == named), pending.get(named))
    _back(session, known)


def _named(name: str, known: list[dict[str, Any]]) -> str:
    one = next(one for one in known if one["revision"] == name)
    return f"{name}, {one['state']}: {one['why']}"


def _beside(session: Session, named: str) -> None:
    """What it changes, and what that would have done."""
    live = session.api.get("/v1/rules")["rules"]
    rows = changes(live, session.api.get(f"/v1/rulesets/{named}")["rules"])
    if rows:
        st.caption("Beside what decides now:")
        st.dataframe(rows, hide_index=True)
    else:
        st.caption("It has the rules that decide now.")
    if not session.may("try"):
        return
    body = {"work": "backtest", "rules": named, "against": "live", "days": 30}
    if st.button("Try it on the last 30 days", icon=":material/history:"):
        st.session_state["publish_tried"] = named
    if st.session_state.get("publish_tried") == named:
        found = outcome(session, "publish", body)
        if found is not None:
            show_backtest(found)


def _act(session: Session, one: dict[str, Any], pending: dict[str, Any] | None) -> None:
    """What this key may do with it."""
    path = f"/v1/rulesets/{one['revision']}"
    offered: dict[str, tuple[str, dict[str, Any]]] = {}
    if session.may("draft") and pending is None:
        if one["state"] in ("draft", "retired"):
            offered |= {
                "Publish as a shadow": (f"{path}/publish", {"state": "shadow"}),
                "Publish as a canary": (f"{path}/publish", {"state": "canary"}),
                "Publish": (f"{path}/publish", {"state": "live"}),
            }
        elif one["state"] in ("canary", "shadow"):
            offered["Make it decide"] = (f"{path}/promote", {})
    if session.may("approve"):
        if pending is not None and pending["author"] != session.owner:
            offered[f"Approve: {pending['state']}"] = (f"{path}/approve", {})
        if one["state"] != "retired":
            offered["End it"] = (f"{path}/retire", {})
    if pending is not None and pending["author"] == session.owner:
        st.caption("You asked for this: another person approves it.")
    if not offered:
        return
    # Another ruleset, or another state of it, is another form: what was typed for one is not sent for the next.
    form = f"{one['revision']}.{one['state']}.{pending is not None}"
    with st.form(f"act.{form}", border=True):
        left, middle, right = st.columns([2, 3, 1], vertical_alignment="bottom")
        chosen = left.selectbox("What to do", list(offered), key=f"act.what.{form}")
        why = middle.text_input("Why", max_chars=1_000, placeholder="what made you sure", key=f"act.why.{form}")
        asked = right.form_submit_button("Do it", type="primary", width="stretch")
        canary = "Publish as a canary" in offered
        part = st.slider("Share of the cards, for a canary", 1, 50, 10, format="%d%%") if canary else 0
    if asked:
        where, body = offered[chosen]
        more = {"share": part / 100} if body.get("state") == "canary" else {}
        _do(session, where, {**body, **more, "why": why})


def _back(session: Session, known: list[dict[str, Any]]) -> None:
    if not session.may("approve"):
        return
    live = next((one["revision"] for one in known if one["state"] == "live"), "")
    with st.expander("Roll back", icon=":material/undo:"), st.form(f"back.{live}", border=False):
        st.caption(
            f"{live} decides now. The ruleset that was live before it is live again at once, with the values it had."
        )
        words, button = st.columns([4, 1], vertical_alignment="bottom")
        why = words.text_input("Why", max_chars=1_000, placeholder="challenges half of Spain", key=f"back.why.{live}")
        if button.form_submit_button("Roll back", width="stretch"):
            _do(session, "/v1/rulesets:rollback", {"why": why})


def _do(session: Session, path: str, body: dict[str, Any]) -> None:
    if not is_said(body["why"]):
        return
    try:
        done = session.api.post(path, body)
    except ApiError as fault:
        show_fault(fault)
        return
    said = f"{done['revision']} waits to be {done['state']}: another person approves it"
    if not done["pending"]:
        version = done["control_version"]
        said = f"{done['revision']} is {done['state']}, from the next payment on: control version {version}"
    st.session_state["publish_done"] = said
    st.rerun()
