"""Streams of numbers that a detector of drift is fed with, and the detector: river's ADWIN, with what it promises.

ADWIN holds a window of what it was fed and cuts it where the means of both sides differ by more than chance allows
(Bifet, Gavaldà, Learning from Time-Changing Data with Adaptive Windowing, 2007). It takes values that are independent
of each other and between 0 and 1. So what it is fed with is of the event alone, never of a window, which would tell the
same payments again and again; less what the hour lets expect; and averaged over blocks that are as long as it takes for
their means to be independent, by the training window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN

from riskwave.scoring.values import Flags, Matrix, Scores

if TYPE_CHECKING:
    from riskwave.watch.reference import Reference

#: Times, microseconds, UTC.
Times = NDArray[np.datetime64]
#: Cards already counted, by day since 1970 and kind.
Counted = MutableMapping[tuple[int, str], set[str]]
#: Hours of a working day, then of a weekend's.
SLOTS = 48
#: Events of the mean of all that an hour's own mean is drawn to.
SHRINK = 200.0
#: What a stream's block is longer than its training window makes necessary.
SAFETY = 2.0
#: Probability, at most, that a check of a stream on which nothing changed reports a change.
DELTA = 1e-4
#: Features that are of the event alone but tell the time.
CLOCKS = ("local_hour",)
FLAGGED, UNUSUAL = "flagged", "unusual"


@dataclass(frozen=True)
class Stream:
    """A stream as training saw it. expected: its mean by slot of the week's hours; block: events a value of it is made
    of."""

    name: str
    expected: tuple[float, ...]
    block: int

    @property
    def smallest(self) -> float:
        """The change of its mean that a promise is given for: in points of a share, or of a rank among training
        values."""
        return 0.02 if self.name in (FLAGGED, UNUSUAL) else 0.1

    def without_season(self, values: Scores, at: Times) -> Scores:
        """Between 0 and 1, less what the hour lets expect."""
        expected = np.array(self.expected)
        return (values - expected[slots(at)] + expected.max()) / self.range

    @property
    def mean(self) -> float:
        """Its mean over all hours, each as long as it is in a week."""
        hours = np.array([5.0] * 24 + [2.0] * 24)
        return float(np.average(self.expected, weights=hours))

    @property
    def range(self) -> float:
        """How wide the values without their season are spread before they are put between 0 and 1."""
        return 1.0 + max(self.expected) - min(self.expected)


def values_of(
    reference: Reference,
    matrix: Matrix,
    at: Times,
    cards: NDArray[np.str_],
    scores: Scores,
    threshold: float,
    counted: Counted,
) -> dict[str, Scores]:
    """Each stream's value of each event, in [0, 1].

    Of the score and of features its rank among training values; of `flagged` and `unusual` 1 for a card's first such
    event of the day: one customer's long day must not look like a change of all. counted: what earlier events counted.
    """
    days = at.astype("datetime64[D]").astype(np.int64)
    unusual = reference.surprise(matrix) >= reference.unusual
    made = {
        "score": reference.score.rank[reference.score.cells(scores)],
        FLAGGED: _first_of_day(FLAGGED, scores >= threshold, days, cards, counted),
        UNUSUAL: _first_of_day(UNUSUAL, unusual, days, cards, counted),
    }
    for spread, column, values in zip(reference.spreads, reference.encoder.columns, matrix.T, strict=True):
        if spread.name in reference.read and column.kind in ("number", "category") and _of_event(spread.name):
            made[spread.name] = spread.rank[spread.cells(values)]
    return made


def learn_stream(name: str, values: Scores, at: Times) -> Stream:
    """What is usual of a stream, and how long its blocks must be.

    A block's length is the variance of the means of days (or of three days) by what it would be if events were
    independent, the design effect of cluster samples (Kish, Survey Sampling, 1965), times SAFETY.
    """
    slot = slots(at)
    seen = np.bincount(slot, minlength=SLOTS)
    expected = (np.bincount(slot, weights=values, minlength=SLOTS) + SHRINK * values.mean()) / (seen + SHRINK)
    rest = values - expected[slot]
    effect, variance = 1.0, float(rest.var())
    for days in (1, 3):
        group = at.astype("datetime64[D]").astype(np.int64) // days
        counts = np.bincount(group - group[0])[1:-1]
        sums = np.bincount(group - group[0], weights=rest)[1:-1]
        if counts.sum() > 0 and variance > 0:
            means = sums / np.maximum(counts, 1)
            spread = np.average((means - np.average(means, weights=counts)) ** 2 * counts)
            effect = max(effect, float(spread) / variance)
    return Stream(name, tuple(float(value) for value in expected), int(np.ceil(SAFETY * effect)))


def slots(at: Times) -> NDArray[np.int64]:
    """The hour of the day, UTC, and 24 more at weekends."""
    hours = at.astype("datetime64[h]").astype(np.int64)
    # 1970 began on a Thursday.
    return hours % 24 + np.where((hours // 24 + 3) % 7 >= 5, 24, 0)


@dataclass(frozen=True)
class Change:
    """A stream's mean changed: reported at `at`, after so many of its events; it began about `began`.

    before, now: its means, season aside.
    """

    stream: str
    at: str
    after: int
    began: str
    before: float
    now: float


class Detector:
    """ADWIN on one stream."""

    def __init__(self, stream: Stream, delta: float = DELTA) -> None:
        self.stream, self.delta = stream, delta
        # Values that are means of few events are checked a few at a time: one more event changes little.
        self.clock = 1 if stream.block > 8 else 8
        self._adwin = ADWIN(delta=delta, clock=self.clock)
        self._waiting = np.zeros(0)
        self.events = 0
        self._held: deque[tuple[float, np.datetime64]] = deque(maxlen=HELD)

    def update(self, values: Scores, at: Times) -> list[Change]:
        """Take in events by time; gives the changes that they showed."""
        rest = np.concatenate([self._waiting, self.stream.without_season(values, at)])
        block, before = self.stream.block, len(self._waiting)
        whole = len(rest) // block
        self._waiting = rest[whole * block :]
        changes = []
        for place, value in enumerate(rest[: whole * block].reshape(whole, block).mean(axis=1)):
            last = (place + 1) * block - before - 1
            self._adwin.update(float(value))
            self._held.append((float(value), at[last]))
            if self._adwin.drift_detected:
                changes.append(self._changed(str(at[last]), self.events + last + 1))
        self.events += len(values)
        return changes

    def _changed(self, at: str, after: int) -> Change:
        """Where the means of both sides differ most, against chance; what was before is let go."""
        values = np.array([value for value, _ in self._held])
        count = np.arange(1, len(values))
        sums = np.cumsum(values)
        apart = sums[:-1] / count - (sums[-1] - sums[:-1]) / (len(values) - count)
        place = int(np.argmax(count * (len(values) - count) * apart**2)) + 1
        began = str(self._held[place][1])
        means = (float(values[:place].mean()), float(values[place:].mean()))
        for _ in range(place):
            self._held.popleft()
        before, now = ((mean - self._usual) * self.stream.range + self.stream.mean for mean in means)
        return Change(self.stream.name, at, after, began, before, now)

    @property
    def _usual(self) -> float:
        """Where the stream stands when every hour is as expected."""
        return max(self.stream.expected) / self.stream.range

    def promised(self, shift: float | None = None, before: int | None = None) -> int | None:
        """Within how many events a change of the mean by `shift` is reported, `before` events having been seen.

        By the second part of ADWIN's theorem: the window is cut, with a probability of 1 - delta, once the means of
        both sides differ by twice what its test asks for. None: never, so few events were there before.
        """
        shift = self.stream.smallest if shift is None else shift
        block, scale = self.stream.block, self.stream.range
        # river tells the sum of the squared deviations as the variance.
        old = (self.events if before is None else before) // block
        variance, wanted = self._adwin.variance / max(self._adwin.width, 1), shift / scale
        new = 1
        while new <= 1 << 22:
            both = old + new
            # The window's own variance grows by the change that it holds.
            mixed = variance + wanted**2 * old * new / both**2
            parts = 1 / max(old - MARGIN, 1) + 1 / max(new - MARGIN, 1)
            likely = np.log(2 * np.log(max(both, 3)) / self.delta)
            if new > MARGIN and 2 * (np.sqrt(2 * parts * mixed * likely) + 2 / 3 * parts * likely) <= wanted:
                return (new + self.clock) * block
            new = max(new + 1, int(new * 1.05))
        return None


#: Values that are held to say where a change began.
HELD = 4_096
#: Values at either end of a window that ADWIN does not cut at.
MARGIN = 5


def _first_of_day(
    kind: str, flags: Flags, days: NDArray[np.int64], cards: NDArray[np.str_], counted: Counted
) -> Scores:
    first = np.zeros(len(flags))
    for row in np.flatnonzero(flags):
        known = counted.setdefault((int(days[row]), kind), set())
        if cards[row] not in known:
            known.add(cards[row])
            first[row] = 1.0
    return first


def _of_event(name: str) -> bool:
    return name in event_features() and name not in CLOCKS


def event_features() -> Mapping[str, str]:
    """Features of the payment itself, with their units."""
    from riskwave.catalogue import load_catalogue

    return {feature.name: feature.unit for feature in load_catalogue() if feature.entity == "event"}
