"""*Rules*: thresholds with their curves, lists, new rules, what looking back proposes, shadows, publication."""

from __future__ import annotations

import streamlit as st

from dashboards.rules import draft, found, lists, publish, shadow, thresholds
from dashboards.session import Session
from dashboards.view import View

PARTS = {
    "Thresholds": thresholds.render,
    "Lists": lists.render,
    "New rule": draft.render,
    "Found": found.render,
    "Shadow and live": shadow.render,
    "Publish": publish.render,
}


def render(session: Session) -> None:
    """Draw the part that was chosen: the others ask for nothing."""
    st.title("Rules")
    chosen = st.segmented_control(
        "Part", list(PARTS), default="Thresholds", key="rules_part", label_visibility="collapsed"
    )
    PARTS[chosen or "Thresholds"](session)


VIEW = View("Rules", ":material/rule:", "rules", "read", render)
