"""Ways from page to page, with what the address says of them: `?event=…`, `?kind=card&id=…`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import streamlit as st

_PAGES = "pages"


def remember(pages: dict[str, Any]) -> None:
    """Keep this run's pages, by their path."""
    st.session_state[_PAGES] = pages


def link(path: str, label: str, *, icon: str | None = None, **query: str) -> None:
    """A link to a page; plain text where there is no such page."""
    page = st.session_state.get(_PAGES, {}).get(path)
    if page is None:
        st.markdown(label)
    else:
        st.page_link(page, label=label, icon=icon, query_params=query)


def links(payments: Sequence[str]) -> None:
    """Links to payments, beside each other."""
    with st.container(horizontal=True):
        for event_id in payments:
            link("payment", event_id, icon=":material/receipt_long:", event=event_id)


def go(path: str, **query: str) -> NoReturn:
    """To a page at once."""
    st.switch_page(st.session_state[_PAGES][path], query_params=query)
    raise AssertionError("switch_page ends the run")


def asked(name: str) -> str | None:
    """What the address says."""
    return st.query_params.get(name) or None
