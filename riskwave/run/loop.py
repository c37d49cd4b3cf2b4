"""The loop: take what has arrived, decide it, commit, measure, again."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskwave.engine.engine import Engine, Outcome
from riskwave.engine.state import read_offsets
from riskwave.run.labels import LabelFeed
from riskwave.run.meter import Meter
from riskwave.run.reader import Reader
from riskwave.sources import Source
from riskwave.sources.batch import empty_table

LEAST_ROWS = 256
MOST_ROWS = 20_000
ARCHIVE_EVERY = 100
TURN_S = 0.0005
BATCH_S = 0.8  # a backlog is read in batches of about this long: longer gains little and keeps a rider waiting


@dataclass
class Limits:
    """When an unbounded run ends: after so many events, or when nothing more is waiting."""

    events: int | None = None
    until_idle: bool = False


def run_loop(
    engine: Engine,
    source: Source,
    *,
    labels: LabelFeed | None = None,
    limits: Limits | None = None,
    tell: Callable[[Meter, Reader], None] = lambda meter, reader: None,
) -> Meter:
    """Run a source through the engine until it ends, a limit is reached, or SIGINT or SIGTERM asks to stop.

    `tell` is called after every batch. What was committed stays; a run started again goes on after it.
    """
    limits = limits or Limits()
    # What was loaded stays: looking through it for garbage would hold up a batch now and then.
    gc.collect()
    gc.freeze()
    # Three threads take turns with Python's lock; at its usual 5 ms a turn, waiting for it is half of a batch's time.
    sys.setswitchinterval(TURN_S)
    source.seek(read_offsets(engine.connection, source.name))
    reader = Reader(source, engine.stager, ahead=2 * MOST_ROWS)
    meter = Meter()
    rows = LEAST_ROWS * 8
    try:
        with _stop_asked() as stop:
            taken = batches = 0
            while not stop.is_set() and (limits.events is None or taken < limits.events):
                room = rows if limits.events is None else min(rows, limits.events - taken)
                staged = reader.take(room, 0.2)
                if staged is None:
                    break
                raw = staged.raw
                if raw.num_rows == 0:
                    if limits.until_idle and reader.idle:
                        break
                    continue
                began = time.perf_counter()
                due = labels.upto(raw) if labels else None
                done = _committed(source, raw, began, meter)
                engine.decide(staged, labels=due, offsets=_offsets(source, raw, labels), halfway=reader.ask, done=done)
                took = time.perf_counter() - began
                taken += raw.num_rows
                tell(meter, reader)
                batches += 1
                if batches % ARCHIVE_EVERY == 0:
                    engine.archive()
                if raw.num_rows >= room:
                    # There was more than fitted: batches grow towards the length that carries most.
                    rows = int(min(max(rows * min(BATCH_S / took, 2.0), LEAST_ROWS), MOST_ROWS))
            if labels is not None and not stop.is_set():
                rest = labels.rest()
                if rest.num_rows:
                    engine.process(empty_table(), labels=rest, offsets={labels.name: {0: labels.next}})
            engine.drain()
    finally:
        reader.close()
    return meter


def _offsets(source: Source, raw: pa.Table, labels: LabelFeed | None) -> dict[str, dict[int, int]]:
    last = raw.group_by("source_partition").aggregate([("source_offset", "max")])
    result = {
        source.name: {int(row["source_partition"]): int(row["source_offset_max"]) + 1 for row in last.to_pylist()}
    }
    if labels is not None:
        result[labels.name] = {0: labels.next}
    return result


def _committed(source: Source, raw: pa.Table, began: float, meter: Meter) -> Callable[[Outcome], None]:
    """Adds a batch to the meter when it is committed."""

    def done(outcome: Outcome) -> None:
        meter.add(outcome, _latencies(source, raw, time.perf_counter() - began))

    return done


def _latencies(source: Source, raw: pa.Table, took: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Milliseconds by row: from append to the committed decision (a topic, a log), or the batch's own time (a file)."""
    if source.bounded:
        return np.full(raw.num_rows, took * 1000)
    appended = pc.cast(raw.column("received_at"), pa.int64()).to_numpy() / 1e6
    return (time.time() - appended) * 1000


@contextmanager
def _stop_asked() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set: the batch in hand is committed, then the run ends."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
