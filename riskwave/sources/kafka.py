"""A Kafka topic as a source: every partition, from the engine's own offsets."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from riskwave.errors import RiskwaveError
from riskwave.sources.batch import empty_table
from riskwave.sources.kafka_rows import messages_to_table
from riskwave.sources.kafka_uri import KafkaAddress
from riskwave.sources.shape import Shape

log = logging.getLogger(__name__)

#: How long a broker may take to answer before the address is taken for wrong.
CONNECT_S = 8.0
#: How often the topic is asked for partitions that are new.
REFRESH_S = 30.0
#: Messages taken at once, so that a poll's memory is bounded whatever it was asked for.
_MOST = 50_000


class KafkaSource:
    """JSON messages of a topic; keys are ignored, received_at is the record's timestamp.

    Partitions are assigned by hand and nothing is committed to the broker: the state holds the offsets. A
    broker that goes away after the start is waited for.
    """

    def __init__(self, address: KafkaAddress, shape: Shape) -> None:
        self.name = address.name
        self.bounded = address.until_end
        self._address = address
        self._shape = shape
        self._offsets: dict[int, int] = {}
        self._positions: dict[int, int] = {}  # the next offset to come, by assigned partition
        self._ends: dict[int, int] = {}  # where to stop, when bounded
        self._refreshed = 0.0
        self._trouble = ""  # what the client said last about its connection
        self._warned = -REFRESH_S
        self._absent = 0  # how often in a row the broker has said that there is no such topic
        try:
            self._consumer = Consumer(self._settings(), logger=_quiet())
        except (KafkaException, ValueError, TypeError) as error:
            raise RiskwaveError(f"{self.name}: {_words(error)}; check the options after ?") from error
        try:
            self._partitions = self._ask_partitions(CONNECT_S)
        except KafkaException as error:
            self._consumer.poll(0)  # so that _on_error is called with what happened
            self._consumer.close()
            raise RiskwaveError(
                f"no Kafka broker answers at {address.brokers}; is it running, is the address right? "
                f"({self._trouble or _words(error)})"
            ) from error
        except RiskwaveError:
            self._consumer.close()
            raise

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Go on at these offsets; other partitions are read from their start (or end: from=latest)."""
        missing = sorted(set(offsets) - set(self._partitions))
        if missing:
            raise RiskwaveError(
                f"{self.name}: the state has read partition {missing[0]}, which the topic lacks; "
                "was the topic made anew? Start with a new state"
            )
        self._offsets = dict(offsets)

    def poll(self, max_rows: int, timeout_s: float) -> pa.Table | None:
        """The messages that have arrived."""
        self._assign()
        if self.bounded and self._is_done():
            return None
        messages = self._consumer.consume(1, timeout_s)
        if messages and max_rows > 1:  # no waiting for more once there is one
            messages += self._consumer.consume(min(max_rows, _MOST) - 1, 0)
        received = [m for m in messages if self._is_payment(m)]
        if not received:
            return empty_table()
        return messages_to_table(received, self._shape, self.name)

    def lag(self) -> int | None:
        """Messages in the topic that were not read yet; None while the broker has not said."""
        waiting = 0
        for partition in self._partitions:
            ends = self._watermarks(partition)
            if ends is None:
                return None
            waiting += max(0, ends[1] - max(self._positions.get(partition, 0), ends[0]))
        return waiting

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _settings(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._address.brokers,
            "group.id": "riskwave",  # required, but never joined: partitions are assigned by hand
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",  # messages that are gone must not be passed over in silence
            "enable.partition.eof": self.bounded,
            "allow.auto.create.topics": False,
            "fetch.wait.max.ms": 100,
            "fetch.queue.backoff.ms": 20,  # by default a second without fetching once the queue was full
            "reconnect.backoff.max.ms": 1000,
            "queued.max.messages.kbytes": 32768,
            "error_cb": self._on_error,
            **self._address.settings,
        }

    def _on_error(self, error: KafkaError) -> None:
        """Called for what befalls the connection; librdkafka tries again on its own."""
        self._trouble = error.str()
        if error.code() == KafkaError._ALL_BROKERS_DOWN and self._refreshed:
            now = time.monotonic()
            if now - self._warned > REFRESH_S:
                self._warned = now
                log.warning("%s: no broker answers; waiting for it", self.name)

    def _ask_partitions(self, timeout_s: float) -> list[int]:
        """The topic's partitions; KafkaException when no broker answers, RiskwaveError without the topic."""
        topic = self._address.topic
        found = self._consumer.list_topics(topic, timeout=timeout_s).topics[topic]
        if found.error is None:
            return sorted(found.partitions)
        if found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise RiskwaveError(
                f"the Kafka broker at {self._address.brokers} has no topic {topic!r}; create it or check the name"
            )
        raise RiskwaveError(f"{self.name}: {found.error.str()}")

    def _refresh(self) -> None:
        """Look for new partitions. A broker that is away is waited for; a topic must be absent twice to be gone."""
        try:
            self._partitions = self._ask_partitions(1.0)
            self._absent = 0
        except KafkaException:
            return
        except RiskwaveError:
            self._absent += 1
            if self._absent > 1:
                raise

    def _assign(self) -> None:
        """Assign all partitions; from time to time, those that are new."""
        if self._refreshed and time.monotonic() - self._refreshed < REFRESH_S:
            return
        if self._refreshed:
            self._refresh()
        first, self._refreshed = not self._refreshed, time.monotonic()
        start = OFFSET_END if self._address.from_latest and first else OFFSET_BEGINNING
        new = [p for p in self._partitions if p not in self._positions]
        if not new:
            return
        topic = self._address.topic
        starts = {p: self._offsets.get(p, start) for p in new}
        if self.bounded:
            self._ends |= {p: self._end(p) for p in new}
            beyond = [p for p in new if starts[p] > self._ends[p]]
            if beyond:
                raise self._without(beyond[0], starts[beyond[0]])
        self._positions |= {p: max(offset, 0) for p, offset in starts.items()}
        assignment = [TopicPartition(topic, p, offset) for p, offset in starts.items()]
        if first:
            self._consumer.assign(assignment)
        else:
            self._consumer.incremental_assign(assignment)

    def _end(self, partition: int) -> int:
        try:
            _, end = self._consumer.get_watermark_offsets(
                TopicPartition(self._address.topic, partition), timeout=CONNECT_S
            )
        except KafkaException as error:
            raise RiskwaveError(f"{self.name}: {_words(error)}") from error
        return int(end)

    def _watermarks(self, partition: int) -> tuple[int, int] | None:
        where = TopicPartition(self._address.topic, partition)
        try:
            known = self._consumer.get_watermark_offsets(where, cached=True)
            if known is None or known[1] < 0:  # nothing fetched yet: ask
                known = self._consumer.get_watermark_offsets(where, timeout=1.0)
        except KafkaException:
            return None
        return known if known is not None and known[1] >= 0 else None

    def _is_done(self) -> bool:
        return all(self._positions[p] >= end for p, end in self._ends.items())

    def _is_payment(self, message: Any) -> bool:
        error = message.error()
        if error is None:
            self._positions[message.partition()] = message.offset() + 1
            return True
        partition = message.partition()
        if error.code() == KafkaError._PARTITION_EOF:
            # The last offsets of a topic may be a transaction's markers, which are no messages.
            self._positions[partition] = max(self._positions.get(partition, 0), message.offset())
        elif error.code() in (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET):
            raise self._without(partition, self._positions.get(partition))
        elif error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION):
            raise RiskwaveError(f"{self.name}: the topic is gone from the broker")
        elif error.fatal() or error.code() in (
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            KafkaError._AUTHENTICATION,
        ):
            raise RiskwaveError(f"{self.name}: {error.str()}")
        else:
            log.warning("%s: %s", self.name, error.str())
        return False

    def _without(self, partition: int, offset: int | None) -> RiskwaveError:
        return RiskwaveError(
            f"{self.name}: partition {partition} does not have offset {offset}, which comes next by the state; its "
            "retention is too short, or the topic was made anew: start with a new state"
        )


def _words(error: BaseException) -> str:
    first = error.args[0] if error.args else error
    return first.str() if isinstance(first, KafkaError) else str(first)


def _quiet() -> logging.Logger:
    """librdkafka's own log goes to debug: what matters of it comes as errors."""
    logger = logging.getLogger(f"{__name__}.client")
    logger.setLevel(logging.CRITICAL)
    return logger
