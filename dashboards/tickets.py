"""Who was signed in, over a reload and in other tabs: a ticket in a cookie of the browser, the key here alone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from threading import Lock
from typing import Any

import streamlit as st

#: Seconds that a ticket is good for: a shift.
LASTS_S = 12 * 3600.0
MOST = 10_000
_SCRIPT = """
export default function ({ data }) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const age = data.ticket ? "" : "; Max-Age=0";
  document.cookie = `${data.name}=${data.ticket}; Path=/; SameSite=Strict${secure}${age}`;
}
"""


class Tickets:
    """Keys by ticket, in the memory of the app's server. Threads may share it."""

    def __init__(self, lasts_s: float = LASTS_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._lasts_s, self._clock = lasts_s, clock
        self._keys: dict[str, tuple[float, str]] = {}
        self._lock = Lock()

    def give(self, key: str) -> str:
        """A new ticket for a key."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._keys = {each: kept for each, kept in self._keys.items() if now - kept[0] < self._lasts_s}
            while len(self._keys) >= MOST:
                del self._keys[next(iter(self._keys))]
            self._keys[ticket] = (now, key)
        return ticket

    def key_of(self, ticket: str | None) -> str | None:
        """The key of a ticket; None for one that is over or was never given."""
        with self._lock:
            kept = self._keys.get(ticket or "")
            return kept[1] if kept is not None and self._clock() - kept[0] < self._lasts_s else None

    def take_back(self, ticket: str) -> None:
        """A ticket is good for nothing any more."""
        with self._lock:
            self._keys.pop(ticket, None)


@st.cache_resource
def tickets() -> Tickets:
    """Those of this server."""
    return Tickets()


def brought() -> str | None:
    """The ticket that the browser came with."""
    return st.context.cookies.get(_name())


def hand_out(ticket: str) -> None:
    """Have the browser keep a ticket until it is closed; an empty one takes it away."""
    _component()(data={"name": _name(), "ticket": ticket}, key="ticket")


def _name() -> str:
    # Cookies know no ports: two apps on one machine would take each other's.
    return f"riskwave_{st.get_option('server.port')}"


@st.cache_resource
def _component() -> Any:
    return st.components.v2.component("riskwave_ticket", js=_SCRIPT)
