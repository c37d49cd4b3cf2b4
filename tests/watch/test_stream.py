"""The detector: it keeps its promise, and is seldom wrong."""

from __future__ import annotations

import numpy as np
import pytest

from riskwave.watch.stream import SLOTS, Detector, Stream, learn_stream, slots

BEGIN = np.datetime64("2026-01-05T00:00", "us")


def times(count: int, seconds: int = 60) -> np.ndarray:
    return BEGIN + np.arange(count) * np.timedelta64(seconds, "s")


def flat(name: str = "score", mean: float = 0.5, block: int = 4) -> Stream:
    return Stream(name, (mean,) * SLOTS, block)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("name", "before", "now"), [("score", 0.0, 0.15), ("flagged", 0.01, 0.05), ("unusual", 0.01, 0.1)]
)
def test_a_change_is_reported_within_what_is_promised(name: str, before: float, now: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    usual, later = 6_000, 12_000
    if name == "score":
        values = np.clip(rng.random(usual + later) + np.where(np.arange(usual + later) < usual, before, now), 0, 1)
        shift = values[usual:].mean() - values[:usual].mean()
    else:
        values = (rng.random(usual + later) < np.where(np.arange(usual + later) < usual, before, now)).astype(float)
        shift = now - before
    detector = Detector(flat(name, 0.5 if name == "score" else before))
    at = times(len(values))
    assert detector.update(values[:usual], at[:usual]) == []
    promised = detector.promised(shift)
    assert promised is not None
    assert promised < later
    changes = detector.update(values[usual:], at[usual:])
    assert changes
    assert usual < changes[0].after <= usual + promised
    assert changes[0].at == str(at[changes[0].after - 1])
    assert changes[0].now > changes[0].before
    assert abs(np.datetime64(changes[0].began) - at[usual]) < np.timedelta64(promised, "m")


def test_a_smaller_change_takes_longer_and_a_promise_needs_a_past() -> None:
    detector = Detector(flat())
    assert detector.promised(0.1) is None
    detector.update(np.random.default_rng(1).random(20_000), times(20_000))
    slow, fast = detector.promised(0.1), detector.promised(0.2)
    assert slow is not None
    assert fast is not None
    assert slow > fast
    stricter = Detector(flat(), 1e-8)
    stricter.update(np.random.default_rng(1).random(20_000), times(20_000))
    assert (stricter.promised(0.1) or 0) > slow


def test_what_does_not_change_is_not_reported() -> None:
    for seed in range(20):
        detector = Detector(flat(block=2))
        assert detector.update(np.random.default_rng(seed).random(10_000), times(10_000)) == []


def test_the_season_is_no_change_and_batches_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    at = times(20_000, 90)
    night = slots(at) % 24 < 6
    values = (rng.random(len(at)) < np.where(night, 0.3, 0.1)).astype(float)
    stream = learn_stream("flagged", values[:10_000], at[:10_000])
    assert stream.expected[2] > 1.5 * stream.expected[12]
    assert Detector(stream).update(values[10_000:], at[10_000:]) == []
    moved = np.where(np.arange(len(at)) >= 15_000, np.minimum(values + 0.3, 1), values)
    whole, parts = Detector(stream), Detector(stream)
    at_once = whole.update(moved[10_000:], at[10_000:])
    one_by_one = [
        change
        for start in range(10_000, 20_000, 37)
        for change in parts.update(moved[start : start + 37], at[start : start + 37])
    ]
    assert at_once
    assert at_once == one_by_one


def test_blocks_are_as_long_as_values_hang_together() -> None:
    rng = np.random.default_rng(4)
    at = times(14_400, 60)
    alone = learn_stream("score", rng.random(len(at)), at)
    together = learn_stream("score", np.repeat(rng.random(len(at) // 60), 60), at)
    assert alone.block <= 8
    assert together.block > 40
