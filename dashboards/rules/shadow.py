"""What is in the shadow beside what decided."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards.figures import share
from dashboards.jobs import forget, outcome
from dashboards.session import Session
from dashboards.show import show_empty
from dashboards.ways import links


def render(session: Session) -> None:
    """What shadows would have done otherwise, by what was recorded while payments flowed."""
    if not session.may("try"):
        show_empty("Comparing takes the scope try.", "Analysts and approvers have it: ask for such a key.")
        return
    shadows = [one for one in session.api.get("/v1/rulesets")["items"] if one["state"] == "shadow"]
    silent = [rule for rule in session.api.get("/v1/rules")["rules"] if rule["state"] == "shadow"]
    if not shadows and not silent:
        show_empty(
            "Nothing is in the shadow.",
            "Publish a draft as a shadow: it is evaluated on every payment and acts on none. Come back when some have "
            "been decided.",
        )
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    days = right.selectbox("Decided in", [1, 7, 30], index=1, format_func=lambda n: f"the last {n} days")
    if left.button("Compare again", icon=":material/refresh:"):
        forget("shadow")
    found = outcome(session, "shadow", {"work": "compare", "days": days})
    for one in [] if found is None else found["rulesets"]:
        _ruleset(one)


def _ruleset(one: dict[str, Any]) -> None:
    named = "Shadow rules of what decides" if one["ruleset"] == "live" else one["ruleset"]
    st.subheader(named)
    shown: tuple[tuple[str, int, str, Any], ...] = (
        ("Events", one["events"], "decided meanwhile", "off"),
        ("It would flag", one["flagged"], f"{one['flagged'] - one['live_flagged']:+,} beside what decided", "off"),
        (
            "Flagged by it alone",
            one["more"],
            f"{one['more_frauds']:,} frauds",
            "normal" if one["more_frauds"] else "off",
        ),
        (
            "Let go by it alone",
            one["less"],
            f"{one['less_frauds']:,} frauds",
            "inverse" if one["less_frauds"] else "off",
        ),
    )
    for column, (title, value, beside, colour) in zip(st.columns(4), shown, strict=True):
        column.metric(title, f"{value:,}", beside, delta_color=colour, delta_arrow="off", border=True)
    rows = [
        {
            "rule": rule["rule"],
            "fired": rule["fired"],
            "in the shadow alone": rule["added"],
            "of them frauds": rule["added_frauds"],
            "precision of those": share(rule["added_frauds"] / rule["added"] if rule["added"] else None),
            "allowed by what decides": rule["allowed"],
            "dropped": rule["dropped"],
        }
        for rule in one["rules"]
        if rule["added"] or rule["dropped"]
    ]
    if rows:
        st.dataframe(rows, hide_index=True, alt="Rules that would have fired otherwise")
        named = {rule["rule"]: rule["examples"] for rule in one["rules"] if rule["examples"]}
        if named:
            rule = st.selectbox("Examples of", list(named), key=f"shadow_examples_{one['ruleset']}")
            links(named[rule])
    else:
        st.caption("Every rule fired where it fired in what decided.")
