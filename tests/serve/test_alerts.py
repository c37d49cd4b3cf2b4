"""The queue of alerts over the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serve.conftest import Served

DEVICE = "device-on-the-list"
LATER = "2100-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def admin(served: Served) -> TestClient:
    client = served.client(role="admin", owner="ada")
    added = client.post("/v1/lists/block_device/entries", json={"value": DEVICE, "reason": "stolen"})
    assert added.status_code in (201, 409), added.text
    return client


@pytest.fixture
def flagged(admin: TestClient, payment: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Makes payments that are blocked."""

    def make(**fields: Any) -> dict[str, Any]:
        event = payment(device_id=DEVICE, **fields)
        answer = admin.post("/v1/decisions", json=event)
        assert answer.json()["action"] == "block", answer.text
        return event

    return make


def test_an_alert_is_there_as_soon_as_its_decision_is(
    admin: TestClient, flagged: Callable[..., dict[str, Any]]
) -> None:
    event = flagged(card_id="card-1234-5678", amount_minor=777)
    alert = admin.get(f"/v1/alerts/{event['event_id']}").json()
    assert (alert["action"], alert["severity"], alert["status"], alert["notice"]) == ("block", "P0", "open", "waiting")
    assert (alert["card_id"], alert["amount_minor"], alert["device_id"]) == ("card-1234-5678", 777, DEVICE)
    assert alert["reasons"]
    assert [deed["what"] for deed in alert["history"]] == ["raised"]


def test_what_happened_before_the_server_is_in_the_queue(served: Served) -> None:
    flagged = served.service.decider.reading.rows("select event_id from current_decisions where action <> 'allow'")
    found, cursor = set[str](), ""
    client = served.client(role="viewer")
    while True:
        page = client.get(f"/v1/alerts?limit=7{cursor}").json()
        assert len(page["items"]) <= 7
        assert not found & {item["event_id"] for item in page["items"]}
        found |= {item["event_id"] for item in page["items"]}
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert {row["event_id"] for row in flagged} <= found
    assert len(flagged) > 5


def test_a_card_without_alerts_gives_an_empty_page_and_the_urgent_come_first(
    admin: TestClient, flagged: Callable[..., dict[str, Any]]
) -> None:
    flagged()
    assert admin.get("/v1/alerts", params={"card": "nobody"}).json() == {"items": [], "next": None}
    items, cursor = [], {}
    while cursor is not None:
        page = admin.get("/v1/alerts", params={"order": "urgent", "limit": 9, **cursor}).json()
        items += page["items"]
        cursor = {"cursor": page["next"]} if page["next"] else None
    severities = [item["severity"] for item in items]
    assert severities == sorted(severities)
    assert len({item["event_id"] for item in items}) == len(items)
    assert admin.get("/v1/alerts", params={"cursor": "nonsense"}).status_code == 422


def test_filters_find_what_they_say(admin: TestClient, flagged: Callable[..., dict[str, Any]]) -> None:
    event = flagged(card_id="filtered", ip="203.0.113.200", merchant_id="m-filtered", event_ts="2026-03-02T10:00:00Z")
    fits = {
        "card": "filtered",
        "device": DEVICE,
        "ip": "203.0.113.200",
        "merchant": "m-filtered",
        "severity": "P0",
        "action": "block",
        "rule": admin.get(f"/v1/alerts/{event['event_id']}").json()["rule_ids"][0],
        "status": "open",
        "unassigned": "true",
        "snoozed": "false",
        "from": "2026-03-02T10:00:00Z",
        "to": "2026-03-02T10:00:01Z",
    }
    others = {
        **dict.fromkeys(("card", "device", "ip", "merchant", "rule"), "another"),
        "severity": "P2",
        "action": "review",
        "status": "closed",
        "unassigned": "false",
        "snoozed": "true",
        "from": "2026-03-02T10:00:01Z",
        "to": "2026-03-02T10:00:00Z",
    }
    assert [item["event_id"] for item in admin.get("/v1/alerts", params=fits).json()["items"]] == [event["event_id"]]
    for name, other in others.items():
        assert admin.get("/v1/alerts", params={**fits, name: other}).json()["items"] == [], name


def test_an_alert_is_taken_given_snoozed_closed_and_opened_again(
    served: Served, admin: TestClient, flagged: Callable[..., dict[str, Any]]
) -> None:
    where = f"/v1/alerts/{flagged()['event_id']}"
    ben = served.client(role="investigator", owner="ben")
    served.token(role="investigator", owner="ann")

    def does(what: str, **body: Any) -> dict[str, Any]:
        answer = ben.post(f"{where}/{what}", json=body)
        assert answer.status_code == 200, answer.text
        alert: dict[str, Any] = answer.json()
        return alert

    given = does("assign", to="ann")
    assert (given["assignee"], given["status"], given["notice"]) == ("ann", "open", "waiting")
    taken = does("assign", to="me", note="mine after all")
    assert (taken["assignee"], taken["status"], taken["notice"]) == ("ben", "acknowledged", "none")
    snoozed = does("snooze", until=LATER)
    assert (snoozed["status"], snoozed["snoozed_until"][:4], snoozed["notice"]) == ("open", "2100", "snoozed")
    assert does("acknowledge")["snoozed_until"] is None
    closed = does("close", resolution="fraud", note="the cardholder called")
    assert (closed["status"], closed["resolution"], closed["changed_by"]) == ("closed", "fraud", "ben")
    assert ben.post(f"{where}/snooze", json={"until": LATER}).status_code == 409
    assert does("reopen")["status"] == "open"
    assert does("assign", to=None)["assignee"] is None
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    assert ben.post(f"{where}/snooze", json={"until": past}).status_code == 409
    assert ben.post("/v1/alerts/nothing/acknowledge", json={}).status_code == 404
    history = [(deed["what"], deed["note"]) for deed in ben.get(where).json()["history"]]
    assert history[1:3] == [("assigned", "ann"), ("assigned", "ben; mine after all")]
    assert history[5] == ("closed", "fraud; the cardholder called")
    log = admin.get("/v1/audit", params={"subject": where.rpartition("/")[2]}).json()["items"]
    assert [row["what"] for row in log] == [
        *("alert.assign", "alert.assign", "alert.snooze", "alert.acknowledge", "alert.close", "alert.reopen"),
        "alert.assign",
    ]
    assert {row["author"] for row in log} == {"ben"}


def test_an_events_name_may_have_slashes(admin: TestClient, flagged: Callable[..., dict[str, Any]]) -> None:
    event = flagged(event_id="bank/2026/7")
    assert admin.post(f"/v1/alerts/{event['event_id']}/acknowledge", json={}).json()["status"] == "acknowledged"
    assert admin.get(f"/v1/alerts/{event['event_id']}").json()["event_id"] == "bank/2026/7"


def test_many_are_done_at_once_each_by_itself(admin: TestClient, flagged: Callable[..., dict[str, Any]]) -> None:
    events = [flagged()["event_id"] for _ in range(3)]
    admin.post(f"/v1/alerts/{events[1]}/close", json={})
    body = {"event_ids": [*events, "nothing"], "do": "close", "resolution": "duplicate"}
    results = admin.post("/v1/alerts:bulk", json=body).json()["items"]
    assert [result["status"] for result in results] == ["done", "refused", "done", "unknown"]
    assert "reopen" in results[1]["fault"]
    assert admin.get(f"/v1/alerts/{events[2]}").json()["resolution"] == "duplicate"
    for wrong in ({"do": "snooze"}, {"do": "close", "until": LATER}, {"do": "acknowledge", "to": "me"}, {"do": "x"}):
        assert admin.post("/v1/alerts:bulk", json={"event_ids": events, **wrong}).status_code == 422, wrong


def test_counts_are_of_the_queue(admin: TestClient, flagged: Callable[..., dict[str, Any]]) -> None:
    before = admin.get("/v1/alerts:counts").json()
    first, second, third = (flagged()["event_id"] for _ in range(3))
    admin.post(f"/v1/alerts/{first}/acknowledge", json={})
    admin.post(f"/v1/alerts/{second}/snooze", json={"until": LATER})
    admin.post(f"/v1/alerts/{third}/close", json={})
    after = admin.get("/v1/alerts:counts").json()
    grown = {name: after[name] - before[name] for name in ("open", "acknowledged", "closed", "snoozed", "unassigned")}
    assert grown == {"open": 1, "acknowledged": 1, "closed": 1, "snoozed": 1, "unassigned": 1}
    assert after["severities"]["P0"] - before["severities"]["P0"] == 2


def test_tokens_are_masked_and_looks_are_logged(
    served: Served, admin: TestClient, flagged: Callable[..., dict[str, Any]]
) -> None:
    event = flagged(card_id="card-in-an-alert")
    where = f"/v1/alerts/{event['event_id']}"
    viewer = served.client(role="viewer")
    for path in (where, "/v1/alerts?limit=500"):
        assert "card-in-an-alert" not in viewer.get(path).text
        assert DEVICE not in viewer.get(path).text
    assert viewer.get("/v1/alerts", params={"card": "card-in-an-alert"}).status_code == 403
    carl = served.client(role="investigator", owner="carl")
    carl.get(where)
    carl.get("/v1/alerts", params={"card": "card-in-an-alert"})
    log = admin.get("/v1/audit", params={"subject": "card:card-in-an-alert"}).json()["items"]
    assert [(row["what"], row["author"]) for row in log] == [("look", "carl")] * 2
    assert carl.post(f"{where}/close", json={"note": "4111 1111 1111 1111"}).status_code == 422
