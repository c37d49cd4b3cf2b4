"""Single callers: together in a batch, answered in time, and the same as by themselves."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from riskwave.scoring.function import Scoring, open_scorer
from riskwave.scoring.given import Listed, one
from riskwave.scoring.history import History
from riskwave.scoring.layout import unscored
from riskwave.scoring.service import DEGRADED, Cache, Score, ScoringService
from tests.scoring.served import serve


class Counting:
    """A scorer that keeps how many events each call had, and waits for `go` when it is given one."""

    def __init__(self, go: threading.Event | None = None) -> None:
        self.sizes: list[int] = []
        self._go = go

    def __call__(self, given: Listed) -> pa.StructArray:
        self.sizes.append(given.rows)
        if self._go is not None and len(self.sizes) > 1:
            self._go.wait(30)
        return unscored(given.rows)


def test_callers_together_are_scored_as_alone(tmp_path: Path, files: dict[str, bytes], history: History) -> None:
    serve(tmp_path, files, online=("1.1.0",))
    scoring = open_scorer(tmp_path)
    rows = history.events.slice(0, 120).to_pylist()
    expected = [scoring(one(row)).to_pylist()[0]["score"] for row in rows]
    with ScoringService(scoring, timeout_s=60) as service, ThreadPoolExecutor(16) as pool:
        found = list(pool.map(service.score_one, rows))
    assert [score.score for score in found] == expected
    assert {score.version for score in found} == {"card 1.1.0"}


def test_who_waits_shares_a_batch() -> None:
    go = threading.Event()
    counting = Counting(go)
    service = ScoringService(Scoring(None, counting), most=40, wait_s=5.0, timeout_s=60)
    with service, ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(service.score_one, {"amount_minor": number}) for number in range(40)]
        go.set()
        assert {each.result(60) for each in asked} == {Score(None, None, False)}
    assert counting.sizes == [1, 40]


def test_who_cannot_be_answered_in_time_is_degraded() -> None:
    go = threading.Event()
    with ScoringService(Scoring(None, Counting(go)), timeout_s=0.05) as service:
        assert service.score_one({"amount_minor": 1}) == DEGRADED
        go.set()


def test_the_same_event_is_remembered_and_another_is_not() -> None:
    counting = Counting()
    with ScoringService(Scoring(None, counting), wait_s=0, timeout_s=60) as service:
        for features in ({"amount_minor": 1}, {"amount_minor": 1}, {"amount_minor": 2}, {"amount_minor": 1}):
            service.score_one(features)
    assert sum(counting.sizes) == 3


def test_a_cache_forgets_what_is_old_and_what_is_too_much() -> None:
    now = [0.0]
    cache = Cache(kept=2, keep_s=5.0, clock=lambda: now[0])
    for key in (b"a", b"b", b"c"):
        cache.put(key, Score(0.5, "card 1.0.0", False))
    assert [cache.get(key) is None for key in (b"a", b"b", b"c")] == [True, False, False]
    now[0] = 6.0
    assert cache.get(b"c") is None


@pytest.mark.parametrize("value", [None, 3, 2.5, True])
def test_plain_values_are_taken(value: object, tmp_path: Path, files: dict[str, bytes]) -> None:
    serve(tmp_path, files, online=("1.0.0",))
    with ScoringService(open_scorer(tmp_path), timeout_s=60) as service:
        found = service.score_one({"card_txn_count_1h": value, "channel": "ecommerce"})
    assert found.score is not None
    assert 0 <= found.score <= 1
