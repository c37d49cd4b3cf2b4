"""Rows of `list_entries` on a stream: what each is now, and what it will be from a control_version on.

What a decision sees of a row depends on the control_version that it names, which is in the thresholds' row. So a change
of lists is written first, and takes force with the one update of that row, together with whatever else changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

#: Until when an entry holds that has no end.
NEVER = datetime(9999, 12, 31)
#: An end before every event: the entry holds for none.
OVER = datetime(1970, 1, 1)

#: (list, value)
Key = tuple[str, str]


@dataclass(frozen=True)
class EntryRow:
    """A row: from next_version on (None: never) it holds until next_expires_at (None: it is not there any more)."""

    expires_at: datetime | None
    reason: str | None = None
    next_version: int | None = None
    next_expires_at: datetime | None = None


@dataclass(frozen=True)
class WantedEntry:
    """An entry of the control store; until: UTC without a zone, NEVER without an end."""

    until: datetime
    reason: str | None = None


def until(row: EntryRow | None, version: int) -> datetime | None:
    """Until when a row holds for decisions of that control_version; None: not at all."""
    if row is None:
        return None
    if row.next_version is not None and version >= row.next_version:
        end = row.next_expires_at
    else:
        end = row.expires_at or NEVER
    return None if end is None or end <= OVER else end


def settled(rows: Mapping[Key, EntryRow], now: int) -> dict[Key, EntryRow | None]:
    """The rows to write (None: to delete) once a change is in force: what they will be is what they are.

    now: the control_version in force. Nothing is decided otherwise by it.
    """
    return {
        key: _plain(until(row, now), row.reason)
        for key, row in rows.items()
        if row.next_version is not None and row.next_version <= now
    }


def staged(
    rows: Mapping[Key, EntryRow], wanted: Mapping[Key, WantedEntry], now: int, version: int
) -> dict[Key, EntryRow | None]:
    """The rows to write (None: to delete) for lists to be as wanted from `version` on, and as they are before.

    rows: with nothing left to settle. Where `version` is in force already, as after an edit past the control store, the
    change is at once. Nothing is left to write once it is written.
    """
    changed: dict[Key, EntryRow | None] = {}
    for key in sorted({*rows, *wanted}):
        row, entry = rows.get(key), wanted.get(key)
        present, end = until(row, now), entry.until if entry else None
        reason = entry.reason if entry else row.reason if row else None
        if present == end or version <= now:
            made = _plain(end, reason)
        else:
            before = OVER if present is None else None if present == NEVER else present
            made = EntryRow(before, reason, version, end)
        if made != row:
            changed[key] = made
    return changed


def _plain(end: datetime | None, reason: str | None) -> EntryRow | None:
    return None if end is None else EntryRow(None if end == NEVER else end, reason)
