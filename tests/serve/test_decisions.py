"""Decisions over HTTP: made once, found again, the same as the stream's and the batch's."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.serve.conftest import Served
from tests.support.processes import wait_until

Payment = Callable[..., dict[str, Any]]


def test_a_payment_is_decided_and_found(served: Served, payment: Payment) -> None:
    gateway, reader = served.client("decide"), served.client(role="investigator")
    event = payment(card_id="c-found")
    answer = gateway.post("/v1/decisions", json=event)
    assert answer.status_code == 200, answer.text
    assert answer.json()["event_id"] == event["event_id"]
    assert answer.json()["action"] in ("allow", "challenge", "review", "block")
    assert answer.json()["version"] == 1
    found = reader.get(f"/v1/decisions/{event['event_id']}").json()
    assert found["decision"] == answer.json()
    assert found["event"]["amount_minor"] == 4_990
    assert found["features"]["card_txn_count_10m"] == 1


def test_the_first_decision_is_answered_again(served: Served, payment: Payment) -> None:
    gateway = served.client("decide")
    event = payment()
    first = gateway.post("/v1/decisions", json=event)
    again = gateway.post("/v1/decisions", json={**event, "amount_minor": 1})
    assert again.json() == first.json()
    assert again.headers["Riskwave-Replayed"] == "true"
    served.service.decider._recent.clear()
    later = gateway.post("/v1/decisions", json=event)
    assert later.json() == first.json()


def test_one_event_asked_about_by_many_at_once_is_decided_once(served: Served, payment: Payment) -> None:
    gateway = served.client("decide")
    event = payment()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: gateway.post("/v1/decisions", json=event).json(), range(16)))
    assert all(answer == answers[0] for answer in answers)
    rows = served.service.decider.reading.rows(
        "select count(*) as n from decisions where event_id = $id", {"id": event["event_id"]}
    )
    assert rows == [{"n": 1}]


def test_a_batch_is_decided_in_its_order(served: Served, payment: Payment) -> None:
    gateway = served.client("decide")
    events = [payment(card_id="c-batch", event_ts=f"2026-03-01T12:00:{second:02d}Z") for second in range(20)]
    answer = gateway.post("/v1/decisions:batch?features=true", json={"events": events}).json()
    assert [item["event_id"] for item in answer["decisions"]] == [event["event_id"] for event in events]
    assert [item["decision"]["features"]["card_txn_count_10m"] for item in answer["decisions"]] == list(range(1, 21))


def test_what_staging_refuses_is_said(served: Served, payment: Payment) -> None:
    gateway = served.client("decide")
    answer = gateway.post("/v1/decisions", json=payment(event_ts="1970-01-01T00:00:00Z"))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "before 2000" in answer.json()["detail"]
    mixed = [payment(), payment(event_ts="1970-01-01T00:00:00Z")]
    items = gateway.post("/v1/decisions:batch", json={"events": mixed}).json()["decisions"]
    assert [item["status"] for item in items] == ["decided", "rejected"]


def test_an_event_is_accepted_then_decided(served: Served, payment: Payment) -> None:
    gateway, reader = served.client("decide"), served.client(role="viewer")
    event = payment()
    answer = gateway.post("/v1/events", json=event)
    assert answer.status_code == 202
    where = answer.json()["decision"]
    wait_until(lambda: reader.get(where).status_code == 200, limit_s=30, what="the decision")
    found = reader.get(where)
    assert found.status_code == 200, found.text
    assert found.json()["decision"]["source"] == "api:events"
    assert gateway.post("/v1/decisions", json=event).json()["event_id"] == event["event_id"]


def test_a_card_number_is_refused_in_any_field(served: Served, payment: Payment) -> None:
    gateway = served.client("decide")
    for field, value in [
        ("card_id", "4111111111111111"),
        ("event_id", "x4111111111111111"),
        ("merchant_name", "paid by 4111 1111 1111 1111"),
        ("original_event_id", "378282246310005"),
    ]:
        for path in ("/v1/decisions", "/v1/events"):
            answer = gateway.post(path, json=payment(**{field: value}))
            assert answer.status_code == 422, (path, field)
            assert answer.json()["detail"].startswith(f"{field}:")
            assert "4111" not in answer.text
    # A number of the same length that is none.
    assert gateway.post("/v1/decisions", json=payment(merchant_name="4111111111111112")).status_code == 200


def test_bad_bodies_are_problems(served: Served) -> None:
    gateway = served.client("decide")
    for body in (b"", b"{", b"[]", b'"x"', b"\xff", json.dumps({"event_id": "x"}).encode(), b"[" * 5_000):
        answer = gateway.post("/v1/decisions", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422, body[:10]
        assert answer.json()["type"] == "urn:riskwave:invalid"
    assert gateway.post("/v1/decisions", content=b"a=b", headers={"content-type": "text/plain"}).status_code == 415
    assert gateway.post("/v1/decisions", content=b" " * (5 << 20)).status_code == 413


def test_decisions_are_searched_page_by_page(served: Served, payment: Payment) -> None:
    gateway, reader = served.client("decide"), served.client(role="investigator")
    events = [payment(card_id="c-paged", event_ts=f"2026-04-01T00:00:{second:02d}Z") for second in range(7)]
    gateway.post("/v1/decisions:batch", json={"events": events})
    seen, cursor = [], None
    while True:
        query = {"card": "c-paged", "limit": 3} | ({"cursor": cursor} if cursor else {})
        page = reader.get("/v1/decisions", params=query).json()
        seen += [item["event_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [event["event_id"] for event in reversed(events)]
    assert reader.get("/v1/decisions", params={"cursor": "none"}).status_code == 422
