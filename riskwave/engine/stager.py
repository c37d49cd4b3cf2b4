"""Staging apart from the state: raw rows cast, judged and told apart, on whatever thread read them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskwave.engine.fetch import fetch
from riskwave.engine.passing import mentioned
from riskwave.engine.plan import Plan
from riskwave.engine.provider import Provider
from riskwave.engine.state import LANDING, connect
from riskwave.sources.batch import RAW_SCHEMA, empty_table
from riskwave.tracing import traced


@dataclass(frozen=True)
class Staged:
    """What raw rows came to: `accepted` (`Plan.staging_sql`), each event once, and `rejected` with reasons.

    raw: the rows as received; duplicates: how many were deliveries of an event accepted from the same rows; tiles:
    parts of what the accepted rows add to tile models (`Plan.tiles_sql`), None where that was not computed; links: of
    traces, to what brought them.
    """

    raw: pa.Table
    accepted: pa.Table
    rejected: pa.Table
    duplicates: int
    tiles: tuple[pa.Table, ...] | None = None
    links: tuple[Any, ...] = ()


def labelled_schema(staged: pa.Schema) -> pa.Schema:
    """What labels are told of their payments."""
    return pa.schema([staged.field(name) for name in ("event_id", "event_ts", "merchant_id", "ip")])


class Stager:
    """The staging models over a connection of its own."""

    def __init__(self, plan: Plan) -> None:
        self._lock = threading.Lock()  # who reads stages, and who decides refuses
        self._connection = connect(":memory:", threads=1, memory="512MB")
        self._raw = Provider(self._connection, "batch_raw", RAW_SCHEMA)
        self._connection.execute(f"prepare stage as {plan.staging_sql()}")
        self._connection.execute(f"prepare reject as {plan.rejects_sql()}")
        self._refused = Provider(self._connection, "batch_refused", RAW_SCHEMA)
        self._connection.execute(f"prepare refuse as {plan.refused_sql().replace('batch_raw', 'batch_refused')}")
        self.accepted = self._fetch("stage").schema
        self.rejected = self._fetch("reject").schema
        self.nothing = Staged(empty_table(), self.accepted.empty_table(), self.rejected.empty_table(), 0, ())
        wanted = mentioned(plan.tiles_sql())
        columns = [field for field in self.accepted if field.name in wanted]
        self.new = Provider(self._connection, "batch_new", pa.schema(columns))
        # Staged payments confirm no frauds: that takes labels.
        Provider(self._connection, "batch_labels", LANDING["labels"])
        Provider(self._connection, "batch_labelled", labelled_schema(self.accepted))
        self._connection.execute(f"create table batch_frauds as {plan.frauds_sql()}")
        self._connection.execute(f"prepare tiles as {plan.tiles_sql(of=plan.grouped)}")
        self._grouped = bool(plan.grouped)

    @traced("riskwave.stage")
    def stage(self, raw: pa.Table) -> Staged:
        """Cast and judge raw rows (RAW_SCHEMA)."""
        if raw.num_rows == 0:
            return self.nothing
        with self._lock:
            self._raw.put(raw)
            accepted = self._fetch("stage")
            rejected = self.rejected.empty_table()
            if accepted.num_rows < raw.num_rows:
                rejected = self._fetch("reject")
            self._raw.clear()
            tiles: tuple[pa.Table, ...] = ()
            if self._grouped:
                self.new.put(accepted)
                tiles = (self._fetch("tiles"),)
                self.new.clear()
        return Staged(raw, accepted, rejected, raw.num_rows - accepted.num_rows - rejected.num_rows, tiles)

    def refuse(self, staged: Staged, mask: npt.NDArray[np.bool_], reason: str) -> Staged:
        """The same with the accepted rows under a mask (n) rejected for a reason, with the bytes they came as."""
        keys = ["source", "source_partition", "source_offset"]
        refused = staged.accepted.filter(pa.array(mask)).select(keys)
        with self._lock:
            self._refused.put(staged.raw.join(refused, keys, join_type="left semi"))
            added = self._fetch("refuse")
            self._refused.clear()
        place = added.schema.get_field_index("reject_reason")
        reasons = pa.array([reason] * added.num_rows, pa.string())
        added = added.set_column(place, "reject_reason", reasons).cast(staged.rejected.schema)
        return Staged(
            staged.raw,
            staged.accepted.filter(pa.array(~mask)),
            pa.concat_tables([staged.rejected, added]),
            staged.duplicates,
        )

    def _fetch(self, name: str) -> pa.Table:
        return fetch(self._connection, name)

    def close(self) -> None:
        """Close the connection, once nothing is staged any more."""
        with self._lock:
            self._connection.close()


def joined(parts: list[Staged]) -> Staged:
    """Parts one after another as one; an event that several accepted is kept from the first."""
    if len(parts) == 1:
        return parts[0]
    accepted = pa.concat_tables([part.accepted for part in parts])
    _, first = np.unique(accepted.column("_hash").to_numpy(), return_index=True)
    duplicates = sum(part.duplicates for part in parts) + accepted.num_rows - len(first)
    tiles: tuple[pa.Table, ...] | None = tuple(tile for part in parts for tile in part.tiles or ())
    if len(first) < accepted.num_rows:
        accepted = accepted.take(pa.array(np.sort(first)))
        tiles = None
    return Staged(
        pa.concat_tables([part.raw for part in parts]),
        accepted,
        pa.concat_tables([part.rejected for part in parts]),
        duplicates,
        tiles,
        tuple(link for part in parts for link in part.links),
    )
