"""An engine whose history is kept elsewhere: it is given what there is of a batch's keys, and forgets it after.

What it decided itself is the exception: it may not have reached the other place yet, and a burst of payments is what
rules look for. So the last payments of a key are counted wherever they are.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskwave.engine.index import Positions, SortedIndex
from riskwave.engine.memory import History, micros, seconds_of, stream
from riskwave.engine.workbench import Workbench

PIECE_S = 5.0  # what was decided in so long is looked through as one piece
RECENT_S = 120.0  # how long a payment decided here is counted though the other place has not shown it

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Recalled:
    """What is known elsewhere of the keys of a batch.

    payments: the columns `recalled_schema` has; tiles: by tile model, its columns; facts: by dimension model, its
    columns; first: microseconds since 1970 of the first event that is known there, None before any.
    """

    payments: pa.Table
    tiles: Mapping[str, pa.Table]
    facts: Mapping[str, pa.Table]
    first: int | None = None


def recalled_schema(bench: Workbench) -> pa.Schema:
    """The columns of past payments that the windows read."""
    history = bench.history
    fields = [bench.staged.field(name) for name in history.staged]
    return pa.schema([*fields, *(pa.field(name, history.store.columns[name].kind) for name in history.carried)])


class Own:
    """The payments that this engine decided: which they are, and the last ones whole."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, bench: Workbench) -> None:
        """connection: to the state, which has those of before."""
        self._schema = recalled_schema(bench)
        self._keys = sorted({step.entity for step in bench.plan.windows})
        self._index = SortedIndex()
        self._recent: deque[tuple[float, pa.Table, Hashes]] = deque()
        for rows in stream(connection, "select hash(event_id) as _hash from stg_payments"):
            self._know(rows.column("_hash").to_numpy())

    def knows(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which events (n) were decided here."""
        return self._index.find(hashes.view(np.int64)) >= 0

    def add(self, history: History, fresh: Positions, hashes: Hashes) -> None:
        """Keep payments (n) that were decided just now, as the history has them at `fresh` (n)."""
        if len(fresh) == 0:
            return
        self._know(hashes)
        rows = pa.table(history.store.gather(fresh, self._schema.names), schema=self._schema)
        began = time.monotonic()
        if self._recent and self._recent[-1][0] > began - PIECE_S:
            began, before, known = self._recent.pop()
            rows = pa.concat_tables([before, rows]).combine_chunks()
            hashes = np.concatenate([known, hashes])
        self._recent.append((began, rows, hashes))

    def lately(self, accepted: pa.Table, known: Hashes) -> tuple[pa.Table, Hashes]:
        """The last payments of a batch's keys that are not among known ones, and their hashes."""
        while self._recent and self._recent[0][0] < time.monotonic() - RECENT_S:
            self._recent.popleft()
        if not self._recent:
            return self._schema.empty_table(), np.empty(0, np.uint64)
        rows = pa.concat_tables([rows for _, rows, _ in self._recent])
        hashes = np.concatenate([hashes for _, _, hashes in self._recent])
        same = np.zeros(len(hashes), np.bool_)
        for key in self._keys:
            wanted = accepted.column(key).combine_chunks().drop_null()
            same |= pc.is_in(rows.column(key), wanted).to_numpy(zero_copy_only=False)
        same &= ~np.isin(hashes, known)
        return rows.filter(pa.array(same)), hashes[same]

    def _know(self, hashes: Hashes) -> None:
        self._index.add(hashes.view(np.int64), np.zeros(len(hashes), np.int32))


def remember(bench: Workbench, past: Recalled, hashes: Hashes) -> None:
    """Put what was recalled into the bench's memory, which is empty; hashes: of its payments (n)."""
    # An event of two keys of the batch was read by each of them.
    _, first = np.unique(hashes, return_index=True)
    positions = bench.history.add(past.payments.take(pa.array(first)), hashes[first])
    bench.history.version[positions] = 1
    for store in bench.tiles.stores:
        rows = past.tiles[store.spec.name].combine_chunks()
        store.add(
            rows.column(store.spec.entity).combine_chunks(),
            seconds_of(micros(rows.column("tile"))),
            rows.column(store.spec.member).combine_chunks() if store.spec.member else None,
            [rows.column(name).to_numpy() for name in store.spec.sums],
        )
    for name, facts in bench.facts.items():
        facts.add(past.facts[name])
