"""What a bench on RisingWave measures, on a real Kafka: what is offered when, and how long after that it is decided."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import orjson
import pytest

from riskwave.bench.kafka import Broker, Reader
from riskwave.bench.measure import Part
from riskwave.bench.stream import measure, write
from riskwave.simulator import simulate
from tests.support.kafka_server import KafkaBroker

RATE = 400
EVENTS = 600


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(
        Part(simulate(2 * EVENTS, 3).arrivals, EVENTS, EVENTS), RATE, tmp_path_factory.mktemp("bench") / "lines"
    )


def test_payments_are_as_far_apart_as_they_are_offered(lines: Path) -> None:
    found = [orjson.loads(line) for line in lines.read_bytes().splitlines()]
    assert len({each["event_id"] for each in found}) == EVENTS
    first, last = (datetime.fromisoformat(found[place]["event_ts"]) for place in (0, -1))
    assert (last - first).total_seconds() == pytest.approx((EVENTS - 1) / RATE, abs=1e-3)


def test_what_comes_out_at_once_waited_for_nothing_and_what_never_does_is_told(
    kafka_broker: KafkaBroker, lines: Path, tmp_path: Path
) -> None:
    broker = Broker(kafka_broker.address)
    for topic in ("bench-in", "bench-late"):
        broker.create(topic)
    sender = broker.offer("bench-in", lines, RATE)
    # A topic that is read against itself: all is there, once, at the moment at which it was appended.
    with Reader(broker, "bench-in") as offered, Reader(broker, "bench-in") as decided:
        figures = measure(RATE, lines, offered, decided)
    sender.wait(30)
    assert (figures.undecided, figures.one_row, figures.p50_ms, figures.p99_ms) == (0, 1.0, 0, 0)
    # Offered for (EVENTS - 1) / RATE seconds by the broker's clock, or longer on a busy machine.
    assert 0 < figures.decided_per_s < 1.2 * RATE

    # Half of them again, later, and some of those twice.
    half = lines.read_bytes().splitlines()[: EVENTS // 2]
    kafka_broker.send("bench-late", [*half, *half[:30]])
    with Reader(broker, "bench-in") as offered, Reader(broker, "bench-late") as decided:
        late = measure(RATE, lines, offered, decided, idle_s=2)
    assert late.undecided == EVENTS // 2
    assert late.one_row == pytest.approx(1 - 30 / (EVENTS // 2))
    assert 0 < late.p50_ms <= late.p99_ms
    broker.remove()
    assert not {"bench-in", "bench-late"} & set(kafka_broker.topics())
