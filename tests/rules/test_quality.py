"""Figures of a ruleset over a handful of payments, told one by one."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from riskwave.rules.pack import parse_rules
from riskwave.rules.quality import Quality, measure

RULES = parse_rules(
    """
- {rule: large, when: billing_amount_minor >= 1000, action: challenge, severity: P1, reason: large, owner: t}
- {rule: abroad, when: card_is_abroad, action: review, severity: P2, reason: abroad, owner: t}
""",
    name="tiny",
)
# event, minute, amount, declined, abroad; episode and scenario of a fraud
PAYMENTS = [
    ("early1", 1, 100, False, False, "early", "drain"),  # 100 of 1,300 is gone when the next is challenged
    ("early2", 2, 1000, False, False, "early", "drain"),
    ("early3", 3, 200, False, False, "early", "drain"),  # not flagged itself, yet after the challenge
    ("late1", 1, 900, False, False, "late", "drain"),
    ("late2", 2, 900, False, False, "late", "drain"),  # 1,800 of 2,800 is gone
    ("late3", 3, 1000, False, False, "late", "drain"),
    ("seen1", 1, 500, False, True, "seen", "travel"),  # a review stops nothing
    ("tried1", 1, 5000, True, False, "tried", "travel"),  # declined: no money, and challenged all the same
    ("tried2", 2, 300, False, False, "tried", "travel"),
    ("good1", 1, 10, False, False, None, None),
    ("good2", 2, 10, False, True, None, None),
    ("good3", 3, 2000, False, False, None, None),
    ("good4", 4, 10, False, None, None, None),
]


@pytest.fixture
def payments() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            "create table decision_input (event_id varchar, event_ts timestamp, card_id varchar, "
            "billing_amount_minor bigint, is_declined boolean, card_is_abroad boolean)"
        )
        connection.execute(
            "create table labels (event_id varchar, verdict varchar, episode_id varchar, scenario varchar)"
        )
        for event, minute, amount, declined, abroad, episode, scenario in PAYMENTS:
            connection.execute(
                "insert into decision_input values (?, timestamp '2026-01-01' + to_minutes(?), 'c1', ?, ?, ?)",
                [event, minute, amount, declined, abroad],
            )
            if episode:
                connection.execute("insert into labels values (?, 'fraud', ?, ?)", [event, episode, scenario])
        connection.execute("insert into labels values ('good1', 'legitimate', null, null)")
        yield connection


@pytest.fixture
def quality(payments: duckdb.DuckDBPyConnection) -> Quality:
    return measure(payments, RULES)


def test_an_attack_is_caught_before_half_of_its_money_is_gone(quality: Quality) -> None:
    drain, travel = quality.scenarios
    assert (drain.scenario, drain.attacks, drain.caught) == ("drain", 2, 1)
    assert (travel.scenario, travel.attacks, travel.caught) == ("travel", 2, 1)


def test_what_is_tried_from_the_first_challenge_on_is_saved(quality: Quality) -> None:
    drain, travel = quality.scenarios
    assert (drain.at_stake, drain.saved) == (1300 + 2800, 1200 + 1000)
    assert (travel.at_stake, travel.saved) == (500 + 300, 300)


def test_events_found_and_good_payments_disturbed(quality: Quality) -> None:
    assert (quality.total.events, quality.total.flagged) == (9, 4)
    assert (quality.legitimate, quality.legitimate_flagged, quality.legitimate_stopped) == (4, 2, 1)
    assert (quality.false_positive_rate, quality.stopped_rate) == (0.5, 0.25)
    assert quality.precision == 4 / 6
    assert quality.total.recall == 4 / 9


def test_frauds_without_an_episode_stand_alone(payments: duckdb.DuckDBPyConnection) -> None:
    payments.execute("update labels set episode_id = null, scenario = null where event_id = 'seen1'")
    assert {each.scenario: each.attacks for each in measure(payments, RULES).scenarios} == {
        "drain": 2,
        "travel": 1,
        "unknown": 1,
    }


def test_the_table_has_a_line_a_scenario_and_the_price(quality: Quality) -> None:
    lines = quality.table().splitlines()
    assert [line.split()[0] for line in lines] == ["scenario", "drain", "travel", "all", f"{RULES.revision}:"]
    assert lines[-1].endswith("of 4 legitimate payments 50.000% flagged, 25.000% challenged or blocked")
    assert quality.as_dict()["precision"] == quality.precision
