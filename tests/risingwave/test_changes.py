"""`riskwave deploy`: features change beside what is there, cut off or not, and nothing is known or decided twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from riskwave.control.store import Control, control_path
from riskwave.errors import RiskwaveError
from riskwave.risingwave import deploy as deploying
from riskwave.risingwave.changes import Project, Step
from riskwave.risingwave.deploy import deploy, planned
from riskwave.risingwave.dsn import Address, deployment_address
from riskwave.risingwave.project import compiled_for, fingerprint
from riskwave.risingwave.server import Server, connected
from riskwave.risingwave.sync import adopt
from tests.risingwave.deployment import Deployment
from tests.risingwave.test_control import feeds
from tests.support.processes import wait_until

pytestmark = pytest.mark.xdist_group("risingwave")


@pytest.fixture(scope="module")
def address(deployed: Deployment) -> Address:
    return deployment_address(deployed.target)


@pytest.fixture(scope="module")
def project(deployed: Deployment, address: Address) -> Project:
    return compiled_for(address, deployed.variables)


@pytest.fixture(scope="module")
def control(address: Address, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    path = control_path(tmp_path_factory.mktemp("deploys") / "bank.duckdb")
    with connected(address) as server:
        adopt(path, server)
    with Control.open(path) as store:
        yield store


@pytest.fixture
def server(address: Address) -> Iterator[Server]:
    with connected(address) as opened:
        yield opened


_sent = iter(range(1_000_000))


def send(deployed: Deployment, count: int = 20) -> list[str]:
    """Payments on the topic; gives their ids."""
    ids = [f"sent-{next(_sent)}" for _ in range(count)]
    rows: list[dict[str, Any]] = [
        {
            "event_id": each,
            "event_ts": f"2026-01-31T12:00:{number % 60:02}Z",
            "card_id": f"c{number % 3}",
            "amount_minor": 1000,
            "currency": "EUR",
            "merchant_id": "m1",
        }
        for number, each in enumerate(ids)
    ]
    deployed.send("payments", [orjson.dumps(row) for row in rows])
    return ids


def decided_once(deployed: Deployment, ids: list[str]) -> None:
    """Each has its first decision, and each decision its own row of what was known."""
    wait_until(
        lambda: {row["event_id"] for row in deployed.rows("select event_id from decisions")} >= set(ids),
        limit_s=120,
        what="decisions on all events",
    )
    twice = deployed.rows(
        "select event_id, revision from decisions__log group by event_id, revision having count(*) > 1"
    )
    assert twice == []


def test_what_dbt_deployed_is_as_it_should_be(server: Server, control: Control, project: Project) -> None:
    assert planned(server, control, project) == []


def test_a_changed_feature_is_swapped_in_and_history_stays(
    deployed: Deployment, server: Server, control: Control, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = send(deployed)
    decided_once(deployed, old)
    said = deployed.rows("select * from decisions__log order by event_id, revision")
    known = deployed.count("decision_input")

    changed = edited(project, "int_merchant_minutes", "\n-- made otherwise\n")
    steps = planned(server, control, changed)
    assert steps[0].step == "build beside: int_merchant_minutes__next"
    assert steps[0].rows == len(old)

    real, cut = deploying._take, 0

    def stopping(at: Server, step: Step, *rest: Any) -> None:
        nonlocal cut
        real(at, step, *rest)
        cut += 1
        if cut % 3 == 0:
            raise RiskwaveError("cut off")

    new: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(deploying, "_take", stopping)
        for _ in range(40):
            new += send(deployed, 5)
            try:
                deploy(server, changed, deployed.variables, store=lambda: control, say=lambda _: None)
            except RiskwaveError as fault:
                assert str(fault) == "cut off"
            else:
                break
    assert planned(server, control, changed) == []
    assert feeds(deployed) == []
    new += send(deployed)
    decided_once(deployed, old + new)
    kept = {(row["event_id"], row["revision"]): row for row in deployed.rows("select * from decisions__log")}
    assert [kept[row["event_id"], row["revision"]] for row in said] == said
    assert known >= len(old)
    by = deployed.rows("select distinct known_by from decision_input where event_id like 'sent-%'")
    assert len(by) == 2

    deploy(server, project, deployed.variables, store=lambda: control, say=lambda _: None)
    assert planned(server, control, project) == []


def edited(project: Project, name: str, more: str) -> Project:
    """The project with a model's SQL changed, and nothing of what it says."""
    models = [
        replace(model, sql=model.sql + more, made=fingerprint(model.sql + more)) if model.name == name else model
        for model in project.models
    ]
    return replace(project, models=models)


def test_decisions_and_alerts_are_on_kafka(deployed: Deployment, tmp_path: Path) -> None:
    del tmp_path
    ids = send(deployed, 3)
    decided_once(deployed, ids)
    found = {row["event_id"]: row for row in deployed.read("decisions", until=set(ids))}
    assert found[ids[0]]["action"] == "allow"
