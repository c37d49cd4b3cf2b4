"""Where requests wait for the loop: they and a source's rows are decided in one batch, by one path."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from riskwave.engine.stager import Staged, Stager, joined
from riskwave.run.reader import Reader
from riskwave.serve.pace import Pace
from riskwave.serve.problems import ProblemError
from riskwave.serve.settings import Settings
from riskwave.serve.spool import Record
from riskwave.sources.batch import FIELDS, raw_table
from riskwave.sources.json_rows import decode_json

log = logging.getLogger("riskwave.serve")

#: What the column `source` says of an event that was asked about, and of one that was handed in to be decided later.
REQUESTS, EVENTS = "api:decisions", "api:events"
#: What is expected of answers is off by about this while others wait: an early no is worth more than a late one.
MARGIN = 1.3
STALL_S = 0.3  # what may come between now and then: the journal is moved, an index merged, rules exchanged
EACH_S = 0.0007  # of the thread that reads requests and writes their answers
COMPANY_S = 0.003  # a request that comes alone waits this long for others to share its batch


@dataclass
class Ask:
    """An event that somebody waits for.

    deadline: time.monotonic; received: microseconds since 1970; features: whether the answer has what was known;
    expected: seconds that its batches were expected to take; trace: what its batch links to; answer: an Answer, or a
    ProblemError.
    """

    event_id: str
    body: bytes
    deadline: float
    received: int
    offset: int = -1
    features: bool = False
    expected: float = 0.0
    trace: Any = None
    answer: Future[Any] = field(default_factory=Future)


class Place:
    """A request's place at a desk, from its first look to its answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._comes = self._here = True

    def waits(self) -> None:
        """From now on its events are counted, not itself."""
        self._desk.coming -= self._comes
        self._comes = False

    def leave(self) -> None:
        """It is answered, or went away."""
        self.waits()
        self._desk.present -= self._here
        self._here = False


class Desk:
    """An intake of the loop: requests first, then accepted events, then a source's rows. For use by several threads."""

    def __init__(self, stager: Stager, settings: Settings, *, first: int = 0) -> None:
        """stager: for requests alone; first: the number of the first request."""
        self._stager = stager
        self._settings = settings
        self.changed = threading.Condition(threading.RLock())
        self._asks: deque[Ask] = deque()
        self._events: deque[Record] = deque()
        self._labels = False
        self._begun: list[Record] = []  # accepted events of the last batches, until the next one
        self._taken: dict[int, Ask] = {}
        self._next = first
        self._closing = False
        self._busy: tuple[float, int] | None = None  # the batch in hand: when it was taken, and its rows
        self._stream: Reader | None = None
        self.stream_fault: str | None = None
        self.pace = Pace()
        self.expired = 0
        #: Requests that were let in and whose events do not wait yet, and those not answered yet; for one thread.
        self.coming = self.present = 0

    def read(self, stream: Reader) -> None:
        """Decide a source's rows too; the reader was made with this desk's `changed`."""
        self._stream = stream

    # -- from the requests' threads -----------------------------------------------------------------------------------

    def put(self, asks: Sequence[Ask]) -> None:
        """Have events decided in one batch. Raises ProblemError when that cannot be in time."""
        with self.changed:
            self.admit(min(ask.deadline for ask in asks), len(asks))
            expected = self._batches(len(asks)) + self.present * EACH_S
            for ask in asks:
                ask.expected = expected
                ask.offset = self._next
                self._next += 1
            self._asks.extend(asks)
            self.changed.notify_all()

    def place(self, deadline: float) -> Place:
        """Let a request in: those after it are told to wait for it too. Raises ProblemError as `admit`."""
        # Many are read before the first one's event waits here: each has to be counted at once.
        self.admit(deadline, 1 + self.coming)
        self.coming += 1
        self.present += 1
        return Place(self)

    def admit(self, deadline: float, rows: int = 1) -> None:
        """Raises ProblemError when events that come now would not be decided by their deadline."""
        with self.changed:
            if self._closing:
                raise ProblemError(503, "the server is stopping; ask another, or this one again", retry_after=5)
            waiting = len(self._asks)
            if waiting + rows > self._settings.queue:
                raise ProblemError(503, f"{waiting:,} events wait already; come again", retry_after=self.ahead(rows))
            ahead = self.ahead(rows)
            left = deadline - time.monotonic()
            # Who has the time leaves some of it; who has not takes the risk.
            usable = max(left - STALL_S, min(left, STALL_S))
            if ahead > usable:
                raise ProblemError(
                    503,
                    f"a decision would take {ahead * 1000:,.0f} ms, {max(usable, 0) * 1000:,.0f} may be used: the "
                    f"deadline is in {max(left, 0) * 1000:,.0f}; {waiting:,} events wait",
                    retry_after=ahead,
                )

    def ahead(self, rows: int) -> float:
        """Seconds until events that come now would be answered."""
        # Who is alone is never refused for what others met.
        idle = self._busy is None and not self._asks
        expected = self._batches(rows) + self.present * EACH_S
        return expected * (1.0 if idle else MARGIN * self.pace.factor)

    def _batches(self, rows: int) -> float:
        """Seconds of the rest of the batch in hand, and of the one after it."""
        next_one = self.pace.seconds(len(self._asks) + rows)
        if self._busy is None:
            return next_one
        since, taken = self._busy
        expected, gone = self.pace.seconds(taken), time.monotonic() - since
        if gone < expected:
            return expected - gone + next_one
        # The next one is believed to be slow too, within reason: it may be rules that are exchanged.
        return next_one * min(gone / max(expected, 1e-3), 2.0)

    def accept(self, records: Iterable[Record]) -> None:
        """Events that are safe, in the order of the spool."""
        with self.changed:
            self._events.extend(records)
            self.changed.notify_all()

    def waits(self, event_id: str) -> bool:
        """Whether an accepted event with that id is not decided yet."""
        wanted = event_id.encode("utf-8", "replace")
        with self.changed:
            return any(
                wanted in record.body and _id_of(record.body) == event_id for record in (*self._events, *self._begun)
            )

    def labels_wait(self) -> None:
        """Told that there are labels to take."""
        with self.changed:
            self._labels = True
            self.changed.notify_all()

    def close(self) -> None:
        """Take no more; what waits is still decided."""
        with self.changed:
            self._closing = True
            self.changed.notify_all()

    # -- from the loop ------------------------------------------------------------------------------------------------

    def take(self, rows: int, timeout_s: float) -> Staged | None:
        """What waits, up to `rows` rows; None once it is closed and nothing waits."""
        with self.changed:
            self._busy = None
            if not self._something():
                if self._stream is not None:
                    self._stream.ask()
                self.changed.wait_for(lambda: self._something() or self._closing, timeout_s)
                if self._asks and not self._closing:
                    self.changed.wait_for(lambda: len(self._asks) >= rows, COMPANY_S)
            if self._closing and not self._something():
                return None
            self._labels = False
            asks = self._due(rows)
            events = [self._events.popleft() for _ in range(min(len(self._events), rows - len(asks)))]
            self._begun = [*self._begun, *events]
            self._busy = (time.monotonic(), len(asks) + len(events))
            self._taken.update((ask.offset, ask) for ask in asks)
        parts = []
        if asks or events:
            asked = tuple(ask.trace for ask in asks if ask.trace is not None)
            parts.append(replace(self._stager.stage(self._table(asks, events)), links=asked))
        room = rows - len(asks) - len(events)
        if self._stream is not None and not self._closing and (room > 0 or not parts):
            parts.append(self._streamed(room))
        parts = [part for part in parts if part.raw.num_rows] or [self._stager.nothing]
        taken = joined(parts)
        if taken.raw.num_rows:
            with self.changed:
                self._busy = (time.monotonic(), taken.raw.num_rows)
        return taken

    def offsets(self, raw: pa.Table) -> dict[str, dict[int, int]]:
        """The next offsets of requests, accepted events and the source."""
        found: dict[str, dict[int, int]] = {}
        last = raw.group_by("source").aggregate([("source_offset", "max")]).to_pylist()
        own = {row["source"]: row["source_offset_max"] + 1 for row in last if row["source"] in (REQUESTS, EVENTS)}
        for name, offset in own.items():
            found[name] = {0: offset}
        if self._stream is not None and len(own) < len(last):
            others = raw.filter(pc.invert(pc.is_in(raw.column("source"), pa.array([REQUESTS, EVENTS]))))
            found |= self._stream.offsets(others)
        return found

    @property
    def idle(self) -> bool:
        """Never: somebody may ask."""
        return False

    @property
    def waiting(self) -> int:
        """Events that wait here, and those known to wait at the source."""
        return len(self._asks) + len(self._events) + (self._stream.waiting if self._stream is not None else 0)

    def asks_of(self, raw: pa.Table) -> list[Ask]:
        """Who waits for rows that were taken, once."""
        own = raw.filter(pc.equal(raw.column("source"), REQUESTS)).column("source_offset").to_pylist()
        return [ask for ask in map(self.taken, own) if ask is not None]

    def taken(self, offset: int) -> Ask | None:
        """The request of a row that was decided, once."""
        return self._taken.pop(offset, None)

    def give_back(self, raw: pa.Table, fault: Exception) -> bool:
        """Undo a take: who asked is told of the fault; accepted events wait again, and whether there are any."""
        given = set(raw.filter(pc.equal(raw.column("source"), EVENTS)).column("source_offset").to_pylist())
        with self.changed:
            asks = self.asks_of(raw)
            again = [record for record in self._begun if record.offset in given]
            self._begun = [record for record in self._begun if record.offset not in given]
            self._events.extendleft(reversed(again))
        for ask in asks:
            if not ask.answer.done():
                ask.answer.set_exception(fault)
        return bool(again)

    def decided(self, offset: int) -> None:
        """Accepted events before an offset are committed."""
        with self.changed:
            self._begun = [record for record in self._begun if record.offset >= offset]

    def fail(self, fault: Exception) -> None:
        """Tell everybody who waits that there will be no decision."""
        with self.changed:
            self._closing = True
            waiting = [*self._asks, *self._taken.values()]
            self._asks.clear()
            self._taken.clear()
        for ask in waiting:
            if not ask.answer.done():
                ask.answer.set_exception(fault)

    def _something(self) -> bool:
        stream = self._stream is not None and not self._closing and self._stream.ready
        return bool(self._asks) or bool(self._events) or self._labels or stream

    def _due(self, rows: int) -> list[Ask]:
        """The next requests; those that would be decided too late are told so, and not decided.

        One is always taken: else nothing would be learned of how long a batch takes now.
        """
        end = time.monotonic() + self.pace.seconds(min(len(self._asks), rows)) * self.pace.factor
        due: list[Ask] = []
        while self._asks and len(due) < rows:
            ask = self._asks.popleft()
            if ask.deadline > end or not (due or self._asks):
                due.append(ask)
            else:
                self.expired += 1
                ask.answer.set_exception(
                    ProblemError(
                        503, "the deadline passed before the event was begun; it is not decided", retry_after=1
                    )
                )
        return due

    def _table(self, asks: Sequence[Ask], events: Sequence[Record]) -> pa.Table:
        bodies = [*(ask.body for ask in asks), *(event.body for event in events)]
        columns, errors = decode_json(bodies, FIELDS)
        return raw_table(
            columns,
            raw=bodies,
            decode_error=errors,
            source=pa.array([REQUESTS] * len(asks) + [EVENTS] * len(events)),
            partition=0,
            offsets=[*(ask.offset for ask in asks), *(event.offset for event in events)],
            received_at=pa.array([*(ask.received for ask in asks), *(event.received for event in events)]).cast(
                pa.timestamp("us")
            ),
        )

    def _streamed(self, room: int) -> Staged:
        """The source's rows; without one from when it ends or fails: requests are still answered."""
        stream = self._stream
        assert stream is not None  # noqa: S101 - for the type checker
        try:
            found = stream.take(room, 0.0)
            ended = "it ended" if found is None else None
        except Exception as error:
            found, ended = None, str(error)
            log.error("the source is read no more: %s", error)
        if ended is not None:
            self.stream_fault = ended
            self._stream = None
            stream.close()
        return found or self._stager.nothing


def _id_of(body: bytes) -> str | None:
    found = orjson.loads(body)
    return found.get("event_id") if isinstance(found, dict) else None
