"""Work on history: what comes of it, how it is ended, and what it may not take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from riskwave.control.lifecycle import set_approvals
from tests.serve.conftest import PATIENT, Served, copied
from tests.serve.test_tuning import RULES
from tests.support.processes import wait_until

LIMIT_S = 120.0
SWEEP = {"work": "sweep", "rule": "card_velocity", "threshold": "max_count", "values": "1:9", "days": 90}


@pytest.fixture(scope="module")
def tried(filled: Path, serving: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own, with little room for jobs."""
    yield serving(copied(filled, tmp_path_factory.mktemp("tried")), replace(PATIENT, jobs=3))


def _done(client: Any, body: dict[str, Any]) -> dict[str, Any]:
    """What became of a job."""
    asked = client.post("/v1/jobs", json=body)
    assert asked.status_code == 202, asked.text
    where, last = asked.headers["Location"], [asked.json()]

    def over() -> bool:
        last[0] = client.get(where).json()
        return last[0]["state"] not in ("waiting", "running")

    wait_until(over, limit_s=LIMIT_S, what=str(body)[:100])
    return last[0]


def test_a_sweep_has_a_point_a_value(tried: Served) -> None:
    job = _done(tried.client(role="analyst", owner="ann"), SWEEP)
    assert (job["state"], job["author"], job["problem"]) == ("done", "ann", None), job
    assert [point["value"] for point in job["result"]["points"]] == list(range(1, 10))
    flagged = [point["alone"]["flagged"] for point in job["result"]["points"]]
    assert flagged == sorted(flagged, reverse=True)
    listed = tried.client(role="approver").get("/v1/jobs").json()["items"]
    assert {"id": job["id"], "result": None}.items() <= next(j for j in listed if j["id"] == job["id"]).items()


def test_a_state_that_is_named_from_here_is_tried_too(
    filled: Path, serving: Callable[..., Served], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(filled, tmp_path)
    monkeypatch.chdir(tmp_path)
    job = _done(serving(Path(filled.name), PATIENT).client(role="analyst"), {**SWEEP, "values": "3:4"})
    assert (job["state"], job["problem"]) == ("done", None), job


def test_a_draft_is_tried_against_what_decides(tried: Served) -> None:
    analyst = tried.client(role="analyst")
    job = _done(analyst, {"work": "backtest", "text": RULES, "against": "live", "days": 90})
    assert job["state"] == "done", job
    result = job["result"]
    assert result["side"]["counted"]["flagged"] == result["events"] > 100, "it fires on every amount"
    assert result["against"]["counted"]["flagged"] < result["events"]
    assert result["caught"]["ids"]
    wrong = analyst.post(
        "/v1/jobs", json={"work": "backtest", "text": RULES.replace("amount_minor >=", "amount_mior >=")}
    )
    assert (wrong.status_code, "did you mean" in wrong.json()["detail"]) == (422, True)
    assert analyst.post("/v1/jobs", json={"work": "backtest", "rules": "card-none"}).status_code == 404


def test_shadow_and_live_are_compared(tried: Served, payment: Callable[..., dict[str, Any]]) -> None:
    set_approvals(tried.service.control, "off", why="one person is enough here")
    analyst, gateway = tried.client(role="analyst"), tried.client("decide")
    revision = analyst.post("/v1/rulesets", json={"text": RULES, "why": "try it"}).json()["revision"]
    analyst.post(f"/v1/rulesets/{revision}/publish", json={"state": "shadow", "why": "try it"})
    events = [payment()]

    def seen() -> bool:
        events.append(payment())
        decision = gateway.post("/v1/decisions", json=events[-1]).json()
        return revision in str(decision["shadow_rulesets"])

    wait_until(seen, limit_s=LIMIT_S, what="the shadow ruleset")
    job = _done(analyst, {"work": "compare", "days": 1})
    assert job["state"] == "done", job
    found = next(one for one in job["result"]["rulesets"] if one["ruleset"] == revision)
    assert found["more"] >= 1
    assert set(found["more_examples"]) <= {event["event_id"] for event in events}
    assert [rule["rule"] for rule in found["rules"] if rule["added"]] == ["any_amount"]


def test_what_cannot_be_is_told(tried: Served) -> None:
    job = _done(tried.client(role="analyst"), {**SWEEP, "values": "9:1"})
    assert job["state"] == "failed"
    assert "no range that grows" in job["problem"]
    assert tried.client(role="analyst").get("/v1/jobs/none").status_code == 404
    assert tried.client(role="analyst").post("/v1/jobs", json={"work": "watch"}).status_code == 409


def test_jobs_are_bounded_and_can_be_cancelled(tried: Served) -> None:
    analyst = tried.client(role="analyst")
    answers = [analyst.post("/v1/jobs", json=SWEEP) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {202, 503}
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)
    asked = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    ended = [analyst.delete(f"/v1/jobs/{one}").json() for one in asked]
    assert {"cancelled"} <= {job["state"] for job in ended} <= {"cancelled", "done"}
    # What was cancelled leaves the next one its turn.
    assert _done(analyst, {**SWEEP, "values": "3,4"})["state"] == "done"


def test_a_job_ends_at_its_limits(filled: Path, serving: Callable[..., Served], tmp_path: Path) -> None:
    short = serving(copied(filled, tmp_path), replace(PATIENT, job_s=0.05))
    job = _done(short.client(role="analyst"), SWEEP)
    assert job["state"] == "failed"
    assert "longer than 0.05 seconds" in job["problem"]
    # Deciding goes on.
    assert short.client(role="viewer").get("/readyz").status_code == 200
