"""Profiles and devices that come after the events they apply to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from riskwave.contracts import CardProfile
from riskwave.engine.engine import Engine
from riskwave.engine.plan import make_plan
from riskwave.project import compiled_project
from tests.engine.streams import Row, Stream, typed

START = datetime(2026, 1, 1, 12)


def payment(number: int, card: str) -> Row:
    moment = START + timedelta(hours=number)
    return {
        "event_id": f"e{number}",
        "event_ts": moment,
        "card_id": card,
        "amount_minor": 5000,
        "currency": "EUR",
        "received_at": moment,
    }


@pytest.mark.parametrize("card", ["c0", "c1", "c2"])
def test_a_profile_that_comes_later_decides_again_what_it_applies_to(card: str) -> None:
    deliveries = [payment(number, f"c{number % 3}") for number in range(9)]
    engine = Engine(":memory:", plan=make_plan(compiled_project()))
    engine.process(Stream(deliveries, [], [], []).raw())
    valid_from = START + timedelta(hours=3)
    profile = {"card_id": card, "valid_from": valid_from, "segment": "mass", "opened_at": START}
    assert engine.add_facts("card_profiles", typed(CardProfile, [profile])) == 1
    assert engine.add_facts("card_profiles", typed(CardProfile, [profile])) == 0
    found = rows(engine, "select event_id, profile_segment, version from current_decision_input order by event_ts")
    assert found == [
        (row["event_id"], *(("mass", 2) if applies else (None, 1)))
        for row in deliveries
        for applies in [row["card_id"] == card and row["event_ts"] >= valid_from]
    ]
    engine.close()


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    return engine.connection.execute(query).fetchall()
