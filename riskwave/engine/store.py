"""What goes into the state: a batch is committed by one thread, and moved into the tables by another."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from riskwave.engine import journal
from riskwave.engine.journal import Journal, Offsets, journal_folder
from riskwave.engine.provider import Provider

WAITING = 2
SMALL = 15_000  # rows of all tables: a batch of more goes into the tables itself, which is cheaper by the row
MOVED = 30_000  # rows in the journal that are worth moving
NICE = 10  # of the thread that moves
MOST = 10 * MOVED  # rows in the journal, and in memory, before batches wait for the move


@dataclass(frozen=True)
class Write:
    """One batch's rows by table, and the next offsets to read per source and partition; committed together.

    done: called with all rows, on the store's thread, once they are committed; decided: more rows, still being made.
    """

    rows: Mapping[str, pa.Table]
    offsets: Offsets = field(default_factory=dict)
    done: Callable[[Mapping[str, pa.Table]], None] = lambda rows: None
    decided: Future[dict[str, pa.Table]] | None = None


class Store:
    """The state's journal and tables, and the threads that write them in the order they are given.

    A write that fails ends it: what was committed stays, every later call raises the reason.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Schema], path: Path | str = ":memory:"
    ) -> None:
        """tables: columns by name; those not there are created. path: the state's, which its journal stands beside."""
        self._connection = connection
        self._providers: dict[str, Provider] = {}
        for name, schema in tables.items():
            self._providers[name] = Provider(connection, f"batch_{name}", schema)
            connection.execute(f"create table if not exists {name} as select * from batch_{name} limit 0")
            _add_columns(connection, name)
            connection.execute(f"prepare keep_{name} as insert into {name} by name select * from batch_{name}")
        for table in ("decision_input", "decisions"):
            # An aggregate of two columns: a window would sort all of them.
            connection.execute(
                f"create or replace view current_{table} as select t.* from {table} as t semi join "
                f"(select event_id, max(version) as version from {table} group by event_id) as l "
                "on t.event_id = l.event_id and t.version = l.version"
            )
        kept = str(path) != ":memory:"
        if kept:
            journal.fold(connection, path)
        self._journal = Journal(
            journal_folder(path) if kept else None, state=journal.state_id(connection), after=journal.moved(connection)
        )
        self._reader = connection.cursor()
        self._queue: queue.Queue[Write | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        #: Committed batches by number that are not in the tables; staged payments that are not in their table.
        self._journalled: dict[int, Write] = {}
        self._recent: list[pa.Table] = []
        self._rows = 0
        self._closing = False
        self._tables = threading.Lock()  # who has it writes the tables
        self._entries = threading.Lock()  # who has it adds to the journal and to _journalled, or empties both
        self._threads = [
            threading.Thread(target=work, name=f"riskwave-{name}", daemon=True)
            for name, work in (("store", self._commit_all), ("mover", self._move_on))
        ]
        for thread in self._threads:
            thread.start()

    def write(self, batch: Write) -> None:
        """Queue a batch; waits while several are."""
        self._raise()
        payments = batch.rows.get("stg_payments")
        with self._changed:
            self._changed.wait_for(lambda: self._rows < MOST or self._error is not None)
            if payments is not None and payments.num_rows:
                self._recent.append(payments)
        self._queue.put(batch)

    def drain(self) -> None:
        """Wait until all that was queued is committed and in the tables; the connection is then free for others."""
        self._queue.join()
        self._raise()
        with self._tables:
            self._move()

    def staged(self, shape: pa.Schema, wanted: pa.Array, low: object, high: object) -> pa.Table:
        """The staged payments of events (event_id, all with event_ts in [low, high]), wherever they are by now.

        shape: the columns wanted, _hash among them.
        """
        with self._changed:
            recent = list(self._recent)
        # First what is not in the tables yet: what is moved meanwhile is not looked for again.
        found = [table.filter(pc.is_in(table.column("event_id"), wanted)) for table in recent]
        for table in found:
            wanted = wanted.filter(pc.invert(pc.is_in(wanted, table.column("event_id").combine_chunks())))
        self._reader.register("events_wanted", pa.table({"event_id": wanted}))
        kept = self._reader.sql(
            f"select {', '.join(shape.names)} from (select *, hash(event_id) as _hash from stg_payments) "
            "where event_ts between $low and $high "
            "and event_id in (select event_id from events_wanted)",
            params={"low": low, "high": high},
        ).to_arrow_table()
        self._reader.unregister("events_wanted")
        return pa.concat_tables(table.select(shape.names).cast(shape) for table in (kept, *found))

    def journalled(self) -> dict[int, Mapping[str, pa.Table]]:
        """Committed rows by number and table that the tables may not have yet.

        Who reads them beside the tables asks for them before its transaction begins, and leaves out those up to the
        number that `journal.moved` gives within it.
        """
        with self._entries:
            return {number: batch.rows for number, batch in self._journalled.items()}

    def close(self) -> None:
        """Commit what is queued, move it into the tables and end the threads."""
        self._queue.put(None)
        self._threads[0].join()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._threads[1].join()
        self._reader.close()
        if self._error is None:
            with self._tables:
                self._move()
        self._journal.close()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _failed(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def _commit_all(self) -> None:
        while True:
            batch = self._queue.get()
            try:
                if batch is None:
                    return
                if self._error is None:
                    rows = {**batch.rows, **(batch.decided.result() if batch.decided else {})}
                    self._commit(Write({name: table for name, table in rows.items() if table.num_rows}, batch.offsets))
                    batch.done(rows)
            except BaseException as error:
                self._failed(error)
            finally:
                self._queue.task_done()

    def _commit(self, batch: Write) -> None:
        rows = sum(table.num_rows for table in batch.rows.values())
        if rows < SMALL:
            columns = {name: table.select(self._providers[name].schema.names) for name, table in batch.rows.items()}
            with self._entries:
                number = self._journal.append(columns, batch.offsets)
                self._journalled[number] = Write(columns, batch.offsets)
            with self._changed:
                self._rows += rows
                self._changed.notify_all()
        else:
            with self._tables:
                self._move()
                self._keep([batch], self._journal.skip())

    def _move_on(self) -> None:
        """Move the journal into the tables whenever it is worth it, as what is decided leaves time for it."""
        if sys.platform == "linux":
            # There a priority is a thread's own; nothing waits for this one unless the journal is full.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._rows >= MOVED or self._closing or self._error is not None)
                    if self._closing or self._error is not None:
                        return
                with self._tables:
                    self._move()
        except BaseException as error:
            self._failed(error)

    def _move(self) -> None:
        """Move what is in the journal now into the tables; the caller has them."""
        with self._entries:
            batches = dict(self._journalled)
            number, files = self._journal.turn()
        if not batches:
            return
        self._keep(list(batches.values()), number)
        journal.remove(files)
        with self._entries:
            for moved in batches:
                del self._journalled[moved]
        with self._changed:
            self._rows -= sum(table.num_rows for batch in batches.values() for table in batch.rows.values())
            self._changed.notify_all()

    def _keep(self, batches: list[Write], number: int) -> None:
        """Put batches into the tables in one transaction, the last of which has this number in the journal."""
        rows, offsets = journal.together((batch.rows, batch.offsets) for batch in batches)
        self._connection.begin()
        for name, table in rows.items():
            self._providers[name].put(table)
            self._connection.execute(f"execute keep_{name}").fetchall()
            self._providers[name].clear()
        journal.note_moved(self._connection, number, offsets)
        self._connection.commit()
        with self._changed:
            del self._recent[: sum("stg_payments" in batch.rows for batch in batches)]


def _add_columns(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Columns that the models have and the table lacks: NULL for what is there. Those they no longer have stay."""
    there = {str(row[0]) for row in connection.execute(f"describe {name}").fetchall()}
    for column, kind, *_ in connection.execute(f"describe batch_{name}").fetchall():
        if column not in there:
            connection.execute(f'alter table {name} add column "{column}" {kind}')
