"""Scores for single callers: gathered into batches, remembered for a while, and always answered in time."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from riskwave.scoring.function import Scoring
from riskwave.scoring.given import Listed, one, together
from riskwave.scoring.layout import layout, unscored

#: Events of a batch, seconds that the first of them waits for others, seconds after which a caller is answered.
MOST, WAIT_S, TIMEOUT_S = 100, 0.005, 0.5
#: Scores that are remembered, and for how many seconds: a request repeated at once is answered at once.
KEPT, KEEP_S = 10_000, 5.0


@dataclass(frozen=True)
class Score:
    """What the models online say of an event: see RESULT. version names the model that scored it."""

    score: float | None
    version: str | None
    degraded: bool
    shadow_scores: tuple[str, ...] = ()


DEGRADED = Score(None, None, True)


class Cache:
    """The last scores by the hash of what they were made of. Threads may share it."""

    def __init__(self, kept: int = KEPT, keep_s: float = KEEP_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept, self._keep_s, self._clock = kept, keep_s, clock
        self._scores: OrderedDict[bytes, tuple[float, Score]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> Score | None:
        """A score that is not too old."""
        with self._lock:
            found = self._scores.get(key)
            return found[1] if found and self._clock() - found[0] <= self._keep_s else None

    def put(self, key: bytes, score: Score) -> None:
        """Remember a score; the oldest makes room."""
        with self._lock:
            self._scores[key] = (self._clock(), score)
            self._scores.move_to_end(key)
            while len(self._scores) > self._kept:
                self._scores.popitem(last=False)


def key_of(given: Listed, revision: int | None) -> bytes:
    """Hash of one event's card and features, and of what scores them."""
    told = (revision, given.cards.to_pylist(), given.number_lists.to_pylist(), given.text_lists.to_pylist())
    return hashlib.sha256(repr(told).encode()).digest()


class ScoringService:
    """Scores events of callers on any thread, several calls together in one.

    A caller waits at most WAIT_S for company and TIMEOUT_S in all; what is not scored by then is degraded.
    """

    def __init__(
        self,
        scoring: Scoring,
        *,
        most: int = MOST,
        wait_s: float = WAIT_S,
        timeout_s: float = TIMEOUT_S,
        cache: Cache | None = None,
    ) -> None:
        """scoring: see open_scorer. The models are run once, so that the first caller does not wait for them."""
        self._scoring, self._most, self._wait_s, self._timeout_s = scoring, most, wait_s, timeout_s
        self.cache = cache or Cache()
        self._order = layout()
        self._queue: queue.Queue[tuple[Listed, Future[Score]] | None] = queue.Queue()
        self._scoring(one({}, self._order))
        self._thread = threading.Thread(target=self._work, name="riskwave-scoring", daemon=True)
        self._thread.start()

    def score_one(self, features: Mapping[str, Any]) -> Score:
        """The score of one event by its features' names, card_id among them; those not given are not known.

        Values are numbers, flags, texts and datetimes (UTC), as decision_input has them. Never raises for what cannot
        be scored: it is degraded.
        """
        given = one(features, self._order)
        key = key_of(given, self._revision)
        found = self.cache.get(key)
        if found is not None:
            return found
        waiting: Future[Score] = Future()
        self._queue.put((given, waiting))
        try:
            score = waiting.result(self._timeout_s)
        except LateError:
            return DEGRADED
        if not score.degraded:
            self.cache.put(key, score)
        return score

    def score(self, given: Listed) -> pa.StructArray:
        """Results (RESULT) of many events at once, past queue and cache."""
        self._scoring.refresh()
        return self._scoring(given)

    def close(self) -> None:
        """Answer who waits, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def __enter__(self) -> ScoringService:
        return self

    def __exit__(self, *told: object) -> None:
        self.close()

    @property
    def _revision(self) -> int | None:
        routes = self._scoring.local.routes if self._scoring.local else None
        return routes.revision if routes else None

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, ended = [first], False
            until = time.monotonic() + self._wait_s
            while len(batch) < self._most and (left := until - time.monotonic()) > 0:
                try:
                    more = self._queue.get(timeout=left)
                except queue.Empty:
                    break
                if more is None:
                    ended = True
                    break
                batch.append(more)
            self._answer(batch)
            if ended:
                return

    def _answer(self, batch: list[tuple[Listed, Future[Score]]]) -> None:
        self._scoring.refresh()
        given = together([part for part, _ in batch])
        try:
            results = unscored(given.rows) if self._scoring.is_idle else self._scoring(given)
            scores = [_score(said) for said in results.to_pylist()]
        except Exception:
            scores = [DEGRADED] * len(batch)
        for (_, waiting), score in zip(batch, scores, strict=True):
            waiting.set_result(score)


def _score(said: Mapping[str, Any]) -> Score:
    return Score(said["score"], said["version"], said["degraded"], tuple(said["shadow_scores"]))
