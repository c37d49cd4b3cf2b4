"""A payment that comes late changes what was known of its card; its merchant, ip and BIN count it from then on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from riskwave.engine.engine import Engine
from riskwave.engine.plan import LATEST, make_plan
from riskwave.project import compiled_project
from tests.engine.streams import Row, Stream

START = datetime(2026, 1, 1, 12)
MINUTE = timedelta(minutes=1)


def payment(number: int, card: str, made: timedelta, sent: timedelta | None = None) -> Row:
    return {
        "event_id": f"e{number}",
        "event_ts": START + made,
        "transmitted_ts": None if sent is None else START + sent,
        "card_id": card,
        "merchant_id": "m0",
        "ip": "10.0.0.1",
        "bin": "411111",
        "amount_minor": 5000,
        "currency": "EUR",
        "received_at": START + (made if sent is None else sent),
    }


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(":memory:", plan=make_plan(compiled_project()))
    # one a minute, the cards c0, c1 and c2 in turn
    engine.process(
        Stream([payment(number, f"c{number % 3}", number * MINUTE) for number in range(9)], [], [], []).raw()
    )
    yield engine
    engine.close()


def known(engine: Engine, columns: str) -> list[tuple[Any, ...]]:
    return engine.connection.execute(
        f"select event_id, version, {columns} from current_decision_input order by event_id"
    ).fetchall()


def test_only_its_card_is_decided_again(engine: Engine) -> None:
    before = known(engine, "merchant_txn_count_10m")
    late = payment(9, "c1", MINUTE / 2, sent=9 * MINUTE)
    engine.process(Stream([late], [], [], []).raw())
    after = known(engine, "merchant_txn_count_10m")
    # c1's after it, e1, e4 and e7, each with the tiles it had
    assert after[:9] == [(event, 2 if event in ("e1", "e4", "e7") else 1, count) for event, _, count in before]
    assert known(engine, "card_txn_count_10m")[4] == ("e4", 2, 3)


def test_it_is_decided_by_the_tiles_of_when_it_was_sent_and_counts_from_then_on(engine: Engine) -> None:
    late = payment(9, "c9", MINUTE / 2, sent=9 * MINUTE)
    engine.process(Stream([late], [], [], []).raw())
    next_of_all = payment(10, "c0", 10 * MINUTE)
    engine.process(Stream([next_of_all], [], [], []).raw())
    counts = "merchant_txn_count_10m, ip_txn_count_10m, bin_txn_count_10m, ip_card_count_1h"
    found = {event: rest for event, *rest in known(engine, counts)}
    assert found["e1"] == [1, 1, 1, 1, 1]
    assert found["e9"] == [1, 9, 9, 9, 3]
    assert found["e10"] == [1, 10, 10, 10, 4]


def test_one_whose_message_says_nothing_counts_when_it_was_made(engine: Engine) -> None:
    engine.process(Stream([payment(9, "c9", MINUTE / 2)], [], [], []).raw())
    versions = [row[1] for row in known(engine, "event_ts")]
    # e0 has the same minute
    assert versions == [1, *[2] * 8, 1]


def test_one_sent_days_later_counts_as_late_as_history_is_kept_for(engine: Engine) -> None:
    engine.process(Stream([payment(9, "c9", timedelta(), sent=timedelta(days=3))], [], [], []).raw())
    staged = engine.connection.execute("select transmitted_ts from stg_payments where event_id = 'e9'").fetchall()
    assert staged == [(START + timedelta(seconds=LATEST),)]
