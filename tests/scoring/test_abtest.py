"""Tests of difference: against numbers computed elsewhere, and rare false alarms where there is no difference."""

from __future__ import annotations

import numpy as np
import pytest

from riskwave.scoring.abtest import by_unit, paired, two_shares


def test_two_shares_as_in_a_table() -> None:
    # 120 of 1,000 and 150 of 1,000: z = 1.963, by hand from the pooled share of 0.135.
    assert two_shares(120, 1_000, 150, 1_000) == pytest.approx(0.0496, abs=2e-4)
    assert two_shares(10, 100, 10, 100) == pytest.approx(1.0)
    assert two_shares(0, 0, 1, 10) is None
    assert two_shares(0, 10, 0, 10) is None


def test_shuffling_cards_finds_a_difference_and_none_where_there_is_none() -> None:
    generator = np.random.default_rng(3)
    treated = np.arange(400) < 100
    of = np.full(400, 5.0)
    alike = generator.binomial(5, 0.3, 400).astype(float)
    other = np.where(treated, generator.binomial(5, 0.6, 400), alike).astype(float)
    none, some = by_unit(alike, of, treated, rounds=500), by_unit(other, of, treated, rounds=500)
    assert none is not None
    assert some is not None
    assert none > 0.05
    assert some < 0.01
    assert by_unit(alike, np.where(treated, 0.0, of), treated) is None


def test_false_alarms_are_as_rare_as_the_p_value_says() -> None:
    generator = np.random.default_rng(4)
    treated = np.arange(60) < 20
    alarms = 0
    for turn in range(200):
        # Five events of a card are all frauds that were caught, or none: the normal test would take them for five.
        hits = 5.0 * generator.integers(0, 2, 60)
        p = by_unit(hits, np.full(60, 5.0), treated, seed=turn, rounds=200)
        assert p is not None
        alarms += p <= 0.05
    # 200 of 0.05 are 10; more than 22 would come about once in ten thousand.
    assert alarms <= 22


def test_signs_of_pairs() -> None:
    assert paired(np.zeros(10)) is None
    assert paired(np.ones(12)) == pytest.approx(2 / 2**12, abs=2e-3)
    mixed = paired(np.array([1.0, -1.0] * 10))
    assert mixed is not None
    assert mixed > 0.9
