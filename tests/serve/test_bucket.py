"""Token buckets, by a clock of their own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from riskwave.serve.bucket import Buckets


def test_a_burst_then_the_rate() -> None:
    now = [0.0]
    buckets = Buckets(lambda: now[0])
    assert [buckets.take("a", 10, 3) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", 10, 3) == 0.1
    now[0] = 0.1
    assert buckets.take("a", 10, 3) == 0
    assert buckets.take("b", 10, 3) == 0


@given(
    rate=st.floats(0.5, 100),
    burst=st.floats(1, 50),
    gaps=st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_never_more_than_the_burst_and_the_rate(rate: float, burst: float, gaps: list[float]) -> None:
    now = [0.0]
    buckets = Buckets(lambda: now[0])
    taken = 0
    for gap in gaps:
        now[0] += gap
        taken += buckets.take("a", rate, burst) == 0
    assert taken <= burst + rate * now[0] + 1e-6


def test_more_at_once_than_the_bucket_holds_is_owed() -> None:
    now = [0.0]
    buckets = Buckets(lambda: now[0])
    assert buckets.take("a", 10, 5, 15) == 0
    assert buckets.take("a", 10, 5) == 1.1
    now[0] = 1.1
    assert buckets.take("a", 10, 5) == 0
