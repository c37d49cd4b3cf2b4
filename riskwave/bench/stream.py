"""A bench on RisingWave: from a payment's append to Kafka until its decision's, at one rate after another."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg

from riskwave.bench.deployed import deployed
from riskwave.bench.kafka import Broker, Reader
from riskwave.bench.measure import Part, batch_seconds
from riskwave.engine.plan import make_plan
from riskwave.errors import RiskwaveError
from riskwave.parity.server import without_password
from riskwave.project import compiled_project
from riskwave.simulator.bank import simulate

DAYS = 12  # of the simulated bank: 24 payments a card, all of them in its windows
IDLE_S = 30.0  # without a decision, the rest is taken for lost
TOPICS = ("payments", "labels", "profiles", "devices", "decisions", "alerts")
SETTLE_S = 2.0  # after the last first decision, for those that supersede


@dataclass(frozen=True)
class Figures:
    """One rate: events a second offered and decided; milliseconds from append to append, of first decisions.

    behind: events not yet decided when the last one was offered; growth: by how many a second that grew, over the
    second half; one_row: share of events with one decision; undecided: events without one in the end.
    """

    rate: int
    events: int
    decided_per_s: float
    p50_ms: float
    p99_ms: float
    behind: int
    growth_per_s: float
    one_row: float
    undecided: int


@dataclass(frozen=True)
class Offered:
    """What is offered: over which broker, as RisingWave reaches it; rates in events a second, each for so many seconds.

    variables: more of dbt's, such as scoring_server.
    """

    kafka: str
    kafka_there: str
    rates: list[int]
    seconds: int
    variables: dict[str, str]

    @property
    def events(self) -> int:
        """Of all rates together."""
        return sum(self.rates) * self.seconds


@dataclass(frozen=True)
class StreamReport:
    """The rates, and beside them DuckDB's batch over the same payments by the same models."""

    rates: list[Figures]
    events: int
    batch_events_per_s: float

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return asdict(self)


def measure_stream(dsn: str, offered: Offered, *, say: Callable[[str], None] = lambda words: None) -> StreamReport:
    """Deploy the project into a schema of its own, offer payments at each rate, remove what was made, run the batch.

    Raises RiskwaveError when the server cannot be reached or the project cannot be deployed.
    """
    say(f"simulating {offered.events:,} payments")
    arrivals = simulate(offered.events, 11, days=DAYS).arrivals
    with tempfile.TemporaryDirectory(prefix="riskwave-bench-") as folder:
        try:
            rates = _rates(dsn, offered, Part(arrivals, 0, offered.events), Path(folder), say)
        except psycopg.Error as error:
            raise RiskwaveError(f"{without_password(dsn)}: {' '.join(str(error).split())}") from error
        say(f"DuckDB's batch over the same {offered.events:,}")
        seconds = batch_seconds(make_plan(compiled_project()), Part(arrivals, 0, offered.events), Path(folder))
    return StreamReport(rates, offered.events, offered.events / seconds)


def _rates(dsn: str, given: Offered, part: Part, scratch: Path, say: Callable[[str], None]) -> list[Figures]:
    name = f"riskwave_bench_{time.time_ns()}"
    broker = Broker(given.kafka)
    topics = {kind: f"{name}-{kind}" for kind in TOPICS}
    found: list[Figures] = []
    try:
        for topic in topics.values():
            broker.create(topic)
        say("deploying")
        variables = {f"{kind}_topic": topic for kind, topic in topics.items()}
        variables |= {"kafka_bootstrap": given.kafka_there, **given.variables}
        with (
            deployed(dsn, name, variables),
            Reader(broker, topics["payments"]) as offered,
            Reader(broker, topics["decisions"]) as decided,
        ):
            start = 0
            for rate in given.rates:
                say(f"{rate:,} events/s for {given.seconds} s")
                piece = Part(part.arrivals, part.start + start, rate * given.seconds)
                start += piece.count
                lines = write(piece, rate, scratch / "lines.jsonl")
                sender = broker.offer(topics["payments"], lines, rate)
                found.append(measure(rate, lines, offered, decided))
                sender.wait(30)
    finally:
        broker.remove()
    return found


def measure(rate: int, lines: Path, offered: Reader, decided: Reader, *, idle_s: float = IDLE_S) -> Figures:
    """Read both topics until each payment of the lines has its decision, or for idle_s nothing comes any more."""
    # What a payment of an earlier rate gets now is not this one's.
    events = {orjson.loads(line)["event_id"] for line in lines.read_bytes().splitlines()}
    appended: dict[str, int] = {}
    first: dict[str, int] = {}
    rows: Counter[str] = Counter()
    samples: list[tuple[float, int]] = []  # while payments are offered: when, and how many wait for their decision
    moved = time.monotonic()
    while time.monotonic() - moved < (SETTLE_S if len(first) == len(events) else idle_s):
        before = len(appended)
        appended.update(offered.take(0.01))
        came = [(event_id, at) for event_id, at in decided.take(0.05) if event_id in events]
        for event_id, at in came:
            rows[event_id] += 1
            first.setdefault(event_id, at)
        if before < len(events):
            samples.append((time.monotonic(), len(appended) - len(first)))
        if came or len(appended) > before:
            moved = time.monotonic()
    half = np.array(samples[len(samples) // 2 :], float)
    # What starts is not what goes on: the first third is left out.
    order = sorted(first.keys() & appended.keys(), key=lambda event_id: appended[event_id])
    waits = np.array([float(first[e] - appended[e]) for e in order[len(order) // 3 :]] or [np.nan])
    took = (max(first.values(), default=0) - min(appended.values(), default=0)) / 1000
    return Figures(
        rate=rate,
        events=len(events),
        decided_per_s=len(first) / took if took > 0 else 0.0,
        p50_ms=float(np.percentile(waits, 50)),
        p99_ms=float(np.percentile(waits, 99)),
        behind=samples[-1][1],
        growth_per_s=float(np.polyfit(half[:, 0] - half[0, 0], half[:, 1], 1)[0]) if len(half) > 2 else 0.0,
        one_row=sum(count == 1 for count in rows.values()) / max(len(rows), 1),
        undecided=len(events) - len(first),
    )


def write(part: Part, rate: int, path: Path) -> Path:
    """Payments as JSON lines, as far apart in event time as they will be offered."""
    began = datetime.now(UTC)
    with path.open("wb") as out:
        for place, said in enumerate(part.payments()):
            moment = began + timedelta(seconds=place / rate)
            out.write(orjson.dumps({**said, "event_ts": moment.isoformat(timespec="microseconds")}) + b"\n")
    return path
