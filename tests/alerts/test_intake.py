"""Decisions become alerts once, and later decisions change them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from riskwave.alerts.acts import Act, act
from riskwave.alerts.feed import AT_ONCE, catch_up
from riskwave.alerts.finding import one
from riskwave.alerts.intake import take
from riskwave.alerts.store import AlertStore
from riskwave.engine.engine import Engine
from riskwave.serve.reading import Reading
from riskwave.simulator.bank import simulate
from tests.alerts.made import NOON, decision


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    made = AlertStore(tmp_path / "alerts")
    yield made
    made.close()


def test_a_flagged_decision_raises_one_alert_however_often_it_is_given(store: AlertStore) -> None:
    flagged = [decision("e1", action="block", severity="P0"), decision("e2", action="review", severity=None)]
    assert take(store, "s", [*flagged, decision("e3", action="allow")], "1", NOON) == 2
    assert take(store, "s", flagged, "2", NOON + timedelta(hours=1)) == 0
    rows = store.rows("select event_id, severity, status, raised_at from alerts order by id")
    assert [(row["event_id"], row["severity"], row["status"]) for row in rows] == [
        ("e1", "P0", "open"),
        ("e2", "P2", "open"),
    ]
    assert {row["raised_at"] for row in rows} == {"2026-03-01T12:00:00.000000Z"}
    assert store.position("s") == "2"


def test_what_cannot_be_kept_leaves_the_position_where_it_was(store: AlertStore) -> None:
    with pytest.raises(KeyError):
        take(store, "s", [decision("e1", action="block"), {"action": "block"}], "9", NOON)
    assert store.position("s") is None
    assert store.rows("select * from alerts") == []


def _superseded(store: AlertStore, **fields: Any) -> dict[str, Any]:
    take(store, "s", [decision("e1", version=2, **fields)], "2", NOON + timedelta(minutes=5))
    found = one(store, "e1", NOON + timedelta(minutes=5))
    assert found is not None
    return found


def test_a_later_decision_that_allows_closes_what_nobody_has_taken(store: AlertStore) -> None:
    take(store, "s", [decision("e1", action="review", amount_minor=700)], "1", NOON)
    found = _superseded(store, action="allow", severity=None)
    assert (found["status"], found["resolution"], found["version"]) == ("closed", "superseded", 2)
    assert found["amount_minor"] == 700
    assert [deed["what"] for deed in found["history"]] == ["raised", "superseded"]
    # And one that flags it again opens it again.
    take(store, "s", [decision("e1", version=3, action="review")], "3", NOON + timedelta(minutes=6))
    again = one(store, "e1", NOON)
    assert again is not None
    assert (again["status"], again["resolution"], again["notice"]) == ("open", None, "waiting")


@pytest.mark.parametrize(
    ("deed", "status"), [(Act("acknowledge"), "acknowledged"), (Act("close", resolution="fraud"), "closed")]
)
def test_what_somebody_has_taken_stays_theirs(store: AlertStore, deed: Act, status: str) -> None:
    take(store, "s", [decision("e1", action="review")], "1", NOON)
    act(store, ["e1"], deed, who="ann", now=NOON)
    found = _superseded(store, action="allow", severity=None)
    assert (found["status"], found["assignee"] or found["changed_by"], found["action"]) == (status, "ann", "allow")


def test_a_worse_decision_is_told_of_anew_and_a_milder_one_is_not(store: AlertStore) -> None:
    take(store, "s", [decision("e1", action="review", severity="P1")], "1", NOON)
    act(store, ["e1"], Act("acknowledge"), who="ann", now=NOON)
    assert _superseded(store, action="challenge", severity="P2")["notice"] == "none"
    take(store, "s", [decision("e1", version=3, action="block", severity="P0")], "3", NOON)
    found = one(store, "e1", NOON)
    assert found is not None
    assert (found["notice"], found["severity"], found["status"]) == ("waiting", "P0", "acknowledged")


def test_a_states_decisions_are_taken_in_once_and_from_where_it_was(store: AlertStore, tmp_path: Path) -> None:
    bank = simulate(1_500, 5)
    engine = Engine(tmp_path / "bank.duckdb")
    reading = Reading(engine.connection, engine.store, tmp_path / "bank.duckdb")
    expected: set[str] = set()
    try:
        for start in range(0, len(bank.arrivals), 500):
            engine.process(bank.arrivals.rows(start, start + 500), labels=bank.labels if start == 0 else None)
            before = len(store.rows("select 1 from alerts"))
            raised = catch_up(store, reading.rows, NOON)
            assert catch_up(store, reading.rows, NOON) == 0
            flagged = reading.rows("select distinct event_id from decisions where action <> 'allow'", {})
            expected = {row["event_id"] for row in flagged}
            assert before + raised == len(expected)
        alerts = store.rows("select event_id, version, action, amount_minor from alerts")
        last = {
            row["event_id"]: row
            for row in reading.rows(
                "select d.event_id, d.version, d.action, s.amount_minor from current_decisions as d "
                "join stg_payments as s using (event_id)",
                {},
            )
        }
    finally:
        reading.close()
        engine.close()
    assert {row["event_id"] for row in alerts} == expected
    assert len(alerts) > 3
    assert all(row == last[row["event_id"]] for row in alerts)


def test_a_states_decisions_never_go_back_in_time(tmp_path: Path) -> None:
    """The clock of an engine that starts again where the machine's went back."""
    engine = Engine(tmp_path / "bank.duckdb")
    bank = simulate(60, 5)
    engine.process(bank.arrivals.rows(0, 20))
    ahead = datetime(2999, 1, 1)
    engine.connection.execute("update decisions set decided_at = $1", [ahead]).fetchall()
    engine.close()
    engine = Engine(tmp_path / "bank.duckdb")
    engine.process(bank.arrivals.rows(20, 30))
    engine.process(bank.arrivals.rows(30, 40))
    moments = engine.connection.execute("select distinct decided_at from decisions order by 1").fetchall()
    engine.close()
    assert [moment - ahead for (moment,) in moments] == [timedelta(microseconds=n) for n in range(len(moments))]
    assert len(moments) > 1


def test_a_long_absence_is_caught_up_with_page_by_page(store: AlertStore) -> None:
    """Pages end within a batch, whose decisions have one time."""
    decided = [decision(f"e{number:05}", action="review") for number in range(2 * AT_ONCE + 7)]
    asked = 0

    def rows(sql: str, given: Any) -> list[dict[str, Any]]:
        nonlocal asked
        if "from stg_payments" in sql:
            return []
        asked += 1
        after = (given["at"], given["event_id"], given["version"])
        left = [row for row in decided if (row["decided_at"], row["event_id"], row["version"]) > after]
        return left[:AT_ONCE]

    assert catch_up(store, rows, NOON) == len(decided)
    assert asked == 3
    assert catch_up(store, rows, NOON) == 0
