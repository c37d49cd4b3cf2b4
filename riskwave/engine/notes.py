"""When the history begins and how far it has come, noted in the control store, which others may read meanwhile."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from riskwave.control import Control
from riskwave.control.warming import note_events
from riskwave.engine.archive import relation
from riskwave.engine.memory import micros

#: Microseconds that event time moves, and seconds that pass, before the store is told again.
STEP = 3_600_000_000
PAUSE_S = 5.0


class Notes:
    """first, last: microseconds since 1970 of the state's first and last event, archive included; None before any."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, state: Path | str, control: Control) -> None:
        self._control = control
        payments = relation(state, "stg_payments")
        found = connection.execute(
            f"select epoch_us(min(event_ts)), epoch_us(max(event_ts)) from {payments}"
        ).fetchall()[0]
        self.first, self.last = (None if moment is None else int(moment) for moment in found)
        self._told: tuple[int | None, int | None] = (None, None)
        self._when = 0.0
        self.write()

    def take(self, accepted: pa.Table) -> None:
        """Look at accepted events (n) before they are decided."""
        if accepted.num_rows == 0:
            return
        moments = micros(accepted.column("event_ts"))
        low, high = int(moments.min()), int(moments.max())
        self.first = low if self.first is None else min(self.first, low)
        self.last = high if self.last is None else max(self.last, high)
        first, last = self._told
        moved = first != self.first or last is None or self.last - last >= STEP
        if moved and time.monotonic() - self._when >= PAUSE_S:
            self.write()

    def begun(self, first: int) -> None:
        """The history begins elsewhere, at `first`."""
        self.first = first if self.first is None else min(self.first, first)

    def write(self) -> None:
        """Tell the store, unless another writes just now: then the next time."""
        now = (self.first, self.last)
        if now != self._told or self._when == 0.0:
            moments = [None if moment is None else _moment(moment) for moment in now]
            self._when = time.monotonic()
            if note_events(self._control, moments[0], moments[1]):
                self._told = now


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC).replace(tzinfo=None)
