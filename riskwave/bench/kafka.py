"""The topics of a bench on RisingWave: payments offered at a rate, and when the broker had each and its decision."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from riskwave.errors import RiskwaveError

TICK_S = 0.005


class Broker:
    """A broker whose own clock dates what is appended to the topics made here."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._admin = AdminClient({"bootstrap.servers": address})
        self._topics: list[str] = []

    def create(self, topic: str, partitions: int = 1) -> None:
        """Make a topic."""
        made = NewTopic(topic, partitions, 1, config={"message.timestamp.type": "LogAppendTime"})
        self._admin.create_topics([made])[topic].result(30)
        self._topics.append(topic)

    def remove(self) -> None:
        """Remove the topics made here."""
        for done in self._admin.delete_topics(self._topics).values() if self._topics else ():
            with contextlib.suppress(KafkaException):
                done.result(30)

    def offer(self, topic: str, lines: Path, rate: float) -> SpawnProcess:
        """A process, started, that appends the lines of a file at a rate."""
        process = multiprocessing.get_context("spawn").Process(target=_offer, args=(self.address, topic, lines, rate))
        process.start()
        return process


class Reader:
    """A topic read from its beginning: when the broker had each message."""

    def __init__(self, broker: Broker, topic: str, partitions: int = 1) -> None:
        settings = {"bootstrap.servers": broker.address, "group.id": "riskwave-bench", "enable.auto.commit": False}
        self._consumer = Consumer({**settings, "fetch.wait.max.ms": 20})
        self._consumer.assign([TopicPartition(topic, place, OFFSET_BEGINNING) for place in range(partitions)])

    def take(self, timeout_s: float) -> Iterator[tuple[str, int]]:
        """event_id and milliseconds since 1970 of messages that have come."""
        for message in self._consumer.consume(10_000, timeout_s):
            if error := message.error():
                raise RiskwaveError(f"bench: {error.str()}")
            yield orjson.loads(message.value() or b"null")["event_id"], message.timestamp()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()


def _offer(broker: str, topic: str, lines: Path, rate: float) -> None:
    """Every few milliseconds those that are due."""
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 2})
    began = time.perf_counter()
    with lines.open("rb") as messages:
        for place, message in enumerate(messages):
            while place > (time.perf_counter() - began) * rate:
                producer.poll(0)
                time.sleep(TICK_S)
            while True:
                try:
                    producer.produce(topic, message)
                    break
                except BufferError:
                    producer.poll(0.01)
    producer.flush(30)
