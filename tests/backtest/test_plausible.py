"""What would have let a payment pass is something that could have been."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pytest

from riskwave.backtest.changes import ways_to_pass
from riskwave.backtest.given import Given
from riskwave.backtest.plausible import Plausible, alone
from riskwave.project import compiled_project
from riskwave.rules.lists import Lists
from riskwave.rules.reference import decide
from riskwave.simulator import simulate
from tests.backtest.made import pack
from tests.engine.batch import batch, rows_of

ROW = {
    "billing_amount_minor": 4_000,
    "amount_minor": 4_000,
    "card_txn_count_5m": 3,
    "card_txn_count_10m": 6,
    "card_txn_count_1h": 9,
    "card_decline_count_10m": 2,
    "card_amount_sum_10m": 20_000,
    "card_amount_sum_1h": 30_000,
    "card_txn_count_30d": 40,
    "card_device_first_30d": True,
    "card_amount_zscore_30d": 2.0,
    "device_decline_rate_1h": 0.2,
}
ALONE = {
    "card_txn_count_5m": 1,
    "card_txn_count_10m": 1,
    "card_txn_count_1h": 1,
    "card_decline_count_10m": 1,
    "card_amount_sum_10m": 4_000,
    "card_amount_sum_1h": 4_000,
}


@pytest.mark.parametrize(
    ("name", "value", "could_be"),
    [
        ("card_txn_count_10m", 3, True),
        ("card_txn_count_10m", 2, False),  # fewer than in 5 minutes
        ("card_txn_count_10m", 10, False),  # more than in an hour
        ("card_txn_count_5m", 0, False),  # fewer than the payment itself
        ("card_decline_count_10m", 0, False),  # the payment itself was declined
        ("card_decline_count_10m", 7, False),  # more than there were payments
        ("card_amount_sum_10m", 4_000, True),
        ("card_amount_sum_10m", 3_999, False),
        ("card_amount_zscore_30d", -1.0, True),
        ("device_decline_rate_1h", -0.1, False),
        ("card_device_first_30d", False, True),
    ],
)
def test_values_that_could_have_been(name: str, value: object, could_be: bool) -> None:
    assert (Plausible(ROW, ALONE).changed({name: value}) is not None) is could_be


def test_a_device_is_not_known_to_a_card_without_another_payment() -> None:
    first = {**ROW, "card_txn_count_30d": 1}
    assert Plausible(first, ALONE).changed({"card_device_first_30d": False}) is None


def test_another_amount_is_in_the_sums_it_is_part_of() -> None:
    changed = Plausible(ROW, ALONE).changed({"billing_amount_minor": 1_000})
    assert changed is not None
    names = ("billing_amount_minor", "amount_minor", "card_amount_sum_10m", "card_amount_sum_1h")
    assert [changed[name] for name in names] == [1_000, 1_000, 17_000, 27_000]


def test_a_count_is_lowered_to_what_the_payment_makes_itself_and_no_further() -> None:
    """Six payments fire at two or more: with one it would pass, with none it could not be."""
    velocity = pack().rules[0]
    rule = {**{("velocity", t.name): t.value for t in velocity.thresholds}, ("velocity", "max_count"): 1}
    given = Given("card", pack(), {**rule, ("velocity", "min_amount"): 3_000}, Lists())
    row = {**ROW, "card_txn_count_5m": None, "card_decline_count_10m": None, "channel": "card_present"}
    decision = decide(given.checked, row, given.values, given.lists)
    assert decision.rule_ids == ["velocity"]
    ways = [str(change) for way in ways_to_pass(given, row, decision, ALONE) for change in way]
    assert not any("card_txn_count_10m 0" in way for way in ways)
    assert any("card_txn_count_10m 0" in str(way) for (way, *_) in ways_to_pass(given, row, decision))


def test_alone_is_what_a_batch_of_this_payment_gives() -> None:
    raw = simulate(300, 5).arrivals.rows(0, 300)
    whole = batch(compiled_project(), {"payments": raw})
    rows = rows_of(whole, "select * from decision_input")
    late = max(rows.values(), key=lambda row: row["card_txn_count_30d"])
    assert late["card_txn_count_30d"] > 1
    least = alone(whole, "memory", Path("state.duckdb"), late["event_id"])
    assert (least["card_txn_count_30d"], least["card_txn_count_10m"]) == (1, 1)
    assert least["card_amount_sum_30d"] == late["billing_amount_minor"]
    own = raw.filter(pc.equal(raw["event_id"], late["event_id"]))
    wanted = rows_of(batch(compiled_project(), {"payments": own}), "select * from decision_input")
    assert least == wanted[late["event_id"]]
    assert alone(whole, "memory", Path("state.duckdb"), "nobody's") == {}
