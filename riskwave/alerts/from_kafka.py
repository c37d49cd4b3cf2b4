"""A topic of decisions, such as RisingWave's sink writes, on its way into the store of alerts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from riskwave.alerts import moments
from riskwave.alerts.intake import take
from riskwave.alerts.store import AlertStore
from riskwave.contracts.fields import UtcTimestamp
from riskwave.errors import RiskwaveError
from riskwave.sources.kafka import KafkaSource
from riskwave.sources.kafka_uri import parse_kafka_uri
from riskwave.sources.shape import AsNamed

log = logging.getLogger("riskwave.alerts")

AT_ONCE = 500
AGAIN_S = 5.0
WAIT_S = 0.5


class _Said(BaseModel):
    """What is read of a message: the decision contract's fields, the payment's where the topic has them."""

    model_config = ConfigDict(extra="ignore")

    event_id: Annotated[str, Field(min_length=1, max_length=128)]
    version: int | None = Field(None, ge=1)
    event_ts: UtcTimestamp
    card_id: Annotated[str, Field(min_length=1, max_length=128)]
    action: Literal["allow", "challenge", "review", "block"]
    severity: str | None = None
    model_score: float | None = None
    model_version: str | None = None
    rule_ids: list[str] | None = None
    reasons: list[str] | None = None
    decided_at: UtcTimestamp
    revision: int | None = None
    device_id: str | None = None
    ip: str | None = None
    merchant_id: str | None = None
    merchant_country: str | None = None
    channel: str | None = None
    amount_minor: int | None = None
    currency: str | None = None


class KafkaFeed:
    """Reads a topic from where it was, every partition; how far it read is kept with what it read, all or nothing."""

    def __init__(self, store: AlertStore, uri: str, clock: Callable[[], datetime] = moments.now) -> None:
        """uri: kafka://host:port/topic. Raises RiskwaveError for another, and when no broker answers."""
        if not uri.startswith("kafka://"):
            raise RiskwaveError(f"--source {uri}: expected kafka://host:port/topic; a state's alerts need no source")
        self._store, self._clock = store, clock
        self._topic = KafkaSource(parse_kafka_uri(uri), AsNamed())
        self._name = self._topic.name
        self._offsets = {int(partition): offset for partition, offset in orjson.loads(self._token()).items()}
        self._topic.seek(self._offsets)
        self._left: tuple[list[dict[str, Any]], dict[int, int]] | None = None  # read, and not kept yet
        self._thread: threading.Thread | None = None
        self.unusable = 0

    def start(self, stop: threading.Event) -> None:
        """Read on a thread of its own until `stop` is set."""
        self._thread = threading.Thread(target=self._work, args=(stop,), name="riskwave-topic", daemon=True)
        self._thread.start()

    def catch_up(self) -> int:
        """Take in all that is there; gives the alerts raised."""
        raised = 0
        while (self._topic.lag() or 0) > 0 or self._topic.lag() is None:
            raised += self.poll()
        return raised

    def poll(self) -> int:
        """Take in what has come; gives the alerts raised. What could not be kept is tried again the next time."""
        if self._left is None:
            self._left = self._read()
        if self._left is None:
            return 0
        decisions, offsets = self._left
        token = orjson.dumps({str(partition): offset for partition, offset in offsets.items()}).decode()
        raised = take(self._store, self._name, decisions, token, self._clock())
        self._offsets, self._left = offsets, None
        return raised

    def _read(self) -> tuple[list[dict[str, Any]], dict[int, int]] | None:
        rows = self._topic.poll(AT_ONCE, WAIT_S)
        if rows is None or rows.num_rows == 0:
            return None
        offsets = dict(self._offsets)
        decisions = []
        columns = (rows.column(name).to_pylist() for name in ("raw", "source_partition", "source_offset"))
        for raw, partition, offset in zip(*columns, strict=True):
            offsets[partition] = offset + 1
            try:
                decisions.append(_Said.model_validate_json(raw).model_dump())
            except ValidationError as fault:
                self.unusable += 1
                first = fault.errors(include_url=False, include_input=False)[0]
                where = ".".join(str(part) for part in first["loc"])
                log.warning("%s/%d, offset %d: no decision: %s: %s", self._name, partition, offset, where, first["msg"])
        return decisions, offsets

    def close(self) -> None:
        """Leave the broker."""
        if self._thread is not None:
            self._thread.join()
        self._topic.close()

    def _token(self) -> str:
        return self._store.position(self._name) or "{}"

    def _work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.poll()
            except Exception as fault:
                log.warning("%s is not read, again in %.0f s: %s", self._name, AGAIN_S, fault)
                stop.wait(AGAIN_S)
