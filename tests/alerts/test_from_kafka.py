"""Decisions of a topic become alerts once, from where it was read to, over restarts and broken messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from riskwave.alerts.from_kafka import KafkaFeed
from riskwave.alerts.store import AlertStore
from riskwave.errors import RiskwaveError
from tests.alerts.made import NOON, decision
from tests.support.kafka_server import KafkaBroker


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    made = AlertStore(tmp_path / "alerts")
    yield made
    made.close()


def message(event_id: str, **fields: Any) -> bytes:
    """As RisingWave writes it: no version, event_ts in milliseconds since 1970, decided_at with its zone."""
    said = {name: value for name, value in decision(event_id, **fields).items() if name != "version"}
    said |= {"event_ts": 1_772_366_400_000, "decided_at": f"{said['decided_at'].isoformat()}.000Z"}
    return json.dumps(said).encode()


def caught_up(store: AlertStore, broker: KafkaBroker, topic: str) -> tuple[int, int]:
    """Alerts raised by a feed that starts, takes all there is, and ends; and messages that could not be used."""
    feed = KafkaFeed(store, f"kafka://{broker.address}/{topic}", clock=lambda: NOON)
    try:
        return feed.catch_up(), feed.unusable
    finally:
        feed.close()


def test_every_decision_of_a_topic_counts_once(store: AlertStore, kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic(partitions=2)
    flagged = [message(f"e{number}", action="block", severity="P0") for number in range(6)]
    kafka_broker.send(topic, [*flagged[:4], message("fine", action="allow", severity=None), b"not json"], partition=0)
    assert caught_up(store, kafka_broker, topic) == (4, 1)
    # Sinks send again what they are not sure of.
    kafka_broker.send(topic, [flagged[0], None, *flagged[4:]], partition=1)
    assert caught_up(store, kafka_broker, topic) == (2, 1)
    assert caught_up(store, kafka_broker, topic) == (0, 0)
    alerts = store.rows("select event_id, version, severity, event_ts from alerts order by id")
    assert [row["event_id"] for row in alerts] == [f"e{number}" for number in range(6)]
    assert {(row["version"], row["severity"], row["event_ts"]) for row in alerts} == {
        (1, "P0", "2026-03-01T12:00:00.000000Z")
    }


def test_a_later_row_of_the_log_supersedes(store: AlertStore, kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic()
    first = message("e1", action="review")
    later = first.replace(b'"review"', b'"allow"').replace(
        b'"decided_at": "2026-03-01T12:00:00', b'"decided_at": "2026-03-01T12:00:05'
    )
    assert later != first
    kafka_broker.send(topic, [first, later, first])
    assert caught_up(store, kafka_broker, topic) == (1, 0)
    [alert] = store.rows("select version, action, status, resolution from alerts")
    assert alert == {"version": 2, "action": "allow", "status": "closed", "resolution": "superseded"}


def test_what_was_said_in_one_moment_is_in_order_of_its_revision(store: AlertStore, kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic()
    said = {7: message("e1", revision=7), 9: message("e1", revision=9, action="block", severity="P0")}
    kafka_broker.send(topic, [said[7], said[9], said[7], said[9]])
    assert caught_up(store, kafka_broker, topic) == (1, 0)
    [alert] = store.rows("select version, action, severity from alerts")
    assert alert == {"version": 2, "action": "block", "severity": "P0"}


def test_what_is_no_topic_is_told(store: AlertStore, kafka_broker: KafkaBroker) -> None:
    with pytest.raises(RiskwaveError, match="has no topic 'nothing'"):
        KafkaFeed(store, f"kafka://{kafka_broker.address}/nothing")
    with pytest.raises(RiskwaveError, match=r"--source bank\.duckdb: expected kafka:"):
        KafkaFeed(store, "bank.duckdb")
