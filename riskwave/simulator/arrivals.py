"""The way to the bank: rows sent twice, late, out of order, or broken."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskwave.simulator.arrow import Column
from riskwave.simulator.draws import MICROS, Ints, stream
from riskwave.simulator.malformed import malformed_rows
from riskwave.simulator.wire import as_texts, raw_rows
from riskwave.sources.batch import RAW_SCHEMA, empty_table

_MINUTE = 60 * MICROS
#: Rows made at a time: their texts and lines stay far below what one Arrow array can hold.
CHUNK = 1 << 17


@dataclass(frozen=True)
class Disorder:
    """Shares of the events to which each mishap happens."""

    duplicates: float = 0.0
    late: float = 0.0
    out_of_order: float = 0.0
    malformed: float = 0.0


@dataclass(frozen=True)
class Order:
    """Payments as they arrive, times in microseconds since 1970.

    sent: when each payment's message was sent (n), to the millisecond; position: of payments in order of arrival,
    duplicates included (m); arrived: when each of those arrived (m).
    """

    sent: Ints
    position: Ints
    arrived: Ints


def arrival_order(ts: Ints, disorder: Disorder, seed: int) -> Order:
    """How payments made at `ts` (n, microseconds since 1970) arrive: a message is sent when it arrives first."""
    rng, rows = stream(seed, 11), len(ts)
    arrived = ts.astype(np.int64)
    swapped = _some(rng, rows, disorder.out_of_order)
    arrived[swapped] += (rng.uniform(1, 120, len(swapped)) * MICROS).astype(np.int64)
    late = _some(rng, rows, disorder.late)
    # half within an hour, a tail to a day
    delay = np.clip(rng.lognormal(np.log(40), 1.5, len(late)), 3, 1440)
    arrived[late] = ts[late] + (delay * _MINUTE).astype(np.int64)
    arrived = arrived // 1000 * 1000
    again = _some(rng, rows, disorder.duplicates)
    second = arrived[again] + (rng.exponential(6, len(again)) * _MINUTE).astype(np.int64) + MICROS
    position = np.r_[np.arange(rows), again]
    when = np.r_[arrived, second]
    order = np.argsort(when, kind="stable")
    return Order(arrived, position[order], when[order])


class Arrivals:
    """RAW_SCHEMA rows of `transactions` (in order of arrival) with malformed ones among them.

    Rows are made when asked for. A malformed one comes right after the good one that it was made from.
    """

    def __init__(self, transactions: pa.Table, arrived: Ints, disorder: Disorder, seed: int) -> None:
        self._good, self._arrived = transactions, arrived
        rng = stream(seed, 12)
        self._spoiled = np.sort(_some(rng, len(transactions), disorder.malformed))
        made_from = raw_rows(as_texts(transactions.take(self._spoiled)))
        self._bad = malformed_rows(rng, made_from) if len(self._spoiled) else empty_table()
        self._bad_at = self._spoiled + np.arange(len(self._spoiled)) + 1

    def __len__(self) -> int:
        return len(self._good) + len(self._bad)

    def rows(self, start: int, count: int) -> pa.Table:
        """Up to `count` rows from number `start`; source_offset numbers them from 0."""
        stop = min(start + count, len(self))
        parts = [self._chunk(at, min(at + CHUNK, stop)) for at in range(start, stop, CHUNK)]
        return pa.concat_tables(parts) if parts else empty_table()

    def _chunk(self, start: int, stop: int) -> pa.Table:
        first_bad, last_bad = np.searchsorted(self._bad_at, [start, stop])
        first_good, last_good = start - first_bad, stop - last_bad
        good = raw_rows(as_texts(self._good.slice(first_good, last_good - first_good)))
        bad_at = self._bad_at[first_bad:last_bad] - start
        number = np.arange(start, stop)
        is_bad = np.zeros(stop - start, bool)
        is_bad[bad_at] = True
        take = np.empty(stop - start, np.int64)
        take[~is_bad] = np.arange(len(good))
        take[bad_at] = len(good) + np.arange(len(bad_at))
        rows = good
        if len(bad_at):
            rows = pa.concat_tables([good, self._bad.slice(first_bad, len(bad_at))]).take(take)
        # a bad row arrives with the good one before it
        good_before = number - np.searchsorted(self._bad_at, number, side="right")
        when = pa.array(self._arrived[good_before]).cast(pa.timestamp("us"))
        return _with(rows, source_offset=pa.array(number), received_at=when)


def _with(rows: pa.Table, **columns: Column) -> pa.Table:
    for name, column in columns.items():
        place = RAW_SCHEMA.get_field_index(name)
        rows = rows.set_column(place, RAW_SCHEMA.field(place), column)
    return rows


def _some(rng: np.random.Generator, rows: int, share: float) -> Ints:
    """Different positions: this share of the rows, to the nearest."""
    return rng.permutation(rows)[: round(rows * share)]
