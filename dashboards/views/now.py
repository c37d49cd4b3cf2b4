"""*Now*: what happens this minute."""

from __future__ import annotations

import streamlit as st

from dashboards.session import Session
from dashboards.view import View


def render(session: Session) -> None:
    """Draw the page."""
    status = session.api.get("/v1/status")
    st.metric("Events since the server started", status["events"], border=True)


VIEW = View("Now", ":material/monitoring:", "now", "read", render)
