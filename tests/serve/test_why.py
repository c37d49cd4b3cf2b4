"""Why a payment was decided as it was, and past cases like it; whose key it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from riskwave.serve.why import model_part
from tests.serve.conftest import Served
from tests.support.processes import wait_until


@pytest.fixture(scope="module")
def flagged(served: Served) -> list[dict[str, Any]]:
    """Flagged payments of the simulated month."""
    found = served.client("read", "look").get("/v1/decisions", params={"flagged": True, "to": "2026-02-01T00:00:00Z"})
    return list(found.json()["items"])


def test_an_explanation_names_the_rules_that_fired_with_values_against_thresholds(
    served: Served, flagged: list[dict[str, Any]]
) -> None:
    ann = served.client(role="investigator", owner="ann")
    for item in flagged[:5]:
        why = ann.get(f"/v1/decisions/{item['event_id']}/explanation").json()
        assert why["agrees"] is True
        acting = [rule for rule in why["rules"] if rule["fired"] and rule["state"] == "live" and not rule["held"]]
        assert sorted(rule["rule"] for rule in acting) == sorted(item["rule_ids"])
        assert sorted(rule["reason"] for rule in acting) == sorted(item["reasons"])
        # What is joined by and alone must hold; what was known is what the features say.
        known = ann.get(f"/v1/decisions/{item['event_id']}").json()["features"]
        plain = [term for rule in acting for term in rule["terms"] if term["depth"] == 0 and term["joined"] == "and"]
        assert plain
        assert all(term["truth"] is True for term in plain)
        for term in plain:
            column = term["said"].split()[0]
            if term["operator"] and column in known and isinstance(known[column], int):
                assert term["value"] == known[column]
        assert why["model"] is None


def test_every_rule_is_there_and_says_its_thresholds(served: Served, flagged: list[dict[str, Any]]) -> None:
    ann = served.client(role="investigator", owner="ann")
    why = ann.get(f"/v1/decisions/{flagged[0]['event_id']}/explanation").json()
    rules = {rule["rule"]: rule for rule in ann.get("/v1/rules").json()["rules"]}
    assert {rule["rule"] for rule in why["rules"]} == set(rules)
    for rule in why["rules"]:
        assert set(rule["thresholds"]) == set(rules[rule["rule"]]["thresholds"])


def test_an_explanation_is_a_look_at_the_card(served: Served, flagged: list[dict[str, Any]]) -> None:
    item = flagged[0]
    served.client(role="investigator", owner="zoe").get(f"/v1/decisions/{item['event_id']}/explanation")
    log = served.client(role="admin").get("/v1/audit", params={"subject": f"card:{item['card_id']}"}).json()["items"]
    assert ("zoe", f"/v1/decisions/{item['event_id']}/explanation") in {(row["author"], row["after"]) for row in log}


def test_what_a_late_payment_changed_is_said(served: Served, payment: Callable[..., dict[str, Any]]) -> None:
    gateway, ann = served.client("decide"), served.client(role="investigator", owner="ann")
    first = payment(card_id="c-late", event_ts="2026-03-01T12:05:00Z")
    gateway.post("/v1/decisions", json=first)
    gateway.post("/v1/decisions", json=payment(card_id="c-late", event_ts="2026-03-01T12:04:00Z"))
    where = f"/v1/decisions/{first['event_id']}/explanation"
    assert ann.get(where).json()["changed"] == {}
    wait_until(lambda: ann.get(where, params={"version": 2}).status_code == 200, limit_s=60, what="version 2")
    changed = ann.get(where, params={"version": 2}).json()["changed"]
    assert changed["card_txn_count_10m"] == [1, 2]
    assert changed["card_seconds_since_last"] == [None, 60]


def test_a_version_that_there_is_not_is_told(served: Served, flagged: list[dict[str, Any]]) -> None:
    where = f"/v1/decisions/{flagged[0]['event_id']}/explanation"
    ann = served.client(role="investigator", owner="ann")
    assert ann.get(where, params={"version": 1, "model": False}).json()["version"] == 1
    answer = ann.get(where, params={"version": 99})
    assert answer.status_code == 404
    assert "has no version 99" in answer.json()["detail"]


@pytest.mark.parametrize("part", ["explanation", "similar"])
def test_what_was_not_decided_is_not_explained(served: Served, part: str) -> None:
    answer = served.client(role="investigator").get(f"/v1/decisions/nothing-of-that-name/{part}")
    assert answer.status_code == 404
    assert "no event with that id was decided" in answer.json()["detail"]


def test_similar_cases_are_of_other_cards_and_the_most_alike_come_first(
    served: Served, flagged: list[dict[str, Any]]
) -> None:
    ann = served.client(role="investigator", owner="ann")
    shared = 0
    for item in flagged[:5]:
        found = ann.get(f"/v1/decisions/{item['event_id']}/similar", params={"limit": 20}).json()["items"]
        assert len(found) == 20
        assert item["card_id"] not in {case["card_id"] for case in found}
        alike = [case["alike"] for case in found]
        assert alike == sorted(alike, reverse=True)
        assert 0 < alike[-1] <= alike[0] <= 1
        for case in found:
            assert set(case["shared_rules"]) == set(case["rule_ids"]) & set(item["rule_ids"])
            assert case["action"] != "allow" or case["verdict"] is not None
            either = set(case["rule_ids"]) | set(item["rule_ids"])
            # Half of it is the rules' part, and what is left the features'.
            assert 0 < case["alike"] - len(case["shared_rules"]) / len(either) / 2 <= 0.5
        shared += bool(found[0]["shared_rules"])
    assert shared


def test_what_a_model_did_cannot_be_said_without_its_registry(served: Served, flagged: list[dict[str, Any]]) -> None:
    reading, event = served.service.decider.reading, flagged[0]["event_id"]
    assert model_part(reading, event, 1, None, None) is None
    without = model_part(reading, event, 1, "card 1.0.0", None)
    assert without is not None
    assert "--models" in without["fault"]


def test_a_key_says_whose_it_is(served: Served) -> None:
    me = served.client("decide", owner="gateway").get("/v1/me").json()
    assert (me["owner"], me["role"], me["scopes"]) == ("gateway", None, ["decide"])
    assert datetime.fromisoformat(me["expires_at"]) > datetime.now(UTC)
    assert "read" in served.client(role="viewer").get("/v1/me").json()["scopes"]
