"""What investigators say of events, with their notes: the part of a label that the engine has no use for."""

from __future__ import annotations

import sqlite3
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
"""


def notes_path(state: Path) -> Path:
    """The notes on a state's events: `bank.duckdb.notes` beside `bank.duckdb`."""
    return Path(f"{state}.notes")


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

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
