"""Reads of a state while it is written, by the process that writes it."""

from __future__ import annotations

import queue
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from riskwave.batch.history import literal
from riskwave.engine.archive import archive_folder, relation
from riskwave.engine.journal import moved
from riskwave.engine.store import Store
from riskwave.serve.apart import BATCH, answer, apart
from riskwave.serve.problems import ProblemError

#: Relations of a state that may be read, and whether rows of them may still be in the journal or in the archive.
TABLES = (
    "decisions",
    "decision_input",
    "stg_payments",
    "rejected_events",
    "labels",
    "int_confirmed_frauds",
    "card_profiles",
    "devices",
)
VERSIONED = ("decisions", "decision_input")
AGAIN_S = 0.05


class Reading:
    """A few connections to the state's own database, each with its own snapshot: no read waits for a batch, none holds
    one up. What is read is all that was committed: tables, journal and archive.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, store: Store, state: Path, *, readers: int = 3) -> None:
        """connection, store: the engine's; readers: how many reads there may be at once."""
        self._state = state
        self._catalog = connection.execute("select current_database()").fetchall()[0][0]
        self._free: queue.Queue[_Reader] = queue.Queue()
        self._all = [_Reader(connection.cursor(), store, self._catalog, state) for _ in range(readers)]
        for reader in self._all:
            self._free.put(reader)

    def rows(self, sql: str, given: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one SELECT over TABLES and current_decisions, current_decision_input; given: its $parameters."""
        names, rows = self.table(sql, given)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def table(
        self, sql: str, given: Mapping[str, Any] | None = None, *, limit_s: float = 10.0
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Names of columns, and rows. Raises ProblemError when it takes longer than limit_s seconds."""
        with self._reader() as reader:
            return reader.table(sql, given, limit_s)

    def arrow(self, sql: str, given: Mapping[str, Any] | None = None, *, limit_s: float = 10.0) -> pa.Table:
        """The rows of one SELECT, with their types. Raises ProblemError when it takes longer than limit_s seconds."""
        with self._reader() as reader:
            return reader.arrow(sql, given, limit_s)

    def ask(self, sql: str, most: int, *, memory_mb: int, limit_s: float) -> tuple[list[str], list[tuple[Any, ...]]]:
        """At most `most` rows of a person's SELECT, computed in a database of its own with so much memory."""
        with self._reader() as reader:
            return reader.ask(sql, most, memory_mb, limit_s)

    def copy(self, sql: str, path: Path, *, limit_s: float = 10.0, group: int = 122_880) -> None:
        """Write the rows of a SELECT of our own to a Parquet file; group: rows that are held at a time."""
        with self._reader() as reader:
            reader.table(f"copy ({sql}) to {literal(path)} (format parquet, row_group_size {group})", None, limit_s)

    @contextmanager
    def _reader(self) -> Iterator[_Reader]:
        try:
            reader = self._free.get(timeout=10)
        except queue.Empty:
            raise ProblemError(503, "too much is being read just now; come again", retry_after=2) from None
        try:
            yield reader
        finally:
            self._free.put(reader)

    def close(self) -> None:
        """Close the connections; a read in hand is ended."""
        for reader in self._all:
            reader.close()


class _Reader:
    """One connection, and what it knows of the journal."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, store: Store, catalog: str, state: Path) -> None:
        self._cursor = cursor
        self._store = store
        self._catalog = catalog
        self._state = state
        self._archived: bool | None = None
        self._columns: dict[str, list[str]] = {}
        cursor.execute("set TimeZone = 'UTC'")

    def table(
        self, sql: str, given: Mapping[str, Any] | None, limit_s: float
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        with self._snapshot(limit_s):
            result = self._cursor.execute(sql, dict(given) if given else None)
            return [column[0] for column in result.description or []], result.fetchall()

    def arrow(self, sql: str, given: Mapping[str, Any] | None, limit_s: float) -> pa.Table:
        with self._snapshot(limit_s):
            return self._cursor.sql(sql, params=dict(given) if given else None).to_arrow_table()

    def ask(self, sql: str, most: int, memory_mb: int, limit_s: float) -> tuple[list[str], list[tuple[Any, ...]]]:
        with tempfile.TemporaryDirectory(prefix="riskwave-sql-") as folder, apart(memory_mb, folder) as own:

            def read(part: str) -> pa.RecordBatchReader:
                return self._cursor.sql(part).to_arrow_reader(BATCH)

            with self._snapshot(limit_s, own.interrupt):
                return answer(own, sql, most, self._columns, read)

    @contextmanager
    def _snapshot(self, limit_s: float, end: Callable[[], None] = lambda: None) -> Iterator[None]:
        """A transaction that cannot write, with all that was committed before it; ended after limit_s seconds.

        end: ends what else is run for it.
        """
        self._views()
        journalled = self._store.journalled()

        over, finished = threading.Event(), threading.Event()

        def late() -> None:
            if finished.wait(limit_s):
                return
            over.set()
            # Between two statements nothing is there to be interrupted: the next one is.
            while not finished.wait(AGAIN_S):
                self._cursor.interrupt()
                end()

        clock = threading.Thread(target=late, name="riskwave-read-limit", daemon=True)
        self._cursor.execute("begin transaction read only")
        clock.start()
        whole = False
        try:
            self._tail(journalled)
            yield
            whole = True
        except duckdb.Error:
            if not over.is_set():
                raise
            raise ProblemError(503, f"that took longer than {limit_s:g} seconds; ask for less") from None
        finally:
            finished.set()
            clock.join()
            # What was registered belongs to the transaction: without its commit it is forgotten.
            self._cursor.execute("commit" if whole else "rollback")
            if not whole:
                self._archived = None

    def _tail(self, journalled: Mapping[int, Mapping[str, pa.Table]]) -> None:
        """What small batches left in the journal and no table has, as `tail_<table>`."""
        last = moved(self._cursor)
        for name, empty in self._empty.items():
            parts = [rows[name] for number, rows in journalled.items() if number > last and name in rows]
            self._cursor.register(f"tail_{name}", pa.concat_tables(parts) if parts else empty)

    def _views(self) -> None:
        """Views by the tables' names over tables, journal and archive; made anew when there first is an archive."""
        archived = archive_folder(self._state).is_dir()
        if archived == self._archived:
            return
        self._empty = {}
        for name in TABLES:
            own = f'"{self._catalog}".main.{name}'
            self._empty[name] = self._cursor.sql(f"select * from {own} limit 0").to_arrow_table()
            self._cursor.register(f"tail_{name}", self._empty[name])
            whole = relation(self._state, name).replace(f"from {name} ", f"from {own} ") if archived else own
            self._cursor.execute(
                f"create or replace temp view {name} as "
                f"select * from {whole} union all by name select * from tail_{name}"
            )
        for name in VERSIONED:
            self._cursor.execute(
                # Few events have more than one version: what is held in memory is those few.
                f"create or replace temp view current_{name} as select t.* from temp.{name} as t anti join "
                f"(select event_id, max(version) as last from temp.{name} where version > 1 group by event_id) as l "
                "on t.event_id = l.event_id and t.version < l.last"
            )
        self._columns = {
            name: [column[0] for column in self._cursor.execute(f"select * from temp.{name} limit 0").description or []]
            for name in (*TABLES, *(f"current_{name}" for name in VERSIONED))
        }
        self._archived = archived

    def close(self) -> None:
        self._cursor.interrupt()
        self._cursor.close()
