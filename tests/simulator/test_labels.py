from datetime import timedelta

import numpy as np
import pyarrow.compute as pc

from riskwave.simulator import SimulatedBank


def delays(bank: SimulatedBank, verdict: str) -> np.ndarray:
    """Hours from payment to label."""
    labels = bank.labels.filter(pc.equal(bank.labels["verdict"], verdict))
    place = pc.index_in(labels["event_id"].combine_chunks(), value_set=bank.transactions["event_id"].combine_chunks())
    paid = bank.transactions["event_ts"].combine_chunks().take(place)
    return pc.subtract(labels["arrived_at"].combine_chunks(), paid).cast("int64").to_numpy() / 3.6e9


def test_labels_come_in_order_of_arrival(tidy_bank: SimulatedBank) -> None:
    arrived = tidy_bank.labels["arrived_at"].cast("int64").to_numpy()
    assert (np.diff(arrived) >= 0).all()


def test_one_label_an_event(tidy_bank: SimulatedBank) -> None:
    assert len(tidy_bank.labels["event_id"].unique()) == len(tidy_bank.labels)


def test_fraud_is_learned_hours_to_weeks_later(tidy_bank: SimulatedBank) -> None:
    hours = delays(tidy_bank, "fraud")
    assert hours.min() >= 1
    assert hours.max() <= timedelta(days=25) / timedelta(hours=1)
    assert 24 < np.median(hours) < 120


def test_some_legitimate_payments_are_judged_by_investigators(tidy_bank: SimulatedBank) -> None:
    fine = tidy_bank.labels.filter(pc.equal(tidy_bank.labels["verdict"], "legitimate"))
    assert 0.01 < len(fine) / len(tidy_bank.transactions) < 0.03
    assert fine["source"].unique().to_pylist() == ["investigator"]
    assert fine["episode_id"].null_count == fine["scenario"].null_count == len(fine)
    assert delays(tidy_bank, "legitimate").min() >= 1


def test_fraud_names_its_episode_and_scenario(tidy_bank: SimulatedBank) -> None:
    fraud = tidy_bank.labels.filter(pc.equal(tidy_bank.labels["verdict"], "fraud"))
    assert fraud["episode_id"].null_count == fraud["scenario"].null_count == 0
    assert len(fraud["episode_id"].unique()) == tidy_bank.episodes
