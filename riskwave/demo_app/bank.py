"""The bank of the demonstration: a month of history up to a moment, and what comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskwave.simulator.bank import START_US, SimulatedBank, simulate
from riskwave.sources.batch import utc_now

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Bank:
    """A simulated bank, moved to today. cut: the number of the first payment that comes live; begins: its time, UTC."""

    bank: SimulatedBank
    cut: int
    begins: datetime

    def payments(self) -> Iterator[tuple[datetime, dict[str, Any]]]:
        """Live payments in order with their times, as JSON has them."""
        for row in self.bank.transactions.slice(self.cut).to_pylist():
            at = row["event_ts"]
            said = {name: _plain(value) for name, value in row.items() if value is not None}
            yield at, said

    def labels(self, *, live: bool) -> pa.Table:
        """Labels that arrive before the live payments begin, or after."""
        arrived = self.bank.labels.column("arrived_at")
        moment = pa.scalar(self.begins, arrived.type)
        return self.bank.labels.filter(pc.greater_equal(arrived, moment) if live else pc.less(arrived, moment))


def make_bank(events: int, seed: int, *, days: int = 30, live_days: float = 4.0, speed: float = 60.0) -> Bank:
    """A bank whose last payment is made when it will be, at `speed` times the clock's pace, or up to a day before."""
    made = simulate(events, seed, days=days)
    now = utc_now()
    ends = datetime.fromtimestamp(START_US / 1e6, UTC).replace(tzinfo=None) + days * DAY
    moved = (now + timedelta(days=live_days / speed) - ends) // DAY * DAY  # whole days: people keep their hours
    bank = replace(
        made,
        transactions=_moved(made.transactions, moved),
        profiles=_moved(made.profiles, moved),
        devices=_moved(made.devices, moved),
        labels=_moved(made.labels, moved),
        arrived_us=made.arrived_us + round(moved.total_seconds() * 1e6),
    )
    begins = ends + moved - live_days * DAY
    times = bank.transactions.column("event_ts").to_numpy()
    return Bank(bank, int(np.searchsorted(times, np.datetime64(begins, "us"))), begins)


def _moved(table: pa.Table, by: timedelta) -> pa.Table:
    """A table with its times moved."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            moved = pc.add(table.column(place), pa.scalar(by, pa.duration("us"))).cast(field.type)
            table = table.set_column(place, field, moved)
    return table


def _plain(value: Any) -> Any:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value
