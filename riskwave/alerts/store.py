"""The store of alerts: one SQLite file beside the state, written by the server, the sender and the command line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from riskwave.alerts.schema import APPLICATION, FORMAT, TABLES
from riskwave.errors import RiskwaveError

PATIENCE_S = 10.0


def alerts_path(state: Path) -> Path:
    """The alerts of a state: `bank.duckdb.alerts` beside `bank.duckdb`."""
    return Path(f"{state}.alerts")


class AlertStore:
    """An open store. One object may be used by several threads, one at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file, made when it is not there. Raises RiskwaveError when it cannot be used."""
        self.path = path
        self._lock = RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            made = not path.exists()
            self._connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            if made:
                path.chmod(0o600)
            _prepare(self._connection, path)
        except (sqlite3.Error, OSError) as fault:
            raise RiskwaveError(f"{path}: cannot be opened as a store of alerts ({fault})") from fault

    def rows(self, sql: str, given: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows of a SELECT."""
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, given).fetchall()]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction that reads: all queries see the same moment."""
        with self._lock:
            self._connection.execute("begin")
            try:
                yield self._connection
            finally:
                self._connection.execute("rollback")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction that writes: all of it is kept, or nothing.

        Raises RiskwaveError when another writer does not end.
        """
        with self._lock:
            try:
                self._connection.execute("begin immediate")
            except sqlite3.OperationalError as fault:
                raise RiskwaveError(f"{self.path}: cannot be written now ({fault}); try again") from fault
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                self._connection.execute("rollback")
                raise

    def position(self, source: str) -> str | None:
        """How far a source was read; None for one that never was."""
        found = self.rows("select token from positions where source = ?", [source])
        return str(found[0]["token"]) if found else None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def reached(connection: sqlite3.Connection, source: str, token: str) -> None:
    """Remember how far a source was read, in the transaction that keeps what was read."""
    connection.execute(
        "insert into positions values (?, ?) on conflict do update set token = excluded.token", [source, token]
    )


def noted(
    connection: sqlite3.Connection, event_id: str, *, at: str, who: str, what: str, note: str | None = None
) -> None:
    """Add to an alert's history."""
    connection.execute(
        "insert into deeds (event_id, at, who, what, note) values (?, ?, ?, ?, ?)", [event_id, at, who, what, note]
    )


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables where there are none."""
    # Readers go on while one writes; every commit is on the disk, for a notification that is sent cannot be taken back.
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("begin immediate")
    try:
        if connection.execute("select count(*) from sqlite_master").fetchone()[0] == 0:
            for statement in TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"pragma application_id = {APPLICATION}")
            connection.execute(f"pragma user_version = {FORMAT}")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    found = [connection.execute(f"pragma {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if found != [APPLICATION, FORMAT]:
        connection.close()
        raise RiskwaveError(f"{path}: no store of alerts of format {FORMAT}; move it away, and a new one is made")
