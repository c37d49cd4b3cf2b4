"""The topics of a bench: payments offered at a rate, and when the broker had each and its decision."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from riskwave.errors import RiskwaveError


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

    def offer(self, topic: str, lines: Path, rate: float) -> subprocess.Popen[bytes]:
        """A process, started, that appends the lines of a file at a rate."""
        command = [sys.executable, "-m", "riskwave.bench.offer", self.address, topic, str(lines), str(rate)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL)


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
