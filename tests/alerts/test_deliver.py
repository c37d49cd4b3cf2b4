"""Notifications are sent until they are taken, once where the receiver can tell, or kept where they can be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from riskwave.alerts.deliver import backoff, dead_letters, drop_unknown, resend, send_due
from riskwave.alerts.finding import one
from riskwave.alerts.intake import take
from riskwave.alerts.plan import plan
from riskwave.alerts.receivers import Receiver, open_receivers
from riskwave.alerts.routes import Retry, Routes
from riskwave.alerts.store import AlertStore
from riskwave.errors import RiskwaveError
from tests.alerts.made import NOON, decision
from tests.alerts.receiving import SECRET, Hook, receiving
from tests.support.processes import free_port

ENVIRONMENT = {"HOOK_SECRET": SECRET}
RETRY = {"first": "1s", "longest": "8s", "give_up": "1h"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    made = AlertStore(tmp_path / "alerts")
    yield made
    made.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receiving() as made:
        yield made


class Desk:
    """A store whose alerts are told to one webhook, each in a notification of its own."""

    def __init__(self, store: AlertStore, url: str, **more: Any) -> None:
        receiver = {"webhook": url, "secret": "${HOOK_SECRET}", **more}
        route = {"name": "all", "to": ["hook"], "wait": "0s", "every": "0s", "most": 1000}
        self.store = store
        self.routes = Routes.model_validate({"receivers": {"hook": receiver}, "routes": [route], "retry": RETRY})
        self.receiver: Receiver = open_receivers(self.routes, "routes.yml", ENVIRONMENT)["hook"]

    def raised(self, *event_ids: str, at: datetime = NOON, **fields: Any) -> None:
        take(self.store, "test", [decision(event_id, **fields) for event_id in event_ids], "", at)
        plan(self.store, self.routes, at)

    def send(self, now: datetime) -> tuple[int, int]:
        return send_due(self.store, "hook", self.receiver, self.routes.retry, now)


def after(**span: float) -> datetime:
    return NOON + timedelta(**span)


def test_a_webhook_is_told_signed_json_with_a_key_and_masked_tokens(store: AlertStore, hook: Hook) -> None:
    Desk(store, hook.url).raised("e1", card_id="card-1234-5678", reasons=["card card-1234-5678 again"])
    desk = Desk(store, hook.url)
    assert desk.send(NOON) == (1, 0)
    [told] = hook.told
    assert (told["kind"], told["route"], told["entity"]) == ("alerts", "all", "card:***5678")
    [alert] = told["alerts"]
    assert (alert["event_id"], alert["card_id"], alert["reasons"]) == ("e1", "***5678", ["card ***5678 again"])
    assert hook.wrong == []
    assert desk.send(after(hours=1)) == (0, 0)
    clear = Desk(store, hook.url, tokens=True)
    clear.raised("e2", card_id="card-1234-5678", at=after(hours=2))
    clear.send(after(hours=2))
    assert hook.told[1]["entity"] == "card:card-1234-5678"
    assert hook.told[1]["alerts"][0]["card_id"] == "card-1234-5678"


@pytest.mark.parametrize("away", ["closed", "down", 503, 401])
def test_a_receiver_that_was_away_is_told_everything_once_it_is_back(store: AlertStore, away: str | int) -> None:
    port = free_port()
    desk = Desk(store, f"http://127.0.0.1:{port}/alerts")
    desk.raised(*(f"e{number}" for number in range(5)))

    def minute(hook: Hook | None) -> int:
        """A minute of looking every quarter of a second; gives the tries."""
        tries = 0
        for quarter in range(240):
            now = after(seconds=quarter / 4)
            if quarter == 120:
                desk.raised("late", at=now)
            tries += sum(desk.send(now))
        assert hook is None or hook.told == []
        return tries

    if away == "closed":
        tries = minute(None)
    else:
        with receiving(port) as hook:
            hook.down, hook.answer = away == "down", away if isinstance(away, int) else 204
            tries = minute(hook)
    # 1, 2, 4 and then every 8 seconds, and once more for the one that came: not once a look and an alert.
    assert tries <= 12
    with receiving(port) as hook:
        assert desk.send(after(seconds=70)) == (6, 0)
        assert hook.events == ["e0", "e1", "e2", "e3", "e4", "late"]
        assert desk.send(after(days=1)) == (0, 0)
    faults = store.rows("select fault, state from deliveries")
    assert {(row["fault"], row["state"]) for row in faults} == {(None, "delivered")}
    alert = one(store, "e0", after(days=1))
    assert alert is not None
    assert alert["notice"] == "told"


def test_one_that_is_refused_keeps_no_other_waiting(store: AlertStore, hook: Hook) -> None:
    desk = Desk(store, hook.url)
    hook.refuses = {"e1"}
    desk.raised("e0", "e1", "e2")
    assert desk.send(NOON) == (2, 1)
    assert hook.events == ["e0", "e2"]
    [waiting] = store.rows("select fault, attempts from deliveries where state = 'waiting'")
    assert waiting == {"fault": "it answers 422", "attempts": 1}
    hook.refuses = set()
    assert desk.send(after(milliseconds=999)) == (0, 0)
    assert desk.send(after(seconds=1)) == (1, 0)


def test_what_was_given_up_is_seen_and_can_be_sent_again(store: AlertStore) -> None:
    port = free_port()
    desk = Desk(store, f"http://127.0.0.1:{port}/alerts")
    desk.raised("e1", "e2")
    for second in range(0, 3_700, 4):
        desk.send(after(seconds=second))
    dead = dead_letters(store)
    assert [(letter["receiver"], letter["alerts"]) for letter in dead] == [("hook", 1), ("hook", 1)]
    assert "refused" in dead[0]["fault"].lower()
    with receiving(port) as hook:
        assert desk.send(after(hours=3)) == (0, 0)
        with pytest.raises(RiskwaveError, match="999"):
            resend(store, [dead[0]["id"], 999], after(hours=3))
        assert resend(store, [dead[0]["id"]], after(hours=3)) == 1
        assert desk.send(after(hours=3)) == (1, 0)
        assert resend(store, None, after(hours=4)) == 1
        assert desk.send(after(hours=4)) == (1, 0)
        assert hook.events == ["e1", "e2"]
    assert dead_letters(store) == []


def test_what_waits_for_a_receiver_that_is_gone_is_a_dead_letter(store: AlertStore) -> None:
    desk = Desk(store, "http://127.0.0.1:1/alerts")
    desk.raised("e1")
    assert drop_unknown(store, ["hook"]) == 0
    assert drop_unknown(store, ["another"]) == 1
    assert "no such receiver" in dead_letters(store)[0]["fault"]


def test_waits_double_up_to_the_longest() -> None:
    retry = Retry.model_validate(RETRY)
    assert [backoff(retry, tries).total_seconds() for tries in (1, 2, 3, 4, 5, 10_000)] == [1, 2, 4, 8, 8, 8]


def test_apprise_tells_people_in_words(store: AlertStore, hook: Hook) -> None:
    pytest.importorskip("apprise")
    receiver = {"url": "json://${USER}:${PASSWORD}@" + hook.address + "/notify"}
    route = {"name": "all", "to": ["chat"], "wait": "0s"}
    known = Routes.model_validate({"receivers": {"chat": receiver}, "routes": [route], "retry": RETRY})
    chat = open_receivers(known, "routes.yml", {"USER": "someone", "PASSWORD": "hunter2"})["chat"]
    reasons = ["card card-1234-5678 is on the block list"]
    alert = decision("e1", card_id="card-1234-5678", severity="P0", action="block", reasons=reasons)
    take(store, "test", [{**alert, "amount_minor": 123_456, "currency": "EUR", "merchant_id": "m1"}], "", NOON)
    plan(store, known, NOON)
    hook.answer = 500
    assert send_due(store, "chat", chat, known.retry, NOON) == (0, 1)
    [kept] = store.rows("select * from deliveries")
    assert "hunter2" not in json.dumps(kept)
    assert kept["fault"]
    hook.answer = 200
    assert send_due(store, "chat", chat, known.retry, after(seconds=1)) == (1, 0)
    [told] = hook.told
    assert told["title"] == "P0 block: 1 alert of card:***5678"
    key = store.rows("select key from notifications")[0]["key"]
    assert told["message"].splitlines() == [
        "P0 block 1,234.56 EUR at m1, 2026-03-01 12:00:00 UTC: card ***5678 is on the block list [e1]",
        f"notification {key}",
    ]
