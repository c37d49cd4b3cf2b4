"""Thresholds keep their promise, and attacks are caught as the summary of a run counts them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskwave.scoring.history import History
from riskwave.scoring.metrics import measure, threshold_for


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1, width=32), st.booleans()), min_size=1
    ),
    st.floats(0, 1),
)
def test_no_more_are_flagged_than_the_rate_allows(events: list[tuple[float, bool]], rate: float) -> None:
    scores = np.array([score for score, _ in events])
    fraud = np.array([is_fraud for _, is_fraud in events])
    flagged = scores >= threshold_for(scores, fraud, rate)
    assert (flagged & ~fraud).sum() <= rate * (~fraud).sum()


def test_the_threshold_is_the_lowest_that_keeps_the_rate() -> None:
    scores = np.linspace(0, 1, 1001).astype(np.float32).astype(np.float64)
    threshold = threshold_for(scores, np.zeros(1001, np.bool_), 0.01)
    assert (scores >= threshold).sum() == 10


def attack(scores: list[float], money: list[int], declined: list[bool]) -> tuple[int, int]:
    rows = len(scores)
    at = np.arange(rows).astype("datetime64[us]")
    never = np.full(rows, np.datetime64("NaT", "us"))
    events = pa.table({"billing_amount_minor": money, "is_declined": declined})
    metrics = measure(History("made", events, at, at, never, np.zeros(rows, int)), np.array(scores), 0.5)
    return metrics.attacks, metrics.attacks_caught


@pytest.mark.parametrize(
    ("scores", "money", "declined", "caught"),
    [
        ([0.9, 0.1], [100, 100], [False, False], 1),
        ([0.1, 0.9], [100, 100], [False, False], 1),  # half is gone, not more
        ([0.1, 0.9], [101, 100], [False, False], 0),
        ([0.1, 0.9], [101, 100], [True, False], 1),  # what was declined is not gone
        ([0.1, 0.4], [100, 100], [False, False], 0),
    ],
)
def test_an_attack_is_caught_before_half_of_its_money_is_gone(
    scores: list[float], money: list[int], declined: list[bool], caught: int
) -> None:
    assert attack(scores, money, declined) == (1, caught)


def test_figures_by_hand() -> None:
    at = np.arange(4).astype("datetime64[us]")
    arrived = np.where([True, True, False, False], at, np.datetime64("NaT", "us"))
    events = pa.table({"billing_amount_minor": [1] * 4, "is_declined": [False] * 4})
    history = History("made", events, at, arrived, np.full(4, np.datetime64("NaT", "us")), np.full(4, -1))
    metrics = measure(history, np.array([0.9, 0.2, 0.6, 0.1]), 0.5)
    assert (metrics.accuracy, metrics.recall, metrics.precision, metrics.f1) == (0.5, 0.5, 0.5, 0.5)
    assert (metrics.false_positive_rate, metrics.auc) == (0.5, 0.75)
    assert (metrics.frauds, metrics.attacks) == (2, 0)
