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
from functools import partial
from types import FrameType
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskwave.engine.engine import Engine
from riskwave.engine.outcome import Outcome
from riskwave.engine.stager import Staged
from riskwave.run.meter import Meter
from riskwave.run.reader import Reader
from riskwave.run.resume import resume
from riskwave.sources import Source
from riskwave.sources.batch import empty_table
from riskwave.tracing import batch

LEAST_ROWS = 256
MOST_ROWS = 20_000
ARCHIVE_EVERY = 100
TURN_S = 0.0005
FEW_ROWS = 1_000
PACE = 1.35  # after a batch of few rows the next one begins when this many times as long as that took is over
BATCH_S = 0.8  # a backlog is read in batches of about this long: longer gains little and keeps a rider waiting


@dataclass
class Limits:
    """When an unbounded run ends: after so many events, or when nothing more is waiting.

    batch_s: how long a batch of a backlog may take: longer carries more, and keeps what comes then waiting.
    """

    events: int | None = None
    until_idle: bool = False
    batch_s: float = BATCH_S


class Intake(Protocol):
    """What has arrived, staged."""

    def take(self, rows: int, timeout_s: float) -> Staged | None:
        """Up to `rows` rows or one piece; none when nothing came in time; None when nothing will come any more."""

    def offsets(self, raw: pa.Table) -> dict[str, dict[int, int]]:
        """The next offsets to read after rows that were taken, by source and partition."""

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and nothing has come for a while."""

    @property
    def waiting(self) -> int:
        """Rows known to wait."""


class Labels(Protocol):
    """Labels that go into the engine beside payments."""

    @property
    def offsets(self) -> dict[str, dict[int, int]]:
        """How far they were handed out, committed with the batch."""

    def upto(self, payments: pa.Table) -> pa.Table:
        """Labels that are due with a batch of RAW_SCHEMA rows, which may be empty."""

    def rest(self) -> pa.Table:
        """All others, at the end of a run."""


def run_loop(
    engine: Engine,
    source: Source,
    *,
    labels: Labels | None = None,
    limits: Limits | None = None,
    tell: Callable[[Meter, Reader], None] = lambda meter, reader: None,
    told: Callable[[Outcome], None] = lambda outcome: None,
) -> Meter:
    """Run a source through the engine until it ends, a limit is reached, or SIGINT or SIGTERM asks to stop.

    `tell` is called after every batch, `told` when one was committed, on a thread of the engine's. What was committed
    stays; a run started again goes on after it.
    """
    limits = limits or Limits()
    resume(engine.connection, source)
    reader = Reader(source, engine.stager, ahead=2 * MOST_ROWS, most=limits.events)
    meter = Meter()

    def committed(raw: pa.Table, began: float, outcome: Outcome) -> None:
        meter.add(outcome, _latencies(source, raw, time.perf_counter() - began))
        told(outcome)

    try:
        with stop_asked() as stop:
            decide_all(
                engine,
                reader,
                labels=labels,
                limits=limits,
                stop=stop,
                committed=committed,
                tell=lambda: tell(meter, reader),
            )
    finally:
        reader.close()
    return meter


def decide_all(
    engine: Engine,
    intake: Intake,
    *,
    labels: Labels | None,
    limits: Limits,
    stop: threading.Event,
    committed: Callable[[pa.Table, float, Outcome], None],
    tell: Callable[[], None],
) -> None:
    """Decide what arrives, batch by batch, until nothing more will come, a limit is reached, or `stop` is set.

    `committed` is called on a thread of the engine's, in order, with a batch's raw rows, when it was begun
    (time.perf_counter) and what it came to; `tell` after every batch was computed.
    """
    # What was loaded stays: looking through it for garbage would hold up a batch now and then.
    gc.collect()
    gc.freeze()
    # Three threads take turns with Python's lock; at its usual 5 ms a turn, waiting for it is half of a batch's time.
    sys.setswitchinterval(TURN_S)
    rows = LEAST_ROWS * 8
    taken = batches = 0
    while not stop.is_set() and (limits.events is None or taken < limits.events):
        room = rows if limits.events is None else min(rows, limits.events - taken)
        staged = intake.take(room, 0.2)
        if staged is None:
            break
        raw = staged.raw
        due = labels.upto(raw) if labels else None
        if raw.num_rows == 0 and (due is None or due.num_rows == 0):
            if limits.until_idle and intake.idle:
                break
            tell()
            continue
        began = time.perf_counter()
        with batch(raw.num_rows, staged.links) as traced:
            engine.decide(
                staged,
                labels=due,
                offsets=intake.offsets(raw) | (labels.offsets if labels else {}),
                done=traced(partial(committed, raw, began)),
            )
        took = time.perf_counter() - began
        taken += raw.num_rows
        tell()
        batches += 1
        if batches % ARCHIVE_EVERY == 0:
            engine.archive()
        if raw.num_rows < FEW_ROWS:
            # What it commits shares the machine with the next one: begun at once, both would be late, and smaller.
            stop.wait(max(PACE * took - (time.perf_counter() - began), 0.0))
        if raw.num_rows >= room:
            # There was more than fitted: batches grow towards the length that carries most.
            rows = int(min(max(rows * min(limits.batch_s / took, 2.0), LEAST_ROWS), MOST_ROWS))
    if labels is not None and not stop.is_set():
        rest = labels.rest()
        if rest.num_rows:
            engine.process(empty_table(), labels=rest, offsets=labels.offsets)
    engine.drain()


def _latencies(source: Source, raw: pa.Table, took: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Milliseconds by row: from append to the committed decision (a topic, a log), or the batch's own time (a file)."""
    if source.bounded:
        return np.full(raw.num_rows, took * 1000)
    appended = pc.cast(raw.column("received_at"), pa.int64()).to_numpy() / 1e6
    return (time.time() - appended) * 1000


@contextmanager
def stop_asked() -> Iterator[threading.Event]:
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
