"""Answers that a page asks for once while it is looked at: each look at an entity is a row of the audit log."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards.session import Session

_KEPT = "once"


def about(subject: str) -> None:
    """Begin to look at something: what was known of the last one is forgotten."""
    kept = st.session_state.get(_KEPT)
    if kept is None or kept[0] != subject:
        st.session_state[_KEPT] = (subject, {})


def forget() -> None:
    """Ask anew: something was changed."""
    st.session_state.pop(_KEPT, None)


def get(session: Session, path: str, **params: Any) -> dict[str, Any]:
    """As Session.api.get, from before where it was asked for before. Raises ApiError."""
    _, answers = st.session_state.setdefault(_KEPT, ("", {}))
    name = (path, tuple(sorted(params.items())))
    if name not in answers:
        answers[name] = session.api.get(path, **params)
    found: dict[str, Any] = answers[name]
    return found
