"""Fixtures that any test may use: a real Kafka broker, a real PostgreSQL server, the sample data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import kafka_server
from tests.support import postgres_server as postgres
from tests.support.kafka_server import ROOT, KafkaBroker, running_broker
from tests.support.postgres_server import running_postgres

# Machines that run tests are shared: an example that was slow once is no fault.
settings.register_profile("riskwave", deadline=None)
settings.load_profile("riskwave")


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A running Kafka broker, without topics of its own. Each worker of pytest-xdist has its own.

    (One for all by xdist_group would be lighter, but pytest-xdist 3.8 does not group under pytest 9.2.)
    """
    if reason := kafka_server.missing():
        pytest.skip(reason)
    with running_broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The DSN of a running PostgreSQL server: postgresql://riskwave@127.0.0.1:port/postgres."""
    if reason := postgres.missing():
        pytest.skip(reason)
    with running_postgres() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def sample_transactions() -> Path:
    """The sample of 99,992 foreign payments, which is kept beside the checkout and never in it."""
    path = ROOT.parent / "shared" / "data" / "fraud_transactions.csv.gz"
    if not path.exists():
        pytest.skip("../shared/data/fraud_transactions.csv.gz is not there")
    return path
