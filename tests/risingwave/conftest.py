"""Fixtures of the tests that need a real RisingWave and a real Kafka."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.risingwave import server
from tests.risingwave.deployment import Deployment


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a server, skip what is in this folder."""
    reason = server.missing()
    for item in items:
        if reason and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> str:
    """host:port of the broker that KAFKA names, else of one that is started."""
    return os.environ.get("KAFKA") or str(request.getfixturevalue("kafka_broker").address)


@pytest.fixture(scope="module")
def deployed(risingwave: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The project deployed from nothing, its topics empty."""
    folder: Path = tmp_path_factory.mktemp("deployment")
    deployment = Deployment(risingwave, kafka, f"test_{uuid.uuid4().hex[:8]}", folder)
    deployment.create_topics()
    deployment.dbt("run")
    yield deployment
    deployment.drop()
