"""Labels given to the engine as the payments' own time reaches them."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class LabelFeed:
    """A table of labels (arrow_schema(Label)), handed out in order of arrival; how many were is an offset in the state.

    A label only counts for payments after it arrived, so that handing it out early changes no decision.
    """

    def __init__(self, name: str, labels: pa.Table, *, start: int = 0) -> None:
        """name: what the state keeps the offset under; start: how many were handed out before."""
        self.name = f"labels:{name}"
        self._labels = labels.sort_by([("arrived_at", "ascending"), ("event_id", "ascending")])
        self._arrived = self._labels.column("arrived_at").to_numpy().astype("datetime64[us]")
        self.next = start

    @property
    def offsets(self) -> dict[str, dict[int, int]]:
        """How many were handed out, as the state keeps it."""
        return {self.name: {0: self.next}}

    def upto(self, payments: pa.Table) -> pa.Table:
        """Labels that arrived before the end of the day of the latest payment in RAW_SCHEMA rows."""
        newest = pc.max(payments.column("event_ts")).as_py() if payments.num_rows else None
        try:
            until = datetime.fromisoformat(str(newest)[:10]) + timedelta(days=1)
        except (ValueError, OverflowError):
            return self._labels.slice(0, 0)
        return self._take(int(np.searchsorted(self._arrived, np.datetime64(until))))

    def rest(self) -> pa.Table:
        """All labels not yet handed out."""
        return self._take(self._labels.num_rows)

    def _take(self, end: int) -> pa.Table:
        part = self._labels.slice(self.next, max(end - self.next, 0))
        self.next = max(self.next, end)
        return part
