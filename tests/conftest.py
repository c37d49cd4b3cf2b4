"""Fixtures that any test may use: a real Kafka broker, a real PostgreSQL and RisingWave server, the sample data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.risingwave import server
from tests.support import kafka_server
from tests.support import postgres_server as postgres
from tests.support.kafka_server import ROOT, KafkaBroker, running_broker
from tests.support.postgres_server import running_postgres

# Machines that run tests are shared: an example that was slow once is no fault.
# Continuous integration judges a change by the same examples each time; new ones are looked for everywhere else.
settings.register_profile("riskwave", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("riskwave")

#: Fixtures of a session that take long to make: with `--dist loadgroup` one worker has each, and the tests that use it.
SHARED = {"kafka_broker": "kafka", "postgres_server": "postgres"}


def pytest_configure(config: pytest.Config) -> None:
    """Without pytest-xdist its mark is still a known one."""
    config.addinivalue_line("markers", "xdist_group(name): tests that one worker runs")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests that use what is shared, and those of a module that makes something for all of them."""
    for item in items:
        used = [group for fixture, group in SHARED.items() if fixture in getattr(item, "fixturenames", ())]
        if not used and item.get_closest_marker("xdist_group") is None:
            made = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009 - pytest says it nowhere else
            used = [item.nodeid.split("::")[0] for each in made.values() if each[-1].scope == "module"]
        if used:
            item.add_marker(pytest.mark.xdist_group(used[0]))


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A running Kafka broker, without topics of its own."""
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
def risingwave_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    """A running RisingWave server. Mark tests `xdist_group("risingwave")`: one worker has it."""
    if reason := server.missing():
        pytest.skip(reason)
    with server.running_server(tmp_path_factory.mktemp("risingwave")) as running:
        yield running


@pytest.fixture(scope="session")
def risingwave(risingwave_server: server.Server) -> str:
    """The RisingWave server's DSN."""
    return risingwave_server.dsn


@pytest.fixture(scope="session")
def sample_transactions() -> Path:
    """The sample of 99,992 foreign payments, which is kept beside the checkout and never in it."""
    path = ROOT.parent / "shared" / "data" / "fraud_transactions.csv.gz"
    if not path.exists():
        pytest.skip("../shared/data/fraud_transactions.csv.gz is not there")
    return path
