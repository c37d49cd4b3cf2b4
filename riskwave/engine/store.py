"""What goes into the state file, one transaction a batch, written while the next batch is computed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from riskwave.engine.provider import Provider
from riskwave.engine.state import write_offsets

WAITING = 2


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
            connection.execute(f"prepare keep_{name} as insert into {name} select * from batch_{name}")
        for table in ("decision_input", "decisions"):
            connection.execute(
                f"create or replace view current_{table} as select * from {table} "
                "qualify row_number() over (partition by event_id order by version desc) = 1"
            )
        self._queue: queue.Queue[Write | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="riskwave-store", daemon=True)
        self._thread.start()

    def write(self, batch: Write) -> None:
        """Queue a batch; waits while several are. `batch.done` is called, on the store's thread, once committed."""
        self._raise()
        self._queue.put(batch)

    def drain(self) -> None:
        """Wait until all that was queued is committed; the connection is then free for others."""
        self._queue.join()
        self._raise()

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        self._queue.put(None)
        self._thread.join()

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
        self._connection.begin()
        for name, rows in batch.rows.items():
            if rows.num_rows:
                self._providers[name].put(rows)
                self._connection.execute(f"execute keep_{name}").fetchall()
                self._providers[name].clear()
        for source, offsets in batch.offsets.items():
            write_offsets(self._connection, source, offsets)
        self._connection.commit()
        batch.done()
