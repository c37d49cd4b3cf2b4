"""PSI and KS: the definitions, and that cells keep enough for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from riskwave.watch.distance import LARGE, distance
from riskwave.watch.spread import spread_of

NAN = float("nan")


def spread(values: list[float] | np.ndarray, words: tuple[str, ...] = ()):
    return spread_of("column", np.asarray(values, np.float32), words, "category" if words else "number", 0.0)


def test_the_index_is_the_one_of_the_definition() -> None:
    # three of four in the first category, then one of four; half an event a bin, as an empty one has no logarithm
    found = distance(spread([0, 0, 0, 1], ("a", "b")), np.array([1, 3, 0]))
    p, q = np.array([3.5, 1.5, 0.5]) / 5.5, np.array([1.5, 3.5, 0.5]) / 5.5
    assert found.psi == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert found.noise == pytest.approx(2 * (1 / 4 + 1 / 4))
    assert found.ks == pytest.approx(0.5)


def test_the_same_events_are_no_distance_away() -> None:
    values = np.random.default_rng(1).lognormal(size=5_000)
    made = spread(values)
    found = distance(made, made.count(values.astype(np.float32)))
    assert (found.psi, found.ks, found.level) == (0.0, 0.0, "stable")


def test_another_sample_is_as_far_as_chance_says() -> None:
    rng = np.random.default_rng(2)
    made = spread(rng.lognormal(size=4_000))
    found = [distance(made, made.count(rng.lognormal(size=2_000))) for _ in range(40)]
    assert np.mean([each.psi for each in found]) == pytest.approx(found[0].noise, rel=0.3)
    assert {each.level for each in found} == {"stable"}


def test_a_shift_is_large_and_ks_is_that_of_scipy() -> None:
    rng = np.random.default_rng(3)
    then, now = rng.normal(size=4_000), rng.normal(0.8, size=3_000)
    made = spread(then)
    found = distance(made, made.count(now))
    assert found.level == "large"
    assert found.psi > LARGE
    # at the cells' edges only: by at most a cell less
    assert found.ks == pytest.approx(ks_2samp(then, now).statistic, abs=0.03)


def test_what_is_no_longer_known_counts() -> None:
    made = spread([1.0, 2.0, 3.0, 4.0] * 250)
    found = distance(made, made.count(np.array([1.0, 2.0, 3.0, NAN] * 250)))
    assert found.unknown == (0.0, 0.25)
    assert found.level == "large"


@given(st.lists(st.floats(-1e6, 1e6, width=32) | st.just(NAN), min_size=1, max_size=60), st.data())
def test_ranks_follow_values_and_counts_are_complete(values: list[float], data: st.DataObject) -> None:
    made = spread(values)
    assert made.events == len(values)
    others = np.array(data.draw(st.lists(st.floats(-2e6, 2e6, width=32), min_size=2, max_size=20)), np.float32)
    ranks = made.rank[made.cells(np.sort(others))]
    assert (np.diff(ranks) >= 0).all()
    assert ranks.min() >= 0
    assert ranks.max() <= 1
