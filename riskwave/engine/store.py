"""What goes into the state file, one transaction a batch, written while the next batch is computed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from riskwave.engine import journal
from riskwave.engine.provider import Provider
from riskwave.engine.state import write_offsets

WAITING = 2
SMALL = 2_500  # rows: a batch of fewer goes into the journal, whose tables are moved when they have as many

MOST = 10 * SMALL


@dataclass(frozen=True)
class Write:
    """One batch's rows by table, and the next offsets to read per source and partition; committed together."""

    rows: Mapping[str, pa.Table]
    offsets: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    done: Callable[[], None] = lambda: None


class Store:
    """The state file's tables, and the thread that writes them in the order they are given.

    A write that fails ends it: what was committed stays, every later call raises the reason.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Schema]) -> None:
        """tables: columns by name; those not there are created."""
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
        journal.create(connection)
        journal.fold(connection)
        self._journalled: dict[str, list[pa.Table]] = {}
        self._queue: queue.Queue[Write | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="riskwave-store", daemon=True)
        self._thread.start()

    def write(self, batch: Write) -> None:
        """Queue a batch; waits while several are. `batch.done` is called, on the store's thread, once committed."""
        self._raise()
        self._queue.put(batch)

    def drain(self) -> None:
        """Wait until all that was queued is committed and in the tables; the connection is then free for others."""
        self._queue.join()
        self._raise()
        self._fold(least=1)

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        self._queue.put(None)
        self._thread.join()
        if self._error is None:
            self._fold(least=1)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while True:
            batch = self._queue.get()
            try:
                if batch is None:
                    return
                if self._error is None:
                    self._commit(batch)
            except BaseException as error:
                self._error = error
            finally:
                self._queue.task_done()

    def _commit(self, batch: Write) -> None:
        columns = {name: self._providers[name].schema.names for name in batch.rows}
        rows = {name: table.select(columns[name]) for name, table in batch.rows.items() if table.num_rows}
        small = sum(table.num_rows for table in rows.values()) < SMALL
        if not small:
            self._fold(least=1)
        self._connection.begin()
        if small:
            journal.append(self._connection, rows)
            for name, table in rows.items():
                self._journalled.setdefault(name, []).append(table)
        else:
            self._keep(rows)
        for source, offsets in batch.offsets.items():
            write_offsets(self._connection, source, offsets)
        self._connection.commit()
        batch.done()
        if small:
            self._fold(least=SMALL, most=1)

    def _fold(self, *, least: int, most: int | None = None) -> None:
        """Move tables of at least so many rows from the journal into their own place, at most so many of them.

        One at a time while batches are on their way: the next one waits for it.
        """
        waiting = {name: sum(part.num_rows for part in parts) for name, parts in self._journalled.items()}
        names = sorted((name for name, rows in waiting.items() if rows >= least), key=waiting.__getitem__, reverse=True)
        for name in names[:most]:
            self._connection.begin()
            self._keep({name: pa.concat_tables(self._journalled[name])})
            journal.empty(self._connection, name)
            self._connection.commit()
            del self._journalled[name]

    def _keep(self, rows: Mapping[str, pa.Table]) -> None:
        for name, table in rows.items():
            self._providers[name].put(table)
            self._connection.execute(f"execute keep_{name}").fetchall()
            self._providers[name].clear()


def _add_columns(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Columns that the models have and the table lacks: NULL for what is there. Those they no longer have stay."""
    there = {str(row[0]) for row in connection.execute(f"describe {name}").fetchall()}
    for column, kind, *_ in connection.execute(f"describe batch_{name}").fetchall():
        if column not in there:
            connection.execute(f'alter table {name} add column "{column}" {kind}')
