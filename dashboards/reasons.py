"""Why a payment was decided as it was: in words, rule by rule, and by the model."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards import charts, once, words
from dashboards.client import ApiError
from dashboards.session import Session
from dashboards.show import ACTIONS, ink, plain, show_empty, show_fault

#: As people write them; what stands in a table is Markdown, in which > begins a quotation.
_SIGNS = {"=": "=", "<>": "≠", "<": "\\<", "<=": "≤", ">": "\\>", ">=": "≥"}
_HOLDS = {True: "✓ holds", False: "does not hold", None: "not known"}


def render(session: Session, decision: dict[str, Any]) -> None:
    """Draw it. decision: a version of the event's, the one that is looked at."""
    st.subheader("Why")
    if decision["version"] > 1:
        st.caption(
            f"What was known changed after the payment was decided, by payments that came late: this is why version "
            f"{decision['version']} says {decision['action']}."
        )
    st.markdown("\n".join(f"- **{reason}**" for reason in decision["reasons"]))
    if not decision["reasons"]:
        st.markdown("No rule that acts fired on it.")
    if not session.may("look"):
        show_empty(
            "The rules' values are not shown to your key", "Ask an administrator for a key with the role investigator."
        )
        return
    try:
        why = once.get(
            session, f"/v1/decisions/{decision['event_id']}/explanation", version=decision["version"], model=False
        )
    except ApiError as fault:
        show_fault(fault)
        return
    known = words.features(session)
    if why["changed"]:
        with st.expander(f"What changed since version {decision['version'] - 1} ({len(why['changed'])} features)"):
            rows = [
                {
                    "what it says": f"{words.title(known, name)} :gray[`{name}`]",
                    "before": words.said(known, name, before),
                    "now": words.said(known, name, now),
                }
                for name, (before, now) in why["changed"].items()
            ]
            st.table(rows, border="horizontal", hide_index=True)
    fired = [rule for rule in why["rules"] if rule["fired"]]
    for place, rule in enumerate(fired):
        _rule(known, rule, first=place == 0)
    if not why["agrees"]:
        st.warning("Evaluating the rules of then anew gives something else than was recorded: tell whoever runs it.")


def model(session: Session, decision: dict[str, Any]) -> None:
    """Draw the model's part: slow the first time that a model is asked, so that the page is drawn before."""
    if not decision["model_version"]:
        st.caption("No model scored this payment.")
        return
    st.subheader(f"The model {decision['model_version']}")
    if not session.may("look"):
        st.markdown(f"Score **{decision['model_score']:.2f}**.")
        return
    with st.spinner("Asking the model what raised its score; the first time takes a while"):
        where = f"/v1/decisions/{decision['event_id']}/explanation"
        part = once.get(session, where, version=decision["version"])["model"]
    _model(part)


def _rule(known: words.Features, rule: dict[str, Any], *, first: bool) -> None:
    colour, icon = ACTIONS.get(rule["action"], ("gray", None))
    recorded = " (shadow: recorded only)" if rule["state"] != "live" or rule["held"] else ""
    title = f":{colour}[**{rule['rule']}**] asks for {rule['action']}{recorded}"
    with st.expander(title, expanded=first, icon=icon):
        st.table([_term(known, term) for term in rule["terms"]], border="horizontal", hide_index=True)
        if rule["warming"]:
            st.caption(rule["warming"].capitalize() + ".")


def _term(known: words.Features, term: dict[str, Any]) -> dict[str, str]:
    """A line of a rule: its value against its threshold."""
    against = f"{_SIGNS[term['operator']]} {plain(term['against'])}" if term["operator"] else ""
    said = term["said"].split(f" {term['operator']} ")[0] if term["operator"] else term["said"]
    joined = "or " if term["joined"] == "or" else ""
    gist = f"  \n:gray[{words.title(known, said)}]" if said in known else ""
    points = "".join(f", {plain(part['value'])} for {part['said']}" for part in term["parts"])
    return {
        "Asked": f"{'  ' * term['depth']}{joined}`{said}`{points}{gist}",
        "Value": plain(term["value"]),
        "Against": against,
        "": _HOLDS[term["truth"]],
    }


def _model(part: dict[str, Any]) -> None:
    if part["fault"]:
        show_empty("What raised its score cannot be said", part["fault"])
        return
    st.markdown(f"Score **{part['score']:.2f}**, and it flags from {part['threshold']:.2f}. What raised it most:")
    if part["reasons"]:
        st.altair_chart(charts.raising(part["reasons"], ink()), alt="What raised the model's score")
    else:
        st.caption("Nothing raised it above what is usual.")
