"""The way to the bank: rows sent twice, late, out of order, or broken."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskwave.simulator.draws import MICROS, Floats, Ints, stream
from riskwave.simulator.malformed import malformed_rows
from riskwave.simulator.wire import as_texts, raw_rows

_MINUTE = 60 * MICROS


@dataclass(frozen=True)
class Disorder:
    """Shares of the events to which each mishap happens."""

    duplicates: float = 0.0
    late: float = 0.0
    out_of_order: float = 0.0
    malformed: float = 0.0


def arrival_order(ts: Ints, disorder: Disorder, seed: int) -> tuple[Ints, Ints]:
    """Positions in `ts` in order of arrival, duplicates included, and when each arrived (microseconds)."""
    rng, rows = stream(seed, 11), len(ts)
    arrived = ts.astype(np.int64)
    swapped = _some(rng, rows, disorder.out_of_order)
    arrived[swapped] += (rng.uniform(1, 120, len(swapped)) * MICROS).astype(np.int64)
    late = _some(rng, rows, disorder.late)
    # half within an hour, a tail to a day
    delay = np.clip(rng.lognormal(np.log(40), 1.5, len(late)), 3, 1440)
    arrived[late] = ts[late] + (delay * _MINUTE).astype(np.int64)
    again = _some(rng, rows, disorder.duplicates)
    second = arrived[again] + (rng.exponential(6, len(again)) * _MINUTE).astype(np.int64) + MICROS
    position = np.r_[np.arange(rows), again]
    when = np.r_[arrived, second]
    order = np.argsort(when, kind="stable")
    return position[order], when[order]


def raw_arrivals(transactions: pa.Table, arrived: Ints, disorder: Disorder, seed: int) -> pa.Table:
    """RAW_SCHEMA rows of `transactions` (in order of arrival), with the malformed ones among them."""
    good = raw_rows(as_texts(transactions))
    rng = stream(seed, 12)
    spoiled = _some(rng, len(good), disorder.malformed)
    bad = malformed_rows(rng, good.take(np.sort(spoiled)))
    # a broken row arrives just after the one it was made from
    after: Floats = np.r_[np.arange(len(good), dtype=np.float64), np.sort(spoiled) + 0.5]
    order = np.argsort(after, kind="stable")
    both = pa.concat_tables([good, bad]).take(order)
    when = pa.array(np.r_[arrived, arrived[np.sort(spoiled)]][order]).cast(pa.timestamp("us"))
    offset = pa.array(np.arange(len(both), dtype=np.int64))
    both = both.set_column(both.schema.get_field_index("received_at"), both.schema.field("received_at"), when)
    return both.set_column(
        both.schema.get_field_index("source_offset"), both.schema.field("source_offset"), offset
    )


def _some(rng: np.random.Generator, rows: int, share: float) -> Ints:
    """Different positions: this share of the rows, to the nearest."""
    return rng.permutation(rows)[: round(rows * share)]
