"""A model watched while events come: what they look like against its training window, and what changed among them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.values import Scores
from riskwave.watch.distance import Distance, distance
from riskwave.watch.reference import SCORE, Reference
from riskwave.watch.stream import DELTA, FLAGGED, Change, Counted, Detector, Times, values_of

#: Days that are kept to look back on; what is older is forgotten.
KEPT_DAYS = 31
#: Fewest events whose spread is judged.
LEAST = 500


@dataclass(frozen=True)
class Promise:
    """What the detector promises of a stream: a change of its mean by `shift` is reported within `events` of its
    events, about `days` at the present rate; None while too few were seen. block: events that one value is made of."""

    stream: str
    shift: float
    events: int | None
    days: float | None
    block: int


@dataclass(frozen=True)
class Alarm:
    """Something a person must look at. kind: drift, distribution or quality; about: the stream, column or figure."""

    kind: str
    about: str
    at: str
    said: str


@dataclass(frozen=True)
class Findings:
    """What a watch found in the days it looks back on.

    distances: of the score and every column that had a spread in training, the farthest first; changes: as they were
    reported; delta: the detector's setting; alarms: what is beyond its limit.
    """

    events: int
    from_: str
    to: str
    flagged: float
    distances: tuple[Distance, ...]
    changes: tuple[Change, ...]
    promises: tuple[Promise, ...]
    delta: float
    alarms: tuple[Alarm, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **asdict(self),
            "distances": [{**asdict(each), "level": each.level} for each in self.distances],
        }


class Watch:
    """Fed with batches by whoever decides events; holds counts and windows of the detectors, never the events."""

    def __init__(
        self, scorer: Scorer, reference: Reference, *, delta: float = DELTA, begins: np.datetime64 | None = None
    ) -> None:
        """scorer: the version watched; reference: kept with it; delta: the detector's setting.

        begins: where the history of the events begins, when windows are not whole from the first one on.
        """
        self.scorer, self.reference, self.delta = scorer, reference, delta
        self._begins = begins
        self._detectors = {stream.name: Detector(stream, delta) for stream in reference.streams}
        self._spreads = (*reference.spreads, reference.score)
        sizes = [len(spread.counts) for spread in self._spreads]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._days: dict[int, np.ndarray] = {}
        self._flagged: dict[int, int] = {}
        self._seen: dict[int, int] = {}
        self._counted: Counted = {}
        self._changes: list[Change] = []
        self._first: np.datetime64 | None = None
        self._last: np.datetime64 | None = None

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns a batch must have."""
        both = (*self.reference.encoder.features, *self.scorer.features, "event_ts", "card_id")
        return tuple(dict.fromkeys(both))

    def update(self, batch: pa.Table, scores: Scores | None = None) -> tuple[Alarm, ...]:
        """Take in decided events, about in order of time; gives the alarms of drift that they raise.

        batch: rows of decision_input; scores: the model's, (rows,), computed when not given. Raises RiskwaveError when
        a column is missing.
        """
        if not batch.num_rows:
            return ()
        if missing := [name for name in self.needed if name not in batch.column_names]:
            raise RiskwaveError(f"what is watched lacks {', '.join(missing)}; give the columns of decision_input")
        scores = self.scorer.score(batch) if scores is None else scores
        at = np.asarray(batch["event_ts"].cast(pa.timestamp("us")).to_numpy(), "datetime64[us]")
        matrix = self.reference.encoder.encode(batch)
        self._count(matrix, scores, at)
        cards = np.array(batch["card_id"].to_pylist(), np.str_)
        values = values_of(self.reference, matrix, at, cards, scores, self.scorer.threshold, self._counted)
        changes = [
            change
            for name, detector in self._detectors.items()
            if name in values
            for change in detector.update(values[name], at)
        ]
        self._changes = sorted([*self._changes, *changes], key=lambda change: (change.at, change.stream))
        self._forget()
        return tuple(_drift(change) for change in changes)

    def findings(self, days: int = KEPT_DAYS) -> Findings:
        """What there is to say of the last days. Raises RiskwaveError when nothing was watched."""
        if self._first is None or self._last is None:
            raise RiskwaveError("nothing was watched; feed the watch with events first")
        kept = [day for day in sorted(self._days) if day > max(self._days) - days]
        total = np.sum([self._days[day] for day in kept], axis=0)
        found = [
            distance(spread, total[start:stop])
            for spread, start, stop in zip(self._spreads, self._starts, self._starts[1:], strict=False)
        ]
        found.sort(key=lambda each: (each.name != SCORE, each.noise - each.psi))
        events = sum(self._seen[day] for day in kept)
        since = str(np.datetime64(kept[0], "D"))
        return Findings(
            events=events,
            from_=str(max(self._first, np.datetime64(kept[0], "D").astype("datetime64[us]"))),
            to=str(self._last),
            flagged=sum(self._flagged[day] for day in kept) / max(events, 1),
            distances=tuple(found),
            changes=tuple(change for change in self._changes if change.at >= since),
            promises=tuple(self._promises()),
            delta=self.delta,
            alarms=(
                *(_drift(change) for change in self._changes if change.at >= since),
                *_shifted(found, str(self._last)),
            ),
        )

    def promised(self, stream: str, shift: float) -> int | None:
        """Within how many events from now on a change of a stream's mean would be reported; None: not yet at all."""
        return self._detectors[stream].promised(shift)

    def _count(self, matrix: np.ndarray, scores: Scores, at: Times) -> None:
        whole = [
            at >= self._begins + np.timedelta64(int(spread.warm_days * 86_400e6), "us")
            if self._begins is not None
            else np.ones(len(at), np.bool_)
            for spread in self._spreads
        ]
        days = at.astype("datetime64[D]").astype(np.int64)
        for day in np.unique(days):
            rows = days == day
            counts = self._days.setdefault(int(day), np.zeros(self._starts[-1], np.int64))
            columns = (*matrix.T, scores)
            for spread, column, known, start in zip(self._spreads, columns, whole, self._starts, strict=False):
                counts[start : start + len(spread.counts)] += spread.count(column[rows & known])
            self._seen[int(day)] = self._seen.get(int(day), 0) + int(rows.sum())
            flagged = int((scores[rows] >= self.scorer.threshold).sum())
            self._flagged[int(day)] = self._flagged.get(int(day), 0) + flagged
        self._first = at.min() if self._first is None else min(self._first, at.min())
        self._last = at.max() if self._last is None else max(self._last, at.max())

    def _forget(self) -> None:
        last = max(self._days)
        for held in (self._days, self._seen, self._flagged):
            for day in [day for day in held if day <= last - KEPT_DAYS]:
                del held[day]
        # A late event of yesterday may still be one of a card that was counted then.
        for key in [key for key in self._counted if key[0] < last - 1]:
            del self._counted[key]

    def _promises(self) -> Iterable[Promise]:
        days = max(float((self._last - self._first) / np.timedelta64(1, "D")), 1e-9)  # type: ignore[operator]
        for name, detector in self._detectors.items():
            within = detector.promised()
            rate = detector.events / days
            stream = detector.stream
            yield Promise(
                name, stream.smallest, within, None if within is None or not rate else within / rate, stream.block
            )


def _drift(change: Change) -> Alarm:
    form = ".2%" if change.stream in (FLAGGED, "unusual") else ".3f"
    what = "share" if form == ".2%" else "mean rank among training values"
    moved = f"went from {change.before:{form}} to {change.now:{form}} about {change.began[:16]}"
    said = f"{change.stream}: its {what} {moved}"
    return Alarm("drift", change.stream, change.at, said)


def _shifted(distances: Iterable[Distance], at: str) -> Iterable[Alarm]:
    for each in distances:
        if each.level == "large" and each.events >= LEAST:
            said = f"{each.name}: PSI {each.psi:.2f}, KS {each.ks:.2f} against the training window"
            if abs(each.unknown[1] - each.unknown[0]) > 0.05:
                said += f"; not known {each.unknown[0]:.1%} then, {each.unknown[1]:.1%} now"
            yield Alarm("distribution", each.name, at, said)
