"""The scope of a batch: the history of its keys within a window model's lookback, and who is affected by whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskwave.engine.columns import NULL_CODE
from riskwave.engine.index import Ints, Positions
from riskwave.engine.memory import History, Tiles, seconds_of
from riskwave.engine.plan import Plan
from riskwave.engine.tiles import EPOCH_2000

DAY = 86_400


@dataclass(frozen=True)
class Scope:
    """Rows in order of key, time and event_id.

    others: positions of rows outside the batch, with their key codes and ordinals; rows: ordinals in the batch
    (`_row`) of the batch's rows that have the key, with codes and ordinals; pairs: upper bound on the pairs that a
    join of the batch with the scope forms.
    """

    others: Positions
    others_key: npt.NDArray[np.int32]
    others_seq: Ints
    rows: npt.NDArray[np.int32]
    rows_key: npt.NDArray[np.int32]
    rows_seq: Ints
    pairs: int


def gather(history: History, entity: str, lookback: int, batch: Positions, row_of: npt.NDArray[np.int32]) -> Scope:
    """The rows of the batch's keys from the earliest batch row less the lookback to the latest batch row.

    `row_of` gives, by position, the row's ordinal in the batch or -1.
    """
    codes = history.store.columns[entity].at(batch)
    ticks = seconds_of(history.store.columns["event_ts"].at(batch))
    has = codes != NULL_CODE
    codes, ticks = codes[has], ticks[has]
    order = np.lexsort((ticks, codes))
    codes, ticks = codes[order], ticks[order]
    first = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1]))) if len(codes) else np.empty(0, np.int64)
    last = np.concatenate((first[1:], [len(codes)])) - 1 if len(codes) else first
    # One second more at the start: entries are whole seconds, windows are exact.
    entries, positions = history.between(entity, codes[first], ticks[first] - lookback - 1, ticks[last] + 1)
    positions = _by_event_id(history, entries, positions)
    keys = (entries >> 32).astype(np.int32)
    ordinal = np.arange(len(positions), dtype=np.int64)
    rows = row_of[positions]
    own = rows >= 0
    in_batch = np.bincount(np.searchsorted(codes[first], keys[own]), minlength=len(first))
    in_scope = np.bincount(np.searchsorted(codes[first], keys), minlength=len(first))
    return Scope(
        others=positions[~own],
        others_key=keys[~own],
        others_seq=ordinal[~own],
        rows=rows[own],
        rows_key=keys[own],
        rows_seq=ordinal[own],
        pairs=int((in_batch * in_scope).sum()),
    )


def _by_event_id(history: History, entries: Ints, positions: Positions) -> Positions:
    """The positions with rows of the same key and second put in order of time and event_id."""
    same = np.flatnonzero(entries[1:] == entries[:-1])
    if len(same) == 0:
        return positions
    tied = np.union1d(same, same + 1)
    at = positions[tied]
    names = history.store.columns["event_id"].arrow(at).to_pylist()
    moments = history.store.columns["event_ts"].at(at).tolist()
    keys = entries[tied].tolist()
    order = sorted(range(len(tied)), key=lambda place: (keys[place], moments[place], names[place].encode()))
    result = positions.copy()
    result[tied] = at[order]
    return result


@dataclass(frozen=True)
class Newest:
    """The latest payment so far, by when it was made and by when it counts: microseconds since 1970."""

    made: int
    counted: int


def touched(
    plan: Plan, history: History, tiles: Tiles, fresh: Positions, newest: Newest, frauds: pa.Table
) -> Positions:
    """Rows decided before whose windows the fresh rows or newly confirmed frauds lie in.

    newest: before the fresh ones; what comes after it touches nothing.
    """
    found: list[Positions] = []
    moments, counted = history.store.columns["event_ts"].at(fresh), history.counted(fresh)
    late = moments <= newest.made
    if late.any():
        ticks, end = seconds_of(moments[late]), _end(newest.made)
        for entity, reach in plan.reaches.items():
            codes = history.store.columns[entity].at(fresh[late])
            found.append(history.between(entity, codes, ticks, np.minimum(ticks + reach + 1, end))[1])
    late, end = counted <= newest.counted, _end(newest.counted)
    if late.any():
        ticks = seconds_of(counted[late])
        for store in tiles.stores:
            spec = store.spec
            codes = history.store.columns[spec.entity].at(fresh[late])
            found.append(_after(history, spec.entity, codes, ticks, spec.unit, spec.lookback, end))
    if frauds.num_rows:
        ticks = seconds_of(frauds.column("arrived_at").to_numpy().astype("datetime64[us]").astype(np.int64))
        for store in tiles.stores:
            spec = store.spec
            if spec.unit == DAY:
                vocabulary = history.store.columns[spec.entity].vocabulary
                codes = vocabulary.known(frauds.column(spec.entity))
                found.append(_after(history, spec.entity, codes, ticks, spec.unit, spec.lookback, end))
    if not found:
        return np.empty(0, np.int32)
    positions = np.unique(np.concatenate(found))
    return positions[history.version[positions] > 0].astype(np.int32)


def _end(newest: int) -> int:
    return newest // 1_000_000 - EPOCH_2000 + 1


def _after(
    history: History, entity: str, codes: npt.NDArray[np.int32], ticks: Ints, unit: int, lookback: int, end: int
) -> Positions:
    """Rows of the keys that are served by the tiles which hold the ticks."""
    served = (ticks // unit + 1) * unit
    return history.counted_between(entity, codes, served, np.minimum(served + lookback, end))
