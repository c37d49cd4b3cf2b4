"""Thresholds, lists, rulesets and labels changed over the API: live at once, by whom they may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from riskwave.control.lifecycle import set_approvals
from tests.serve.conftest import Served
from tests.support.processes import wait_until

Payment = Callable[..., dict[str, Any]]
RULES = """
rules:
  - rule: any_amount
    when: amount_minor >= :least
    thresholds: {least: {value: 0, min: 0, max: 1000000}}
    action: review
    severity: P2
    reason: "{amount_minor} minor units"
    owner: tests
    cases:
      - given: {amount_minor: 5}
        expect: fired
"""


def test_a_threshold_is_live_for_the_next_payment(served: Served, payment: Payment) -> None:
    analyst, gateway = served.client(role="analyst", owner="ann"), served.client("decide")
    before = analyst.get("/v1/thresholds").json()["items"]
    one = next(t for t in before if (t["rule"], t["name"]) == ("card_velocity", "max_count"))
    path = "/v1/thresholds/card_velocity/max_count"
    edit = analyst.put(path, json={"value": "7", "why": "fewer alerts"}).json()["items"][0]
    assert (edit["before"], edit["after"]) == (one["value"], "7")
    decision = gateway.post("/v1/decisions", json=payment()).json()
    assert decision["control_version"] == edit["control_version"]
    last = analyst.get(f"{path}/history").json()["items"][-1]
    assert (last["value"], last["author"], last["why"]) == ("7", "ann", "fewer alerts")
    refused = analyst.put(path, json={"value": "many", "why": "x"})
    assert refused.status_code == 422
    assert "whole number" in refused.json()["detail"]


def test_a_curve_has_a_point_a_value(served: Served) -> None:
    analyst = served.client(role="analyst")
    path = "/v1/thresholds/card_velocity/max_count/curve"
    curve = analyst.get(path, params={"values": "1:9", "days": 90}).json()
    assert [point["value"] for point in curve["points"]] == list(range(1, 10))
    flagged = [point["alone"]["flagged"] for point in curve["points"]]
    assert flagged == sorted(flagged, reverse=True)
    assert curve["events"] > 100
    assert analyst.get(path, params={"values": "9:1"}).status_code == 422
    assert analyst.get(path.replace("max_count", "none"), params={"values": "1"}).status_code == 404


def test_a_listed_address_is_met_by_the_next_payment(served: Served, payment: Payment) -> None:
    analyst, gateway = served.client(role="analyst"), served.client("decide")
    entry = {"value": "198.51.100.0/24", "reason": "card testing"}
    added = analyst.post("/v1/lists/block_ip/entries", json=entry)
    assert added.status_code == 201, added.text
    assert analyst.post("/v1/lists/block_ip/entries", json=entry).status_code == 409
    decision = gateway.post("/v1/decisions", json=payment(ip="198.51.100.9")).json()
    assert decision["action"] == "block", decision
    removed = analyst.delete("/v1/lists/block_ip/entries", params={"value": entry["value"], "why": "over"})
    assert removed.json()["control_version"] > added.json()["control_version"]
    assert gateway.post("/v1/decisions", json=payment(ip="198.51.100.9")).json()["action"] != "block"
    wrong = analyst.post("/v1/lists/block_ip/entries", json={"value": "nowhere", "reason": "x"})
    assert wrong.status_code == 422


def test_a_ruleset_is_published_by_two(served: Served, payment: Payment) -> None:
    set_approvals(served.service.control, "required", why="as riskwave serve does")
    ann, ben = served.client(role="analyst", owner="ann"), served.client(role="approver", owner="ben")
    boss = served.client(role="admin", owner="ann")
    assert ann.post("/v1/rulesets:check", json={"text": RULES}).json()["problem"] is None
    wrong = RULES.replace("amount_minor", "amount_minr")
    assert "amount_minor" in ann.post("/v1/rulesets:check", json={"text": wrong}).json()["problem"]
    draft = ann.post("/v1/rulesets", json={"text": RULES, "why": "try it"})
    assert draft.status_code == 201, draft.text
    path = f"/v1/rulesets/{draft.json()['revision']}"
    asked = ann.post(f"{path}/publish", json={"state": "shadow", "why": "try it"})
    assert (asked.status_code, asked.json()["pending"]) == (202, True)
    assert [one["author"] for one in ann.get("/v1/approvals").json()["items"]] == ["ann"]
    assert ann.post(f"{path}/approve", json={"why": "fine"}).status_code == 403
    own = boss.post(f"{path}/approve", json={"why": "fine"})
    assert own.status_code == 409, "another key of the same person is the same person"
    done = ben.post(f"{path}/approve", json={"why": "fine"})
    assert done.json()["state"] == "shadow", done.text
    gateway, events = served.client("decide"), iter(range(1_000))

    def seen() -> bool:
        decision = gateway.post("/v1/decisions", json=payment(event_id=f"shadowed-{next(events)}")).json()
        return draft.json()["revision"] in str(decision["shadow_rulesets"])

    wait_until(seen, limit_s=60, what="the shadow ruleset")
    assert ben.post(f"{path}/retire", json={"why": "enough"}).json()["state"] == "retired"


@pytest.mark.parametrize("verdict", ["fraud", "legitimate", "unsure"])
def test_a_label_is_kept_with_its_note(served: Served, payment: Payment, verdict: str) -> None:
    ben = served.client(role="investigator", owner="ben")
    event = payment(card_id=f"c-labelled-{verdict}")
    served.client("decide").post("/v1/decisions", json=event)
    given = {"event_id": event["event_id"], "verdict": verdict, "note": "the cardholder called"}
    assert ben.post("/v1/labels", json=given).status_code == 201
    found = ben.get("/v1/labels", params={"event_id": event["event_id"]}).json()["items"]
    assert [row["note"] for row in found if row.get("note")] == ["the cardholder called"]
    kept = [row for row in found if row.get("source") == "investigator"]
    assert [row["verdict"] for row in kept] == ([] if verdict == "unsure" else [verdict])
    detail = ben.get(f"/v1/decisions/{event['event_id']}").json()
    assert {row["verdict"] for row in detail["labels"]} == {verdict}
    counted = ben.get(f"/v1/entities/card/c-labelled-{verdict}").json()["frauds"]
    assert counted == (verdict == "fraud")


def test_what_is_not_decided_cannot_be_labelled(served: Served) -> None:
    ben = served.client(role="investigator")
    assert ben.post("/v1/labels", json={"event_id": "never", "verdict": "fraud"}).status_code == 404
    pan = {"event_id": "never", "verdict": "fraud", "note": "card 4111111111111111"}
    assert ben.post("/v1/labels", json=pan).status_code == 422


def test_entities_are_found_with_their_links(served: Served, payment: Payment) -> None:
    gateway, ben = served.client("decide"), served.client(role="investigator")
    shared = {"device_id": "device-shared", "merchant_id": "m-one", "ip": "192.0.2.1"}
    moments = [f"2026-05-01T12:00:0{number}Z" for number in range(3)]
    events = [payment(card_id=f"c-linked-{place}", event_ts=at, **shared) for place, at in enumerate(moments)]
    gateway.post("/v1/decisions:batch", json={"events": events})
    found = ben.get("/v1/entities", params={"q": "c-linked"}).json()["items"]
    assert [one["id"] for one in found] == ["c-linked-0", "c-linked-1", "c-linked-2"]
    graph = ben.get("/v1/entities/card/c-linked-0/links").json()
    cards = {node["id"]: node["distance"] for node in graph["nodes"] if node["kind"] == "card"}
    assert cards == {"c-linked-0": 0, "c-linked-1": 2, "c-linked-2": 2}
    assert {"from": "card:c-linked-0", "to": "device:device-shared"}.items() <= graph["edges"][0].items()
    device = ben.get("/v1/entities/device/device-shared").json()
    assert device["events"] == 3
    assert device["features"]["device_card_count_1h"] == 3
    series = ben.get("/v1/entities/device/device-shared/features", params={"names": "device_txn_count_1h"}).json()
    assert [point["values"] for point in series["points"]] == [[1], [2], [3]]
    assert ben.get("/v1/entities/card/never").status_code == 404


def test_what_happened_lately_is_counted(served: Served) -> None:
    viewer = served.client(role="viewer")
    lately = viewer.get("/v1/activity", params={"hours": 24 * 31}).json()
    assert sum(bucket["events"] for bucket in lately["buckets"]) > 0
    status = viewer.get("/v1/status").json()
    assert status["state"] == "deciding"
    assert sum(status["actions"].values()) > 0
    text = viewer.get("/metrics").text
    for name in ("events_total", "decisions_total", "stage_seconds_bucket", "ready 1"):
        assert f"riskwave_{name}" in text
    page = viewer.get("/v1/rejected", params={"limit": 2}).json()
    assert all(row["raw"] is None and row["reject_reason"] for row in page["items"])
    if page["next"]:
        more = viewer.get("/v1/rejected", params={"limit": 2, "cursor": page["next"]}).json()["items"]
        assert not {row["source_offset"] for row in more} & {row["source_offset"] for row in page["items"]}
