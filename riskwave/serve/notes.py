"""What is kept beside the state: investigators' notes on events, and how far receivers were told of decisions."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any

from riskwave.errors import RiskwaveError

_TABLES = """
create table if not exists notes (
    id integer primary key autoincrement,
    event_id text not null,
    verdict text not null check (verdict in ('fraud', 'legitimate', 'unsure')),
    note text,
    author text not null,
    at text not null
);
create index if not exists notes_of on notes (event_id);
create table if not exists told (name text primary key, next integer not null);
"""


def notes_path(state: Path) -> Path:
    """The notes on a state's events: `bank.duckdb.notes` beside `bank.duckdb`."""
    return Path(f"{state}.notes")


def with_notes(labels: Sequence[Mapping[str, Any]], notes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The engine's labels of an event and what people said, each once, the oldest first.

    A verdict that was given with a note is in both, with the same arrived_at.
    """
    found = {(label["verdict"], _moment(label["arrived_at"])): dict(label) for label in labels}
    for note in notes:
        at = note["verdict"], _moment(note["arrived_at"])
        found[at] = {**found.get(at, {}), **note}
    return [found[at] for at in sorted(found, key=lambda at: at[1])]


def _moment(at: datetime | str) -> datetime:
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).replace(tzinfo=None)


class Notes:
    """One SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open it, made when it is not there. Raises RiskwaveError when it cannot be used."""
        self._lock = RLock()
        try:
            self._connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._connection.execute("pragma journal_mode = wal")
            self._connection.executescript(_TABLES)
        except sqlite3.Error as error:
            raise RiskwaveError(f"{path}: cannot be opened as a file of notes ({error})") from error

    def add(self, event_id: str, verdict: str, note: str | None, *, author: str, at: str) -> None:
        """Keep a verdict; at: UTC."""
        with self._lock:
            self._connection.execute(
                "insert into notes (event_id, verdict, note, author, at) values (?, ?, ?, ?, ?)",
                [event_id, verdict, note, author, at],
            )

    def of(self, event_id: str) -> list[dict[str, Any]]:
        """What was said of an event, oldest first."""
        with self._lock:
            rows = self._connection.execute(
                "select event_id, verdict, note, author, at from notes where event_id = ? order by id", [event_id]
            ).fetchall()
        return [dict(zip(("event_id", "verdict", "note", "author", "arrived_at"), row, strict=True)) for row in rows]

    def told(self, name: str) -> int:
        """The next offset of the accepted events that a receiver is to be told of."""
        with self._lock:
            row = self._connection.execute("select next from told where name = ?", [name]).fetchone()
        return int(row[0]) if row else 0

    def tell(self, name: str, following: int) -> None:
        """Remember it."""
        with self._lock:
            self._connection.execute(
                "insert into told values (?, ?) on conflict do update set next = excluded.next", [name, following]
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
