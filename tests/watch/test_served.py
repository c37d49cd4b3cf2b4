"""What a server looks at by itself: its models, and what real time missed; both are measured for Prometheus."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from riskwave.cli import app
from riskwave.engine.engine import Engine
from riskwave.rules.check import check_ruleset
from riskwave.rules.pack import parse_rules
from riskwave.serve.service import Service
from riskwave.simulator.bank import simulate
from tests.serve.conftest import PATIENT, Served
from tests.support.processes import wait_until
from tests.watch.conftest import BANK, Kept

LIMIT_S = 240.0


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("looked") / "bank.duckdb"
    bank = simulate(1_500, 5)
    engine = Engine(made)
    engine.process(bank.arrivals.rows(0, len(bank.arrivals)), labels=bank.labels)
    engine.close()
    return made


def test_a_model_is_looked_at_by_itself_and_its_figures_are_measured(kept: Kept, state: Path) -> None:
    service = Service(state, replace(PATIENT, watch_s=0.2, jobs=2), registry=kept.registry)
    service.decider.start()
    try:
        served = Served(service)
        viewer = served.client(role="viewer")
        wait_until(lambda: viewer.get("/v1/models/card").json()["watch"], limit_s=LIMIT_S, what="a look at the model")
        model = viewer.get("/v1/models/card").json()
        assert model["online"] == [kept.version.version]
        assert [(one["version"], one["role"]) for one in model["versions"]] == [(kept.version.version, "online")]
        watch = model["watch"]
        assert 1_400 < watch["events"] <= 1_500, "the last 30 days of a month"
        assert watch["distances"][0]["name"] == "score"
        assert sum(weight["of"] for weight in watch["weights"]) == pytest.approx(1.0, abs=0.2)
        assert watch["quality"]["metrics"]["events"] > 0
        metrics = viewer.get("/metrics").text
        assert f'riskwave_model_psi{{column="score",model="card"}} {watch["distances"][0]["psi"]}' in metrics
        assert 'riskwave_model_quality{figure="recall",model="card"}' in metrics
        assert viewer.get("/v1/models/none").status_code == 404
        asked = served.client(role="approver").post("/v1/jobs", json={"work": "watch", "days": 7})
        assert asked.status_code == 202
    finally:
        service.close()


def test_the_audit_says_what_was_done_to_which_version(kept: Kept, state: Path, tmp_path: Path) -> None:
    registry = tmp_path / "models.db"
    shutil.copy(kept.registry, registry)
    shutil.copytree(Path(kept.registry).with_suffix(""), registry.with_suffix(""))
    service = Service(state, PATIENT, registry=str(registry))
    service.decider.start()
    try:
        approver = Served(service).client(role="approver")
        for change in ({"on": True}, {"on": False}):
            asked = approver.post("/v1/models/card/shadow", json={"version": "latest", "why": "look", **change})
            assert asked.status_code == 200, asked.text
        refused = approver.post("/v1/models/card/canary", json={"version": "1.0.0", "share": 0.1, "why": "try"})
        assert refused.status_code == 409
        assert approver.post("/v1/models/card/rollback", json={"why": "back"}).status_code == 409
        audit = approver.get("/v1/audit").json()["items"]
        said = [row["after"] for row in audit if row["what"] == "model"]
        assert sorted(said) == ["end the shadow 1.0.0: online 1.0.0", "shadow 1.0.0: online 1.0.0, shadow 1.0.0"]
    finally:
        service.close()


def test_it_looks_back_by_itself_and_proposes_rules(kept: Kept, tmp_path: Path) -> None:
    state = tmp_path / "bank.duckdb"
    ran = ["run", "--source", f"{BANK}&drift=new_attack:0.15@day58", "--state", str(state), "--json"]
    assert CliRunner().invoke(app, ran, catch_exceptions=False).exit_code == 0
    command = ["insight", "--state", str(state), "--last", "day", "--model", "online", "--json"]
    told = CliRunner().invoke(app, [*command, "--registry", kept.registry], catch_exceptions=False)
    [expected] = json.loads(told.stdout)
    service = Service(state, replace(PATIENT, insight_s=0.2, jobs=2), registry=kept.registry)
    service.decider.start()
    try:
        analyst = Served(service).client(role="analyst")
        assert analyst.get("/v1/insights").json() == {"hour": None, "day": None}
        wait_until(lambda: all(analyst.get("/v1/insights").json().values()), limit_s=LIMIT_S, what="both looks back")
        day = analyst.get("/v1/insights").json()["day"]
        same = ("from_", "to", "events", "unexplained")
        assert {name: day[name] for name in same} == {name: expected[name] for name in same}
        assert day["before"] < expected["before"], "what is usual is learned from 30 days"
        metrics = analyst.get("/metrics").text
        assert f'riskwave_insight_clusters{{last="day"}} {float(len(day["clusters"]))}' in metrics
        missed = sum(part["missed"] for part in day["clusters"])
        assert f'riskwave_insight_missed_events{{last="day"}} {float(missed)}' in metrics
        assert day["clusters"]
        assert all(rule.rule.state == "draft" for rule in check_ruleset(parse_rules(day["drafts"], name="day")).rules)
        assert Served(service).client(role="viewer").get("/v1/insights").status_code == 403
    finally:
        service.close()
