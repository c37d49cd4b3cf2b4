"""The control store: one SQLite file beside the state, written by several processes, read by the engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any

from riskwave.control.audit import seal
from riskwave.control.identity import identity
from riskwave.control.schema import APPLICATION, FORMAT, schema, warming_schema
from riskwave.control.snapshot import Reader, Snapshot
from riskwave.errors import RiskwaveError

if TYPE_CHECKING:
    from riskwave.rules.check import CheckedRuleset

#: How long a writer waits for another, in seconds.
PATIENCE = 10.0
#: Rows of the audit that `changed` hashes in one call: some milliseconds.
SEALED_AT_ONCE = 500


def control_path(state: Path) -> Path:
    """The control store of a state file: `bank.duckdb.control` beside `bank.duckdb`."""
    return Path(f"{state}.control")


class Control:
    """An open control store. One object may be used by several threads, one at a time."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._connection = connection
        self._reader = Reader(connection)
        self._lock = RLock()
        self._seen = -1  # PRAGMA data_version: another connection has written when it moves
        self._taken = -1  # control_version of the last snapshot of now
        self._now = -1
        self._unsealed = False

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        initial: Path | CheckedRuleset | None = None,
        author: str | None = None,
        read_only: bool = False,
    ) -> Control:
        """Open a store; it is made when it is not there, unless read_only.

        initial: a rule pack that becomes live when nothing was ever published; a path's is checked, and its cases run.
        Raises RiskwaveError when the file is not there (read_only), no control store, or of another format.
        """
        if read_only and not path.is_file():
            raise RiskwaveError(f"{path}: no control store there; `riskwave run --state …` makes one, or name another")
        try:
            control = cls(path, _connect(path, read_only=read_only), read_only=read_only)
        except (sqlite3.Error, OSError) as fault:
            raise RiskwaveError(f"{path}: cannot be opened as a control store: {fault}") from fault
        try:
            if initial is not None and not read_only and control.is_empty:
                from riskwave.control.checked import checked_pack
                from riskwave.control.lifecycle import publish

                checked = checked_pack(initial) if isinstance(initial, Path) else initial
                publish(control, checked, why="first start", author=author, if_empty=True)
        except BaseException:
            control.close()
            raise
        return control

    @property
    def version(self) -> int:
        """The control_version now."""
        return int(self.query("select control_version from control")[0][0])

    @property
    def is_empty(self) -> bool:
        """Whether no ruleset was ever published."""
        return not self.query("select 1 from rulesets limit 1")

    def changed(self) -> bool:
        """Whether something is in force that the last `snapshot()` does not have.

        Some microseconds while nobody writes; then it also seals what plain SQL wrote. It never waits for a writer.
        """
        with self._lock:
            seen = self._connection.execute("pragma data_version").fetchone()[0]
            if seen != self._seen:
                self._seen = seen
                self._now = self._connection.execute("select control_version from control").fetchone()[0]
                self._unsealed = not self.read_only
            if self._unsealed:
                self._seal()
            return self._now != self._taken

    def snapshot(self, version: int | None = None) -> Snapshot:
        """What is in force now, or was at a version. Raises RiskwaveError for a version that has not been."""
        with self._lock:
            self._connection.execute("begin")
            try:
                snapshot = self._reader.read(version)
            finally:
                self._connection.execute("rollback")
            if version is None:
                self._taken = snapshot.control_version
                self._now = max(self._now, self._taken)
            return snapshot

    def query(self, sql: str, given: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        with self._lock:
            return self._connection.execute(sql, given).fetchall()

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
    def writing(self, *, why: str, author: str | None = None) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction that writes: all its changes have one control_version, or none is made.

        Raises RiskwaveError for a reason that says nothing, for what the store refuses, and when another writer does
        not end.
        """
        if self.read_only:
            raise RiskwaveError(f"{self.path}: is open for reading only")
        if not why.strip():
            raise RiskwaveError("--why: say in a few words why; it is kept in the audit")
        with self._lock:
            try:
                self._connection.execute("begin immediate")
                self._connection.execute(
                    "update control set writing = 1, author = ?, why = ?", [identity(author), why.strip()]
                )
                yield self._connection
                seal(self._connection)
                self._connection.execute("update control set writing = 0, author = null, why = null")
                now = self._connection.execute("select control_version from control").fetchone()[0]
                self._connection.execute("commit")
                self._now = now
            except sqlite3.Error as fault:
                self._rollback()
                raise RiskwaveError(self._said(fault)) from fault
            except BaseException:
                self._rollback()
                raise

    def note(self, sql: str, given: tuple[object, ...] = ()) -> bool:
        """Write what takes no control_version; False, and nothing is written, while another writes: it never waits."""
        with self._lock:
            try:
                self._connection.execute("pragma busy_timeout = 0")
                self._connection.execute(sql, given)
            except sqlite3.OperationalError:
                return False
            finally:
                self._connection.execute(f"pragma busy_timeout = {int(PATIENCE * 1000)}")
            return True

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Control:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("rollback")

    def _seal(self) -> None:
        """Seal what plain SQL has written, unless another writes just now: then the next time."""
        try:
            self._connection.execute("pragma busy_timeout = 0")
            left = "select 1 from audit where id > (select coalesce(max(id), 0) from audit_seals) limit 1"
            sealed = 0
            if self._connection.execute(left).fetchone():
                self._connection.execute("begin immediate")
                sealed = seal(self._connection, SEALED_AT_ONCE)
                self._connection.execute("commit")
            self._unsealed = sealed == SEALED_AT_ONCE
        except sqlite3.OperationalError:
            self._rollback()
        finally:
            self._connection.execute(f"pragma busy_timeout = {int(PATIENCE * 1000)}")

    def _said(self, fault: sqlite3.Error) -> str:
        if isinstance(fault, sqlite3.OperationalError) and "locked" in str(fault):
            return f"{self.path}: another writer did not end within {PATIENCE:.0f} seconds; end it and try again"
        return str(fault)


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        if not read_only:
            _prepare(connection)
        found = [connection.execute(f"pragma {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if found != [APPLICATION, FORMAT]:
            raise RiskwaveError(f"{path}: no control store of format {FORMAT}; move it away, and a new one is made")
        if read_only and _lacks_warming(connection):
            connection.close()
            _connect(path, read_only=False).close()
            return _connect(path, read_only=True)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none."""
    if connection.execute("select count(*) from sqlite_master").fetchone()[0] == 0:
        # Readers go on while one writes. The mode stays with the file.
        connection.execute("pragma journal_mode = wal")
        connection.execute("begin immediate")
        if connection.execute("select count(*) from sqlite_master").fetchone()[0] == 0:
            for statement in _statements(schema()):
                connection.execute(statement)
            connection.execute(f"pragma application_id = {APPLICATION}")
            connection.execute(f"pragma user_version = {FORMAT}")
        connection.execute("commit")
    elif _lacks_warming(connection):
        connection.execute("begin immediate")
        for statement in _statements(warming_schema()) if _lacks_warming(connection) else ():
            connection.execute(statement)
        connection.execute("commit")


def _lacks_warming(connection: sqlite3.Connection) -> bool:
    """Whether an earlier Riskwave made the store."""
    tables = connection.execute("select name from sqlite_master where name in ('control', 'held_rules')").fetchall()
    return tables == [("control",)]


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
