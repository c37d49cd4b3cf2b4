"""The app's frame: sign-in, navigation, and one place where faults are shown. Started by `riskwave app`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboards import ways
from dashboards.client import ApiError
from dashboards.registry import VIEWS
from dashboards.session import Session, ask_key, current, keep, sign_out, turned_out
from dashboards.show import show_fault
from dashboards.view import View

SIDEBAR = 210  # pixels
#: What the theme cannot say: a laptop's screen is for figures and not for margins.
STYLE = """
.stMainBlockContainer { padding-left: 2rem; padding-right: 2rem; padding-bottom: 2rem; }
/* What is drawn anew every few seconds does not fade meanwhile. */
.st-key-live [data-stale="true"] { opacity: 1 !important; }
"""


def main() -> None:
    """Draw what the address asks for."""
    st.set_page_config(
        page_title="Riskwave",
        page_icon=str(Path(__file__).with_name("icon.svg")),
        layout="wide",
        initial_sidebar_state=SIDEBAR,
    )
    st.html(f"<style>{STYLE}</style>")
    session = current()
    if session is None:
        # The pages are named all the same, so that an address that was kept leads there after signing in.
        pages = [
            st.Page(ask_key, title=view.title, url_path=view.path, default=not at) for at, view in enumerate(VIEWS)
        ]
        st.navigation(pages, position="hidden").run()
        return
    pages = [
        st.Page(
            _drawing(view, session),
            title=view.title,
            icon=view.icon,
            url_path=view.path,
            default=not at,
            visibility="visible" if view.listed else "hidden",
        )
        for at, view in enumerate(VIEWS)
    ]
    ways.remember({view.path: page for view, page in zip(VIEWS, pages, strict=True)})
    page = st.navigation(pages)
    with st.sidebar:
        st.caption(f"{session.owner}, {session.role or 'a key of its own'}")
        st.button("Sign out", icon=":material/logout:", on_click=sign_out)
        keep(session)
    page.run()


def _drawing(view: View, session: Session) -> Callable[[], None]:
    """A page that says what to do when it cannot be drawn."""

    def draw() -> None:
        if not session.may(view.scope):
            role = session.role or "its scopes"
            show_fault(
                ApiError(
                    403,
                    f"{view.title} takes the scope {view.scope}, which your key ({role}) has not",
                    "Ask an administrator for a key with a role that has it; docs/api.md lists them.",
                )
            )
            return
        try:
            view.render(session)
        except ApiError as fault:
            if fault.status == 401:
                turned_out(fault)
            show_fault(fault)
            st.button("Try again", icon=":material/refresh:")

    return draw


main()
