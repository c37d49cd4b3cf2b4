"""What is unusual in a range of events, against those before: single values, and pairs of columns that go together
anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from riskwave.catalogue import load_catalogue
from riskwave.errors import RiskwaveError
from riskwave.scoring.encoding import learn_encoder
from riskwave.scoring.history import History
from riskwave.scoring.values import Flags, Matrix, Scores
from riskwave.watch.distance import distance
from riskwave.watch.reference import Reference, learn_reference, window_of
from riskwave.watch.spread import Spread

#: Fewest events before the range: what is usual must be known.
LEAST_BEFORE = 500
#: Share of the events before that are as unusual as what is looked at.
RARE = 0.005
#: Columns whose pairs are all looked at, bins of each, and what makes a cell of a pair unusual.
PAIRED, BINS, LEAST_IN_CELL, TIMES = 16, 6, 5, 8.0


@dataclass(frozen=True)
class Projection:
    """A cell of two columns that holds far more of the range's events than those before let expect.

    events: in the range; expected: by the share before; rows: which, of the range.
    """

    columns: tuple[str, str]
    events: int
    expected: float
    rows: tuple[int, ...]

    @property
    def weight(self) -> float:
        """How surprising: the log-likelihood that expected and seen differ by."""
        return float(self.events * np.log(self.events / self.expected))


@dataclass(frozen=True)
class Unusual:
    """Of a range: the reference of what came before, the encoded events, how surprising each value and event is, which
    events are unusual, and the pairs of columns that make some so."""

    reference: Reference
    matrix: Matrix
    surprises: Matrix
    surprise: Scores
    rows: Flags
    projections: tuple[Projection, ...]


def find_unusual(before: History, events: History, *, most: int = 10) -> Unusual:
    """Compare a range with the events before it; most: projections to name. Raises RiskwaveError when too few are
    before."""
    if len(before) < LEAST_BEFORE:
        raise RiskwaveError(
            f"{events.name}: {len(before)} events are before the range, at least {LEAST_BEFORE} are needed to know "
            "what is usual; give a longer history or a later --since"
        )
    encoder = learn_encoder(load_catalogue(), before.events, before.known_frauds(before.end))
    window = window_of(before, encoder)
    nothing = np.zeros(len(before))
    reference = learn_reference(window, read=(), scores=nothing, threshold=1.0, tuned=slice(0, None))
    places = [encoder.names.index(name) for name in reference.encoder.names]
    usual, matrix = window.matrix[:, places], reference.encoder.encode(events.events)
    surprises, surprise = reference.surprises(matrix), reference.surprise(matrix)
    limit = float(np.quantile(reference.surprise(usual), 1 - RARE))
    found = projections(reference, usual, matrix)[:most]
    rows = surprise >= limit
    for projection in found:
        rows[list(projection.rows)] = True
    return Unusual(reference, matrix, surprises, surprise, rows, tuple(found))


def projections(reference: Reference, before: Matrix, now: Matrix) -> list[Projection]:
    """Unusual cells of pairs of the columns that moved most, one a pair, the most surprising first."""
    spreads = reference.spreads
    moved = [distance(s, s.count(column)).psi for s, column in zip(spreads, now.T, strict=True)]
    chosen = sorted(np.argsort(moved)[::-1][:PAIRED])
    binned = {place: [_bins(spreads, place, part[:, place]) for part in (before, now)] for place in chosen}
    found = []
    for one, other in combinations(chosen, 2):
        cells = [binned[one][part] * (BINS + 1) + binned[other][part] for part in (0, 1)]
        usual, seen = (np.bincount(each, minlength=(BINS + 1) ** 2) for each in cells)
        expected = len(now) * (usual + 0.5) / (len(before) + 0.5 * len(usual))
        over = np.where((seen >= LEAST_IN_CELL) & (seen >= TIMES * expected), seen * np.log(seen / expected + 1e-9), 0)
        best = int(np.argmax(over))
        if over[best] > 0:
            rows = tuple(int(row) for row in np.flatnonzero(cells[1] == best))
            names = (spreads[one].name, spreads[other].name)
            found.append(Projection(names, len(rows), float(expected[best]), rows))
    return sorted(found, key=lambda each: -each.weight)


def _bins(spreads: Sequence[Spread], place: int, column: NDArray[np.float32]) -> NDArray[np.int64]:
    """A coarse bin of each value by its rank before; the last one is for what is not known."""
    spread = spreads[place]
    cells = spread.cells(column)
    unknown = cells == len(spread.counts) - 1
    coarse = np.minimum((spread.rank[cells] * BINS).astype(np.int64), BINS - 1)
    return np.where(unknown, BINS, coarse)
