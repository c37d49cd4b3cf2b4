"""What pages share: faults, empty places, money, times, tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboards.client import ApiError

#: How an action looks: a Streamlit colour, and a symbol for those who do not tell colours apart.
ACTIONS = {
    "allow": ("green", ":material/check:"),
    "challenge": ("blue", ":material/help:"),
    "review": ("orange", ":material/visibility:"),
    "block": ("red", ":material/block:"),
}
#: Currencies with another number of decimals than two.
_DECIMALS = {"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}


def show_fault(fault: ApiError) -> None:
    """What went wrong, and what to do."""
    st.error(f"**{fault.detail}**\n\n{fault.todo}", icon=":material/error:")


@contextmanager
def faults_shown() -> Iterator[None]:
    """Show what the API does not do, instead of what was to be drawn: for parts that are drawn by themselves."""
    try:
        yield
    except ApiError as fault:
        if fault.status == 401:
            from dashboards.session import turned_out

            turned_out(fault)
        show_fault(fault)


def is_said(why: str) -> bool:
    """Whether a reason was given; asked for where it was not."""
    if why.strip():
        return True
    st.warning("Say in a few words why: it is kept in the audit.", icon=":material/edit:")
    return False


def standing(alert: dict[str, Any]) -> str:
    """How an alert stands, as people say it: open, taken, or what it turned out to be."""
    return str(alert["resolution"] or {"acknowledged": "taken"}.get(alert["status"], alert["status"]))


def show_empty(what: str, todo: str) -> None:
    """A place with nothing in it: what is not there, and what would bring it."""
    st.info(f"**{what}**\n\n{todo}", icon=":material/info:")


def money(minor: int | None, currency: str | None = None) -> str:
    """An amount in minor units as people write it: 1234 EUR is 12.34 EUR."""
    if minor is None:
        return "not known"
    places = decimals(currency)
    return f"{minor / 10**places:,.{places}f} {currency or ''}".rstrip()


def decimals(currency: str | None) -> int:
    """How many decimals a currency has."""
    return _DECIMALS.get(currency or "", 2)


def moment(text: str | None) -> str:
    """A time of the API as people read it, UTC."""
    if not text:
        return "not known"
    return parsed(text).strftime("%d %b %Y %H:%M:%S")


def parsed(text: str) -> datetime:
    """A time of the API."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def plain(value: Any) -> str:
    """A value of a feature as people read it."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:,.4f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def badge(action: str) -> None:
    """An action as a coloured word with its symbol."""
    colour, icon = ACTIONS.get(action, ("gray", ":material/question_mark:"))
    st.badge(action, icon=icon, color=colour)  # type: ignore[arg-type]


def ink() -> str:
    """The colour of words in the theme that is on, for what is drawn by hand."""
    return "#e6ebf1" if st.context.theme.type == "dark" else "#1c2530"
