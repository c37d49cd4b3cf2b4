"""Lists that rules look values up in: entries, their expiry, and ranges of addresses."""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Protocol

from riskwave.errors import RiskwaveError


class Entry(Protocol):
    """What `Lists` reads of an entry: see `ListEntry`."""

    @property
    def list_name(self) -> str:
        """The list."""

    @property
    def value(self) -> str:
        """The value that is in it."""

    @property
    def expires_at(self) -> datetime | None:
        """Until when (UTC); None always."""

    @property
    def low(self) -> int | None:
        """First address of a range, as a number."""

    @property
    def high(self) -> int | None:
        """Its last."""


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


@lru_cache(maxsize=100_000)
def ip_number(text: str) -> int | None:
    """An IPv4 address as a number; None for any other text. Leading zeros are decimal, as the compiled SQL has it."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        return None
    numbers = [int(part) for part in parts]
    if max(numbers) > 255:
        return None
    return (numbers[0] << 24) + (numbers[1] << 16) + (numbers[2] << 8) + numbers[3]


#: Microseconds since 1970 of `9999-12-31`: when entries expire that never do.
NEVER = 253_402_214_400_000_000
_EPOCH = datetime(1970, 1, 1)


def _microseconds(moment: datetime | None) -> int:
    return NEVER if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class _Ranges:
    """Ranges by their first address, with the last address of all up to each: most addresses are in none."""

    lows: list[int]
    reach: list[int]
    highs: list[int]
    until: list[int]

    @classmethod
    def of(cls, ranges: list[tuple[int, int, int]]) -> _Ranges:
        ranges = sorted(ranges)
        highs = [high for _, high, _ in ranges]
        return cls([low for low, _, _ in ranges], list(accumulate(highs, max)), highs, [until for *_, until in ranges])

    def latest(self, number: int) -> int | None:
        place = bisect_right(self.lows, number) - 1
        best: int | None = None
        while place >= 0 and self.reach[place] >= number:
            if self.highs[place] >= number and (best is None or self.until[place] > best):
                best = self.until[place]
            place -= 1
        return best


@dataclass(frozen=True)
class Lists:
    """Entries by list, indexed: until when (microseconds since 1970) each value is in it."""

    exact: dict[str, dict[str, int]] = field(default_factory=dict)
    ranges: dict[str, _Ranges] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Lists:
        """Those entries, ready to be looked up."""
        exact: dict[str, dict[str, int]] = {}
        ranges: dict[str, list[tuple[int, int, int]]] = {}
        for entry in entries:
            until = _microseconds(entry.expires_at)
            held = exact.setdefault(entry.list_name, {})
            held[entry.value] = max(until, held.get(entry.value, until))
            if entry.low is not None and entry.high is not None:
                ranges.setdefault(entry.list_name, []).append((entry.low, entry.high, until))
        return cls(exact, {name: _Ranges.of(found) for name, found in ranges.items()})

    def has(self, list_name: str) -> bool:
        """Whether the list has any entry."""
        return list_name in self.exact

    def until(self, list_name: str, values: Iterable[str | None], *, address: bool) -> list[int | None]:
        """Until when the list holds each value, in microseconds since 1970; None where it never did.

        address: values are addresses, and ranges around them count.
        """
        exact, ranges = self.exact.get(list_name, {}), self.ranges.get(list_name) if address else None
        if ranges is None:
            return [exact.get(value) if value is not None else None for value in values]
        found = []
        for value in values:
            until = exact.get(value) if value is not None else None
            number = ip_number(value) if value is not None else None
            ranged = ranges.latest(number) if number is not None else None
            found.append(max((moment for moment in (until, ranged) if moment is not None), default=None))
        return found

    def holds(self, list_name: str, value: str, moment: datetime | None, *, address: bool) -> bool:
        """Whether the list has the value, or a range around it, in force at the moment.

        At an unknown moment only entries without expiry are.
        """
        (until,) = self.until(list_name, [value], address=address)
        if until is None:
            return False
        return until == NEVER if moment is None else until > _microseconds(moment)
