"""`python -m riskwave.bench.offer BROKER TOPIC LINES RATE`: appends the lines of a file to a topic at a rate.

A program of its own, so that what it does takes nothing from what is measured but its processor time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path

from confluent_kafka import Producer

TICK_S = 0.005


def offer(broker: str, topic: str, lines: Path, rate: float) -> None:
    """Append the lines, and wait until the broker has them."""
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 2})
    with lines.open("rb") as messages:
        paced(producer, topic, messages, rate)
    producer.flush(30)


def paced(producer: Producer, topic: str, messages: Iterable[bytes | None], rate: float | None) -> None:
    """Hand messages to a producer in order, every few milliseconds those due; rate: a second, None: at once."""
    began = time.perf_counter()
    for place, message in enumerate(messages):
        while rate is not None and place > (time.perf_counter() - began) * rate:
            producer.poll(0)
            time.sleep(TICK_S)
        while True:
            try:
                producer.produce(topic, message)
                break
            except BufferError:
                producer.poll(0.01)


if __name__ == "__main__":
    offer(sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))
