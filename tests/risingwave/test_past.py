"""A request decided by what a real RisingWave knows of its keys is decided as the batch decides it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from riskwave.control.store import Control, control_path
from riskwave.control.thresholds import set_threshold
from riskwave.engine.engine import Engine
from riskwave.parity import compare
from riskwave.risingwave.dsn import address_of
from riskwave.risingwave.governed import adopted
from riskwave.risingwave.governing import Governing
from riskwave.risingwave.past import Past
from riskwave.simulator import simulate
from tests.risingwave.deployment import Deployment
from tests.support.decided import only, whole_batch
from tests.support.processes import wait_until

pytestmark = pytest.mark.xdist_group("risingwave")

EVENTS, ASKED = 1_200, 60


def test_asked_is_the_batch(deployed: Deployment, tmp_path: Path) -> None:
    bank = simulate(EVENTS, 31, days=45)
    messages = bank.arrivals.rows(0, EVENTS).column("raw").to_pylist()
    for name, table in (("card_profiles", bank.profiles), ("devices", bank.devices), ("labels", bank.labels)):
        deployed.send_table(name, table)
        deployed.wait_for_rows(f"stg_{name}", len(table))
    deployed.send("payments", messages[: EVENTS - ASKED])
    for name in ("stg_payments", "decision_input__now"):
        deployed.wait_for_rows(name, EVENTS - ASKED)
    engine = Engine(tmp_path / "desk.duckdb", recalls=True)
    past = Past(address_of(deployed.target), engine.bench)
    staged = engine.stager.stage(bank.arrivals.rows(EVENTS - ASKED, ASKED))
    engine.recall(staged.accepted, past.of(staged.accepted))
    engine.decide(staged)
    engine.drain()
    engine.close()
    known = orjson.loads(messages[EVENTS // 2])["event_id"]
    assert (past.decision(known) or {})["event_id"] == (past.features(known) or {})["event_id"] == known
    past.close()
    whole = whole_batch(bank, tmp_path / "whole.duckdb", EVENTS)
    report = compare(tmp_path / "desk.duckdb", only(whole, messages[EVENTS - ASKED :]))
    assert not report.differing, report.as_dict()
    assert report.events == ASKED


def test_an_edit_of_the_store_beside_a_server_is_in_force(deployed: Deployment, tmp_path: Path) -> None:
    path = control_path(tmp_path / "desk.duckdb")
    governing = Governing(path, adopted(path, deployed.target))
    with Control.open(path) as control:
        set_threshold(control, "card_velocity", "max_count", "4", why="card testing", author="ann")

    def in_force() -> bool:
        return deployed.rows("select card_velocity__max_count as n from rule_thresholds") == [{"n": 4}]

    wait_until(in_force, limit_s=60, what="the edit on RisingWave")
    governing.close()
