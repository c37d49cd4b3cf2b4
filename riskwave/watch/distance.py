"""How far a spread is from the one in training: population stability index and Kolmogorov-Smirnov distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskwave.watch.spread import Spread

#: Cells that the index is summed over; the convention of credit scorecards (Siddiqi, Credit Risk Scorecards, 2006).
BINS = 10
#: From which index on a shift is moderate and large, by the same convention.
MODERATE, LARGE = 0.1, 0.25


@dataclass(frozen=True)
class Distance:
    """Of a column between the training window and what is watched.

    psi: sum over bins of (now - then) * log(now / then). noise: what it would be between two samples of n and m events
    that nothing sets apart, (bins - 1) * (1 / n + 1 / m) if events were independent; but a card's values are alike, and
    that share of them counts once a card. ks: largest difference of the cumulative shares of known values, of a
    category in the order of its values; unknown: shares of what is not known, then and now.
    """

    name: str
    events: int
    psi: float
    noise: float
    ks: float
    unknown: tuple[float, float]

    @property
    def level(self) -> str:
        """stable, moderate or large: of the index without its noise."""
        beyond = self.psi - self.noise
        return "large" if beyond >= LARGE else "moderate" if beyond >= MODERATE else "stable"


def distance(spread: Spread, counts: NDArray[np.int64]) -> Distance:
    """The distance of counts by cell from the spread of training; 0 where nothing was counted."""
    then, now = np.array(spread.counts, np.float64), counts.astype(np.float64)
    if now.sum() == 0 or then.sum() == 0:
        return Distance(spread.name, 0, 0.0, 0.0, 0.0, (0.0, 0.0))
    group = _groups(then)
    both = [np.bincount(group, weights=each) for each in (then, now)]
    bins = len(both[0])
    # Half an event a bin, so that an empty one has a logarithm.
    p, q = ((each + 0.5) / (each.sum() + 0.5 * bins) for each in both)
    known = [np.cumsum(each[:-1]) / max(each[:-1].sum(), 1.0) for each in (then, now)]
    some = min(then[:-1].sum(), now[:-1].sum()) > 0
    return Distance(
        name=spread.name,
        events=int(now.sum()),
        psi=float(((q - p) * np.log(q / p)).sum()),
        noise=float(
            (bins - 1) * sum((1 - spread.alike) / n + spread.alike / spread.cards for n in (then.sum(), now.sum()))
        ),
        ks=float(np.abs(known[0] - known[1]).max()) if some else 0.0,
        unknown=(float(then[-1] / then.sum()), float(now[-1] / now.sum())),
    )


def _groups(then: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each cell: neighbours together, about as much of the training window in each; not known is its own."""
    known = then[:-1]
    middle = (np.cumsum(known) - known / 2) / max(known.sum(), 1.0)
    group = np.minimum((middle * BINS).astype(np.int64), BINS - 1)
    _, dense = np.unique(group, return_inverse=True)
    return np.append(dense, dense.max(initial=-1) + 1)
