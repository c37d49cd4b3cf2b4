"""The thread that owns the state and decides; what asks it waits for its commits."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from riskwave.contracts import Decision
from riskwave.engine.engine import Engine
from riskwave.engine.outcome import Outcome
from riskwave.engine.stager import Stager
from riskwave.engine.state import read_offsets
from riskwave.errors import RiskwaveError
from riskwave.risingwave.dsn import Address
from riskwave.risingwave.past import Past
from riskwave.run.cli import Inputs
from riskwave.run.labels import LabelFeed
from riskwave.run.loop import Limits, decide_all
from riskwave.run.reader import Reader
from riskwave.run.resume import resume
from riskwave.serve.desk import EVENTS, REQUESTS, Ask, Desk
from riskwave.serve.labels import LabelDesk
from riskwave.serve.metrics import Metrics
from riskwave.serve.problems import ProblemError
from riskwave.serve.reading import Reading
from riskwave.serve.recalling import UNREAD, Recalling
from riskwave.serve.settings import Settings
from riskwave.serve.spool import Spool, spool_folder

log = logging.getLogger("riskwave.serve")

RECENT = 20_000  # decisions kept in memory for who asks again
FORGET_EVERY = 10_000
AHEAD = 4_000  # rows of the source that may wait staged
#: Columns of an answer.
COLUMNS = tuple(Decision.model_fields)


@dataclass(frozen=True)
class Answer:
    """The first decision of an event. again: it was made before; features: what was known, where that was asked for."""

    decision: dict[str, Any]
    again: bool = False
    features: dict[str, Any] | None = None


class Decider:
    """A state, its engine and the loop on a thread of its own."""

    def __init__(
        self,
        state: Path,
        settings: Settings,
        *,
        inputs: Inputs | None = None,
        history: Address | None = None,
        memory: str = "1GB",
    ) -> None:
        """Open the state.

        inputs: a source that is decided beside the requests, with its labels and facts; history: a RisingWave
        deployment that has the history, instead of the state. Raises RiskwaveError where that does not answer.
        """
        self.state = state
        self.metrics = Metrics()
        self.fault: Exception | None = None
        state.parent.mkdir(parents=True, exist_ok=True)
        self.engine = Engine(state, memory=memory, recalls=history is not None)
        self._past = Past(history, self.engine.bench) if history is not None else None
        connection = self.engine.connection
        self._stager = Stager(self.engine.plan)
        self.desk = Desk(self._stager, settings, first=read_offsets(connection, REQUESTS).get(0, 0))
        start = read_offsets(connection, EVENTS).get(0, 0)
        self.spool = Spool(spool_folder(state), self.desk.accept, start=start)
        self.desk.accept(self.spool.waiting(start))
        self.labels = LabelDesk(self.desk.labels_wait, self._feed(inputs))
        self.reading = Reading(connection, self.engine.store, state, readers=settings.readers)
        self._forgotten = start // FORGET_EVERY
        self._limits = Limits(batch_s=settings.batch_s)
        self._inputs = inputs
        self._recent: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, "riskwave-again")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="riskwave-loop", daemon=True)
        self._failed: Callable[[], None] = lambda: None
        #: Called when decisions were committed that raise an alert, or may change one.
        self.flagged: Callable[[], None] = lambda: None

    def start(self, failed: Callable[[], None] = lambda: None) -> None:
        """Begin to decide; failed: called when it cannot go on."""
        self._failed = failed
        if self._inputs is not None:
            source = self._inputs.source
            resume(self.engine.connection, source)
            self.desk.read(Reader(source, self.engine.stager, ahead=AHEAD, changed=self.desk.changed))
        self._thread.start()
        self.metrics.ready.set(1)

    @property
    def deciding(self) -> bool:
        """Whether it decides."""
        return self._thread.is_alive() and self.fault is None

    @property
    def recalls(self) -> bool:
        """Whether the history is a RisingWave deployment's."""
        return self._past is not None

    def ask(self, asks: Sequence[Ask]) -> None:
        """Have events decided; an event that was decided lately is answered at once, with its first decision."""
        fresh = []
        for one in asks:
            with self._lock:
                known = self._recent.get(one.event_id)
            if known is None or one.features:
                fresh.append(one)
            else:
                self.metrics.cache.labels("memory").inc()
                one.answer.set_result(Answer(known, again=True))
        if fresh:
            self.desk.put(fresh)

    def first(self, event_id: str) -> dict[str, Any] | None:
        """The first decision of an event, from memory or the state."""
        with self._lock:
            known = self._recent.get(event_id)
        if known is not None:
            return known
        rows = self.reading.rows(
            f"select {', '.join(COLUMNS)} from decisions where event_id = $event_id and version = 1 limit 1",
            {"event_id": event_id},
        )
        if rows or self._past is None:
            return rows[0] if rows else None
        try:
            there = self._past.decision(event_id)
        except RiskwaveError as fault:
            raise ProblemError(503, UNREAD, retry_after=1) from fault
        return None if there is None else {name: there.get(name) for name in COLUMNS}

    def finish(self) -> None:
        """Decide what waits, and commit; the state can still be read."""
        self.metrics.ready.set(0)
        self.desk.close()
        if self._thread.ident is not None:
            self._thread.join()

    def close(self) -> None:
        """Decide what waits, commit, and close the state."""
        self.finish()
        self._pool.shutdown()
        self.spool.close()
        self.reading.close()
        if self._past is not None:
            self._past.close()
        if self.fault is None:
            self.engine.close()
        self._stager.close()

    def _feed(self, inputs: Inputs | None) -> LabelFeed | None:
        """Take in a source's facts; gives its labels."""
        if inputs is None:
            return None
        if inputs.profiles is not None:
            self.engine.add_facts("card_profiles", inputs.profiles)
        if inputs.devices is not None:
            self.engine.add_facts("devices", inputs.devices)
        if inputs.labels is None:
            return None
        name, table = inputs.labels
        feed = LabelFeed(name, table)
        feed.next = read_offsets(self.engine.connection, feed.name).get(0, 0)
        return feed

    def _work(self) -> None:
        try:
            decide_all(
                self.engine,
                self.desk if self._past is None else Recalling(self.desk, self.engine, self._past),
                labels=self.labels,
                limits=self._limits,
                stop=self._stop,
                committed=self._committed,
                tell=self._tell,
            )
        except BaseException as error:
            log.exception("the engine cannot go on")
            self.fault = error if isinstance(error, Exception) else RuntimeError(str(error))
            self.metrics.ready.set(0)
            fault = ProblemError(503, "the engine stopped; what was answered is kept", retry_after=10)
            self.desk.fail(fault)
            self.labels.fail(fault)
            self._failed()

    def _tell(self) -> None:
        self.metrics.lag.set(self.desk.waiting)
        self.metrics.history.set(len(self.engine.history))
        self.metrics.control.set(self.engine.ruling.control_version)

    def _committed(self, raw: pa.Table, began: float, outcome: Outcome) -> None:
        """Answer who waits for rows of a batch; on the store's thread."""
        labels = outcome.rows.get("labels")
        if labels is not None and labels.num_rows:
            self.labels.committed()
        asks = self.desk.asks_of(raw)
        if asks:
            self._answer(asks, outcome)
        if raw.num_rows:
            self.desk.pace.add(raw.num_rows, time.perf_counter() - began)
        self.metrics.batch_committed(raw, began, outcome)
        if outcome.flags:
            self.flagged()
        self._forget(raw)

    def _forget(self, raw: pa.Table) -> None:
        """Let go of accepted events that are decided, now and then."""
        done = pc.max(raw.filter(pc.equal(raw.column("source"), EVENTS)).column("source_offset")).as_py()
        if done is None:
            return
        self.desk.decided(done + 1)
        if done // FORGET_EVERY > self._forgotten:
            self._forgotten = done // FORGET_EVERY
            self.spool.forget(done + 1)

    def _answer(self, asks: Sequence[Ask], outcome: Outcome) -> None:
        wanted = pa.array([ask.event_id for ask in asks])
        made = _firsts(outcome.rows.get("decisions"), wanted, COLUMNS)
        known: dict[str, dict[str, Any]] = {}
        if any(ask.features for ask in asks):
            known = _firsts(outcome.rows.get("decision_input"), wanted, None)
        reasons: dict[int, str] = {}
        rejected = outcome.rows.get("rejected_events")
        if rejected is not None and rejected.num_rows:
            own = rejected.filter(pc.equal(rejected.column("source"), REQUESTS))
            offsets, texts = (own.column(name).to_pylist() for name in ("source_offset", "reject_reason"))
            reasons = dict(zip(offsets, texts, strict=True))
        answered: set[str] = set()
        for ask in asks:
            decision = made.get(ask.event_id)
            if ask.offset in reasons:
                ask.answer.set_exception(ProblemError(422, reasons[ask.offset]))
            elif decision is not None:
                again = ask.event_id in answered
                ask.answer.set_result(Answer(decision, again, known.get(ask.event_id) if ask.features else None))
                answered.add(ask.event_id)
            else:
                self._pool.submit(self._again, ask)
        with self._lock:
            self._recent.update(made)
            while len(self._recent) > RECENT:
                self._recent.popitem(last=False)

    def _again(self, ask: Ask) -> None:
        """Answer an event that was decided earlier."""
        try:
            decision = self.first(ask.event_id)
            self.metrics.cache.labels("state").inc()
            if decision is None:
                raise ProblemError(409, f"{ask.event_id}: is known, and its decision is not")
            features = None
            if ask.features:
                found = self.reading.rows(
                    "select * from decision_input where event_id = $event_id and version = 1 limit 1",
                    {"event_id": ask.event_id},
                )
                features = found[0] if found else self._past.features(ask.event_id) if self._past else None
            ask.answer.set_result(Answer(decision, again=True, features=features))
        except Exception as fault:
            ask.answer.set_exception(fault)


def _firsts(table: pa.Table | None, wanted: pa.Array, columns: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """First versions' rows of wanted events, by event."""
    if table is None or table.num_rows == 0:
        return {}
    mask = pc.and_(pc.equal(table.column("version"), 1), pc.is_in(table.column("event_id"), wanted))
    rows = table.filter(mask)
    shown = [name for name in rows.column_names if not name.startswith("_")]
    rows = rows.select([name for name in columns if name in shown] if columns else shown)
    return {row["event_id"]: row for row in rows.to_pylist()}
