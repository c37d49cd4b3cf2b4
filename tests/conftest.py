"""Fixtures that any test may use: a real Kafka broker, a real PostgreSQL server, the sample data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import kafka_server
from tests.support.kafka_server import KafkaBroker, running_broker


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A running Kafka broker. Mark the tests `xdist_group("kafka")`, so that one worker has it."""
    if reason := kafka_server.missing():
        pytest.skip(reason)
    with running_broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker
