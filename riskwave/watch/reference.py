"""What the training window looked like: how every column a model could read was spread, and its scores.

Kept with each version of a model, so that whoever watches it needs nothing else of the training.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskwave.rules.windows import windows
from riskwave.scoring.encoding import Column, Encoder
from riskwave.scoring.history import History
from riskwave.scoring.values import Matrix, Scores
from riskwave.watch.spread import Ints, Spread, spread_of
from riskwave.watch.stream import Stream, Times, learn_stream, values_of

#: Fewest events from which a column's spread is learned.
LEAST = 200
#: An event is as unusual as its most surprising values are on average.
MOST_SURPRISING = 5
SCORE = "score"
#: What is usual differs by this column: a device of ten cards is a booking desk online, and never seen in a shop.
CHANNEL = "channel"


@dataclass(frozen=True)
class Window:
    """Events of a training window, by time: encoded, with their times and cards."""

    encoder: Encoder
    matrix: Matrix
    at: Times
    cards: NDArray[np.str_]


@dataclass(frozen=True)
class Reference:
    """The training window of a model.

    encoder: of all columns that have a spread, in its order; read: names of those the model reads; score: the spread of
    its scores on the part it was tuned on, which it has not learned by heart; unusual: the surprise that one in a
    hundred events of the training window exceeds; streams: what a detector of drift is fed with; from_, to: times of
    the first and the last event.
    """

    encoder: Encoder
    spreads: tuple[Spread, ...]
    read: tuple[str, ...]
    score: Spread
    unusual: float
    streams: tuple[Stream, ...]
    from_: str
    to: str

    def surprises(self, matrix: Matrix) -> Matrix:
        """How surprising each value is among those of its channel, (rows, columns), of a matrix of this encoder."""
        channel = channels(self.encoder, matrix)
        each = [s.surprise[channel, s.cells(column)] for s, column in zip(self.spreads, matrix.T, strict=True)]
        return np.stack(each, axis=1).astype(np.float32) if each else np.zeros((len(matrix), 0), np.float32)

    def surprise(self, matrix: Matrix) -> Scores:
        """The mean of the MOST_SURPRISING values of each event, (rows,)."""
        surprises = self.surprises(matrix)
        if surprises.shape[1] <= MOST_SURPRISING:
            return np.asarray(surprises.sum(axis=1), np.float64)
        return np.asarray(np.partition(surprises, -MOST_SURPRISING, axis=1)[:, -MOST_SURPRISING:].mean(axis=1))

    def as_text(self) -> str:
        """As JSON has it."""
        spreads = [
            [s.name, s.edges, s.values, s.counts, s.warm_days, s.within, s.alike, s.cards]
            for s in (*self.spreads, self.score)
        ]
        return json.dumps(
            {
                "encoder": self.encoder.as_dict(),
                "spreads": spreads,
                "read": self.read,
                "unusual": self.unusual,
                "streams": [[s.name, s.expected, s.block] for s in self.streams],
                "from": self.from_,
                "to": self.to,
            }
        )

    @classmethod
    def of_text(cls, text: str) -> Reference:
        """The reference that `as_text` gave. Raises ValueError or KeyError when it is none."""
        said = json.loads(text)
        spreads = [
            Spread(name, tuple(edges), tuple(values), tuple(counts), warm, tuple(map(tuple, within)), alike, cards)
            for name, edges, values, counts, warm, within, alike, cards in said["spreads"]
        ]
        return cls(
            encoder=Encoder.of_dict(said["encoder"]),
            spreads=tuple(spreads[:-1]),
            read=tuple(said["read"]),
            score=spreads[-1],
            unusual=float(said["unusual"]),
            streams=tuple(Stream(name, tuple(expected), block) for name, expected, block in said["streams"]),
            from_=said["from"],
            to=said["to"],
        )


def window_of(history: History, encoder: Encoder) -> Window:
    """The events of a history, encoded."""
    cards = np.array(history.events["card_id"].to_pylist(), np.str_)
    return Window(encoder, encoder.encode(history.events), history.at, cards)


def learn_reference(
    window: Window, *, read: Sequence[str], scores: Scores, threshold: float, tuned: slice
) -> Reference:
    """Learn from the training window.

    read: columns of the model; scores: of all its events; threshold: from which score on an event is flagged; tuned:
    the part it was tuned on. A window that reaches back before the first event is not whole yet: such events tell
    nothing of its column, and a column with fewer than LEAST others has no spread. What stands still, the hour of the
    week, has none either.
    """
    at, encoder = window.at, window.encoder
    channel = channels(encoder, window.matrix)
    numbers = np.unique(window.cards, return_inverse=True)[1].astype(np.int64)
    groups = len(encoder.columns[encoder.names.index(CHANNEL)].values) + 1 if CHANNEL in encoder.names else 1
    kept, spreads = [], []
    for place, column in enumerate(encoder.columns):
        warm = warm_days(column)
        whole = at >= at[0] + np.timedelta64(int(warm * 86_400e6), "us")
        if int(whole.sum()) >= LEAST and column.kind != "hour_of_week":
            kept.append(place)
            spread = spread_of(column.name, window.matrix[whole, place], column.values, column.kind, warm)
            spread = spread.of_cards(numbers[whole], window.matrix[whole, place])
            spreads.append(spread.by(channel[whole], window.matrix[whole, place], groups))
    reference = Reference(
        encoder=encoder.keep(kept),
        spreads=tuple(spreads),
        read=tuple(read),
        score=spread_of(SCORE, scores[tuned], (), "number", 0.0).of_cards(numbers[tuned], scores[tuned]),
        unusual=np.inf,
        streams=(),
        from_=str(at[0]),
        to=str(at[-1]),
    )
    return _with_streams(
        reference, replace(window, encoder=encoder.keep(kept), matrix=window.matrix[:, kept]), scores, threshold
    )


def _with_streams(reference: Reference, window: Window, scores: Scores, threshold: float) -> Reference:
    """With what is usual of the streams, learned from the later half of the window, once all its columns are whole."""
    longest = max((spread.warm_days for spread in reference.spreads), default=0.0)
    begin = max(
        int(np.searchsorted(window.at, window.at[0] + np.timedelta64(int(longest * 86_400e6), "us"))),
        len(window.at) // 2,
    )
    if len(window.at) - begin < LEAST:
        return reference
    matrix, at = window.matrix[begin:], window.at[begin:]
    surprise = reference.surprise(matrix)
    reference = replace(reference, unusual=float(np.quantile(surprise, 0.99)))
    values = values_of(reference, matrix, at, window.cards[begin:], scores[begin:], threshold, {})
    return replace(reference, streams=tuple(learn_stream(name, each, at) for name, each in values.items()))


def channels(encoder: Encoder, matrix: Matrix) -> Ints:
    """The place of each event's channel, (rows,), the last one for what is not known; 0 for all where none is told."""
    if CHANNEL not in encoder.names:
        return np.zeros(len(matrix), np.int64)
    place = encoder.names.index(CHANNEL)
    codes = matrix[:, place]
    return np.where(np.isnan(codes), len(encoder.columns[place].values), codes).astype(np.int64)


def warm_days(column: Column) -> float:
    """How many days the longest window of a column looks back; 0 for what has none."""
    return max((windows()[name].total_seconds() / 86_400 for name in column.of if name in windows()), default=0.0)
