from collections import defaultdict

import numpy as np
import pyarrow.compute as pc
import pytest

from riskwave.simulator import SimulatedBank, simulate
from riskwave.simulator.events import SCENARIOS


def frauds(bank: SimulatedBank) -> dict[str, list[dict[str, object]]]:
    """Payments of each episode by time, with their labels' scenario."""
    labels = {row["event_id"]: row for row in bank.labels.to_pylist() if row["verdict"] == "fraud"}
    mine = pc.is_in(bank.transactions["event_id"], value_set=bank.labels["event_id"].combine_chunks())
    episodes = defaultdict(list)
    for row in bank.transactions.filter(mine).to_pylist():
        if row["event_id"] in labels:
            label = labels[row["event_id"]]
            episodes[label["episode_id"]].append({**row, "scenario": label["scenario"]})
    return episodes


def test_there_are_ten_scenarios_and_all_happen(tidy_bank: SimulatedBank) -> None:
    assert len(SCENARIOS) == 10
    happened = {row["scenario"] for rows in frauds(tidy_bank).values() for row in rows}
    assert happened == set(SCENARIOS)


def test_fraud_is_rare(tidy_bank: SimulatedBank) -> None:
    share = sum(map(len, frauds(tidy_bank).values())) / len(tidy_bank.transactions)
    assert 0.003 < share < 0.01


@pytest.mark.parametrize("share", [0.0, 0.003, 0.02])
def test_share_of_fraud_can_be_asked_for(share: float) -> None:
    bank = simulate(30_000, 5, fraud_share=share)
    fraud = pc.sum(pc.equal(bank.labels["verdict"], "fraud")).as_py() or 0
    # the last episode may be up to sixty events
    assert share * 30_000 <= fraud <= share * 30_000 + 60


def test_an_episode_is_one_scenario_of_several_events_with_money_at_stake(tidy_bank: SimulatedBank) -> None:
    for rows in frauds(tidy_bank).values():
        assert len({row["scenario"] for row in rows}) == 1
        assert len(rows) >= 4
        assert sum(row["billing_amount_minor"] for row in rows if row["response_code"] == "00") > 0


def test_stopping_at_the_third_payment_saves_most_of_the_money(tidy_bank: SimulatedBank) -> None:
    kept = defaultdict(list)
    for rows in frauds(tidy_bank).values():
        lost = np.array([row["billing_amount_minor"] * (row["response_code"] == "00") for row in rows])
        kept[rows[0]["scenario"]].append(lost[2:].sum() / lost.sum())
    for scenario, shares in kept.items():
        assert np.mean(shares) > 0.5, scenario


def test_card_testing_is_many_cards_small_sums_and_declines_at_one_merchant(tidy_bank: SimulatedBank) -> None:
    for rows in frauds(tidy_bank).values():
        if rows[0]["scenario"] != "card_testing":
            continue
        small = [
            row for row in rows if row["amount_minor"] < 700 * 200 and row["merchant_id"] == rows[0]["merchant_id"]
        ]
        assert len({row["card_id"] for row in small}) >= 5
        assert sum(row["response_code"] != "00" for row in small) >= 3


def test_attacks_on_one_card_stay_on_it(tidy_bank: SimulatedBank) -> None:
    alone = {
        "account_takeover",
        "lost_card_drain",
        "impossible_travel",
        "counterfeit",
        "cross_border_large",
        "refund_abuse",
    }
    for rows in frauds(tidy_bank).values():
        if rows[0]["scenario"] in alone:
            assert len({row["card_id"] for row in rows}) == 1


def test_skimmed_cards_have_a_terminal_in_common(tidy_bank: SimulatedBank) -> None:
    payments = tidy_bank.transactions
    for rows in frauds(tidy_bank).values():
        if rows[0]["scenario"] != "skimmed_terminal":
            continue
        cards = {row["card_id"] for row in rows}
        merchants = [
            set(payments.filter(pc.equal(payments["card_id"], card))["merchant_id"].to_pylist()) for card in cards
        ]
        assert set.intersection(*merchants)
