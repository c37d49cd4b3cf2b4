"""Who is signed in. The key stays in the memory of the app's server; the browser has a ticket for it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import NoReturn

import streamlit as st

from dashboards.client import Api, ApiError
from dashboards.show import show_fault
from dashboards.tickets import brought, hand_out, tickets

URL = "RISKWAVE_API"
KEY = "RISKWAVE_APP_KEY"
DEFAULT_URL = "http://127.0.0.1:8000"
_KEPT = "session"
_WHY = "turned_out"


@dataclass(frozen=True)
class Session:
    """A person and what their key may do. role: None for a key with scopes alone; ticket: None where none is needed."""

    api: Api
    owner: str
    role: str | None
    scopes: frozenset[str]
    ticket: str | None = None

    def may(self, scope: str) -> bool:
        """Whether the key has a scope."""
        return scope in self.scopes


def api_url() -> str:
    """Where the API is: RISKWAVE_API, else loopback."""
    return os.environ.get(URL, DEFAULT_URL)


def current() -> Session | None:
    """Who is signed in: in this tab, else by the ticket that the browser brought, else by RISKWAVE_APP_KEY or the
    secret of that name.
    """
    kept = st.session_state.get(_KEPT)
    if isinstance(kept, Session):
        return kept
    if st.session_state.get("signed_out"):
        return None
    ticket = brought()
    known = tickets().key_of(ticket)
    given = known or os.environ.get(KEY) or _secret()
    if given:
        try:
            return _begin(_session(given, ticket if known else None))
        except ApiError as fault:
            show_fault(fault)
    return None


def sign_in(key: str) -> Session:
    """Begin a session with a key, and give a ticket for it. Raises ApiError for one that is not valid."""
    session = _session(key.strip(), None)
    return _begin(replace(session, ticket=tickets().give(key.strip())))


def keep(session: Session) -> None:
    """Have the browser keep what it signs in by after a reload."""
    if session.ticket is not None:
        hand_out(session.ticket)


def sign_out() -> None:
    """Forget the key and all that was shown with it, also for a reload and for tabs that are opened later."""
    kept = st.session_state.get(_KEPT)
    if isinstance(kept, Session) and kept.ticket is not None:
        tickets().take_back(kept.ticket)
    st.session_state.clear()
    st.session_state["signed_out"] = True


def turned_out(fault: ApiError) -> NoReturn:
    """The key is good no more: to the page that asks for one, which says why."""
    sign_out()
    st.session_state[_WHY] = fault
    st.rerun()
    raise AssertionError("rerun ends the run")


def _session(key: str, ticket: str | None) -> Session:
    api = Api(api_url(), key)
    me = api.get("/v1/me")
    return Session(api, me["owner"], me["role"], frozenset(me["scopes"]), ticket)


def _begin(session: Session) -> Session:
    st.session_state[_KEPT] = session
    st.session_state.pop(_WHY, None)
    return session


def ask_key() -> None:
    """The page of somebody who is not signed in."""
    if st.session_state.get("signed_out"):
        hand_out("")
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        st.title("Riskwave")
        why = st.session_state.get(_WHY)
        if isinstance(why, ApiError):
            show_fault(why)
        st.write("Sign in with your API key. It is asked for again when the browser was closed, or after twelve hours.")
        with st.form("sign-in"):
            key = st.text_input("API key", type="password", placeholder="rwk_…", autocomplete="off")
            asked = st.form_submit_button("Sign in", type="primary")
        st.caption(f"No key yet? Whoever runs the server at {api_url()} makes one:")
        st.code("riskwave keys create ann --role investigator --state bank.duckdb", language="sh")
        if asked and not key.strip():
            st.warning("Paste the key first: it begins with rwk_.")
        elif asked:
            try:
                sign_in(key)
            except ApiError as fault:
                show_fault(fault)
            else:
                st.rerun()


def _secret() -> str | None:
    """From Streamlit's secrets, where there are any."""
    try:
        found = st.secrets.get(KEY)
    except FileNotFoundError:
        return None
    return str(found) if found else None
