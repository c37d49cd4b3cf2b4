"""RisingWave killed while payments flow, the broker restarted: in the end all is decided, and as a batch does it."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import psycopg
import pytest

from riskwave.parity import compare
from riskwave.simulator.source import SimulatorSource
from tests.risingwave.deployment import Deployment
from tests.risingwave.server import Server
from tests.support.decided import decided
from tests.support.kafka_server import KafkaBroker
from tests.support.processes import wait_until

pytestmark = [
    pytest.mark.xdist_group("risingwave"),
    pytest.mark.skipif("RISINGWAVE_DSN" in os.environ, reason="RISINGWAVE_DSN names a server that is not ours to kill"),
]

EVENTS = "sim:?events=1200&seed=17&duplicates=0.02&late=0.05&malformed=0.02"
PIECES = 4
LIMIT_S = 300.0


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return decided(EVENTS, tmp_path_factory.mktemp("undisturbed") / "batch.duckdb")


def _answers(deployed: Deployment) -> bool:
    """Whether views can be read: some time after the server says that it runs."""
    try:
        return deployed.count("decisions__log") >= 0
    except psycopg.Error:
        return False


def test_killed_and_restarted_it_ends_where_it_would_have(
    deployed: Deployment, risingwave_server: Server, kafka_broker: KafkaBroker, batch: Path
) -> None:
    bank = SimulatorSource(EVENTS).bank
    for name, table in (("card_profiles", bank.profiles), ("devices", bank.devices), ("labels", bank.labels)):
        deployed.send_table(name, table)
    messages = bank.arrivals.rows(0, len(bank.arrivals))["raw"].to_pylist()
    size = -(-len(messages) // PIECES)
    seen = 0
    for place in range(PIECES):
        deployed.send("payments", messages[place * size : (place + 1) * size])
        if place == 2:
            kafka_broker.stop()
            kafka_broker.start()
        else:
            # Some of the piece is decided, the rest is on its way.
            wait_until(lambda: deployed.count("decisions__log") > seen, limit_s=LIMIT_S, what="a decision")  # noqa: B023
            risingwave_server.kill()
            risingwave_server.start()
            wait_until(lambda: _answers(deployed), limit_s=LIMIT_S, what="the views, after a restart")
        seen = deployed.count("decisions__log")
    wait_until(lambda: deployed.count("decision_input__now") == 1200, limit_s=LIMIT_S, what="all payments")
    wait_until(
        lambda: deployed.count("decisions__log") == deployed.count("decision_input"), limit_s=LIMIT_S, what="decisions"
    )
    ids = {row["event_id"] for row in deployed.rows("select event_id from stg_payments")}
    # On the topic every event is told of; a message may come twice, and is then the same.
    told = deployed.read("decisions", until=ids, limit_s=LIMIT_S)
    said: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for row in told:
        said[row["event_id"], row["revision"]].add(row["action"])
    assert all(len(actions) == 1 for actions in said.values())
    twice = deployed.rows(
        "select event_id from decisions__log group by event_id, revision, seen_at having count(*) > 1"
    )
    assert twice == []
    report = compare(deployed.target, batch)
    assert report.equal, report.as_dict()
    assert report.events == 1200
