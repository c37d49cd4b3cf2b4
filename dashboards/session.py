"""Who is signed in. The key is kept in the browser session's memory on the server, and ends with it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import streamlit as st

from dashboards.client import Api, ApiError
from dashboards.show import show_fault

URL = "RISKWAVE_API"
KEY = "RISKWAVE_APP_KEY"
DEFAULT_URL = "http://127.0.0.1:8000"
_KEPT = "session"


@dataclass(frozen=True)
class Session:
    """A person and what their key may do. role: None for a key with scopes alone."""

    api: Api
    owner: str
    role: str | None
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the key has a scope."""
        return scope in self.scopes


def api_url() -> str:
    """Where the API is: RISKWAVE_API, else loopback."""
    return os.environ.get(URL, DEFAULT_URL)


def current() -> Session | None:
    """Who is signed in; by RISKWAVE_APP_KEY or the secret of that name, where there is one."""
    kept = st.session_state.get(_KEPT)
    if isinstance(kept, Session):
        return kept
    given = None if st.session_state.get("signed_out") else os.environ.get(KEY) or _secret()
    if given:
        try:
            return sign_in(given)
        except ApiError as fault:
            show_fault(fault)
    return None


def sign_in(key: str) -> Session:
    """Begin a session with a key. Raises ApiError for one that is not valid."""
    api = Api(api_url(), key.strip())
    me = api.get("/v1/me")
    session = Session(api, me["owner"], me["role"], frozenset(me["scopes"]))
    st.session_state[_KEPT] = session
    return session


def sign_out() -> None:
    """Forget the key and all that was shown with it."""
    st.session_state.clear()
    st.session_state["signed_out"] = True


def ask_key() -> None:
    """The page of somebody who is not signed in."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        st.title("Riskwave")
        st.write("Sign in with your API key. It stays in this browser session and is asked for again after it.")
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
