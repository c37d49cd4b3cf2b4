"""Which payments labels have confirmed as fraud, each by its first label."""

from __future__ import annotations

from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

_KNOWN = "select event_id, min(arrived_at) from int_confirmed_frauds group by event_id"


class Confirmed:
    """The confirmed frauds of a state, by event: when the first label that counts arrived."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._arrived: dict[str, datetime] = dict(connection.execute(_KNOWN).fetchall())

    def first_of(self, frauds: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Of confirmed frauds those that an earlier label has not confirmed, and the rows that they take the place of.

        A label that is given late and arrived before the one that counted counts instead of it.
        """
        arrived = frauds.column("arrived_at").to_pylist()
        kept, before = [], []
        for row, (event, moment) in enumerate(zip(frauds.column("event_id").to_pylist(), arrived, strict=True)):
            known = self._arrived.get(event)
            if known is None or moment < known:
                self._arrived[event] = moment
                kept.append(row)
                before.append(known)
        frauds = frauds.take(pa.array(kept, pa.int64()))
        place = frauds.schema.get_field_index("arrived_at")
        moments = pa.array(before, frauds.schema.field(place).type)
        return frauds, frauds.set_column(place, frauds.schema.field(place), moments).filter(pc.is_valid(moments))
