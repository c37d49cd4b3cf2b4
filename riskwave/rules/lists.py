"""Lists that rules look values up in: entries, their expiry, and ranges of addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from riskwave.errors import RiskwaveError


@dataclass(frozen=True)
class ListEntry:
    """One value of a list, in force before `expires_at` (UTC, None: always).

    low, high: for a range of IPv4 addresses, its first and last as numbers, bounds included; else None.
    """

    list_name: str
    value: str
    expires_at: datetime | None = None
    low: int | None = None
    high: int | None = None


def list_entry(list_name: str, value: str, expires_at: datetime | None = None) -> ListEntry:
    """An entry with its range, if the value is an IPv4 network such as 10.1.0.0/16.

    Raises RiskwaveError for a network with host bits, and for one of IPv6, which is looked up by exact address only.
    """
    if not re.fullmatch(r"[0-9.]+/[0-9]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/[0-9]+", value):
        return ListEntry(list_name, value, expires_at)
    try:
        network = ipaddress.ip_network(value)
    except ValueError as fault:
        raise RiskwaveError(f"list {list_name}: {value}: {fault}; write a network as 10.1.0.0/16") from fault
    if network.version == 6:
        raise RiskwaveError(f"list {list_name}: {value}: IPv6 is looked up by exact address; list single addresses")
    low, high = int(network.network_address), int(network.broadcast_address)
    return ListEntry(list_name, value, expires_at, low, high)


def ip_number(text: str) -> int | None:
    """An IPv4 address as a number; None for any other text. Leading zeros are decimal, as the compiled SQL has it."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        return None
    numbers = [int(part) for part in parts]
    if max(numbers) > 255:
        return None
    return (numbers[0] << 24) + (numbers[1] << 16) + (numbers[2] << 8) + numbers[3]


@dataclass
class Lists:
    """Entries by list, for the reference: whether a value is in one at a moment."""

    exact: dict[str, dict[str, list[datetime | None]]] = field(default_factory=dict)
    ranges: dict[str, list[ListEntry]] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[ListEntry]) -> Lists:
        """Those entries, ready to be looked up."""
        made = cls()
        for entry in entries:
            made.exact.setdefault(entry.list_name, {}).setdefault(entry.value, []).append(entry.expires_at)
            if entry.low is not None:
                made.ranges.setdefault(entry.list_name, []).append(entry)
        return made

    def holds(self, list_name: str, value: str, moment: datetime | None, *, address: bool) -> bool:
        """Whether the list has the value, or (address) a range around it, in force at the moment.

        At an unknown moment only entries without expiry are.
        """
        expiries = list(self.exact.get(list_name, {}).get(value, ()))
        number = ip_number(value) if address else None
        if number is not None:
            around = self.ranges.get(list_name, ())
            expiries += [entry.expires_at for entry in around if (entry.low or 0) <= number <= (entry.high or 0)]
        return any(expiry is None or (moment is not None and expiry > moment) for expiry in expiries)
