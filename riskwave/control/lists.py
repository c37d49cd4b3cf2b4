"""Edits of lists, and their entries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

from riskwave.control.store import Control
from riskwave.errors import RiskwaveError

_SPAN = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Entry:
    """An entry of a list. expires_at, since: UTC; author: who put it in."""

    list_name: str
    value: str
    reason: str | None
    expires_at: str | None
    expired: bool
    since: str
    author: str


def add_entry(
    control: Control,
    list_name: str,
    value: str,
    *,
    reason: str,
    expires_at: datetime | None = None,
    author: str | None = None,
) -> int:
    """Put a value on a list, or give it another reason or end; gives the control_version.

    A list is there from its first entry on. A list named *_ip holds addresses and networks. Raises RiskwaveError for a
    value that is none, and for an entry that is there just so.
    """
    text = value.strip()
    if list_name.endswith("_ip"):
        text = _network(list_name, text)
    until = None if expires_at is None else f"{expires_at.isoformat(timespec='milliseconds')}Z"
    with control.writing(why=reason, author=author) as connection:
        there = connection.execute(
            "select reason, expires_at from list_entries where list_name = ? and value = ?", [list_name, text]
        ).fetchone()
        if there == (reason, until):
            raise RiskwaveError(f"{list_name}: {text} is there already, with this reason and end")
        if there is None:
            connection.execute(
                "insert into list_entries (list_name, value, reason, expires_at) values (?, ?, ?, ?)",
                [list_name, text, reason, until],
            )
        else:
            connection.execute(
                "update list_entries set reason = ?, expires_at = ? where list_name = ? and value = ?",
                [reason, until, list_name, text],
            )
        version = connection.execute("select control_version from control").fetchone()[0]
    return int(version)


def remove_entry(control: Control, list_name: str, value: str, *, why: str, author: str | None = None) -> int:
    """Take a value off a list; gives the control_version. Raises RiskwaveError when it is not there."""
    with control.writing(why=why, author=author) as connection:
        done = connection.execute(
            "delete from list_entries where list_name = ? and value = ?", [list_name, value.strip()]
        )
        if done.rowcount == 0:
            raise RiskwaveError(f"{list_name}: {value} is not there; `riskwave lists show {list_name}` shows what is")
        version = connection.execute("select control_version from control").fetchone()[0]
    return int(version)


def list_entries(control: Control, list_name: str | None = None) -> list[Entry]:
    """The entries of a list, or of all, the expired ones included."""
    rows = control.query(
        "select list_name, value, reason, expires_at, "
        "coalesce(expires_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 0), valid_from, author from list_versions "
        "where until_version is null and (?1 is null or list_name = ?1) order by list_name, value",
        (list_name,),
    )
    if not rows and list_name is not None:
        names = [str(row[0]) for row in control.query("select distinct list_name from list_entries order by 1")]
        raise RiskwaveError(f"{list_name}: has no entries; lists that have: {', '.join(names) or 'none'}")
    return [
        Entry(name, text, reason, expires_at, bool(expired), since, author)
        for name, text, reason, expires_at, expired, since, author in rows
    ]


def parse_end(text: str, *, now: datetime | None = None) -> datetime:
    """When an entry ends, UTC without a zone, from a span (30m, 12h, 7d, 2w) or a time (2026-12-31, with T18:00Z)."""
    span = _SPAN.fullmatch(text.strip())
    start = now or datetime.now(UTC).replace(tzinfo=None)
    try:
        if span:
            end = start + timedelta(**{_UNITS[span[2]]: int(span[1])})
        else:
            end = datetime.fromisoformat(text.strip())
            end = end.astimezone(UTC).replace(tzinfo=None) if end.tzinfo else end
    except (ValueError, OverflowError):
        raise RiskwaveError(
            f"--expires {text}: expected a span such as 7d or 12h, or a UTC time such as 2026-12-31"
        ) from None
    if end <= start:
        raise RiskwaveError(f"--expires {text}: is over already; expected a time to come")
    return end


def _network(list_name: str, text: str) -> str:
    try:
        if "/" not in text:
            return str(ip_address(text))
        if ip_network(text, strict=True).version == 6:
            raise RiskwaveError(f"{list_name}: {text}: IPv6 is looked up by exact address; list single addresses")
    except ValueError:
        try:
            wider = ip_network(text, strict=False)
        except ValueError:
            raise RiskwaveError(
                f"{list_name}: {text}: expected an address or network, such as 203.0.113.7 or 203.0.113.0/24"
            ) from None
        raise RiskwaveError(f"{list_name}: {text}: the network is {wider}; did you mean that?") from None
    return text
