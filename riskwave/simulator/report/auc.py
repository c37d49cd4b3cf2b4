"""How well one number tells two groups apart."""

import numpy as np

from riskwave.simulator.draws import Floats


def auc(positive: Floats, negative: Floats) -> float:
    """Chance that a positive and a negative drawn at random are told apart, whichever way round: 0.5 to 1.

    Ties count half; NaN is its own lowest value. Either group being empty gives 0.5.
    """
    if len(positive) == 0 or len(negative) == 0:
        return 0.5
    return auc_against(positive, ranked(negative))


def ranked(values: Floats) -> Floats:
    """Values sorted, NaN as the lowest."""
    return np.sort(_lowest_nan(values))


def auc_against(positive: Floats, negative: Floats) -> float:
    """The same for a `negative` that is `ranked` already; both not empty."""
    low = _lowest_nan(positive)
    below = np.searchsorted(negative, low, side="left") + np.searchsorted(negative, low, side="right")
    chance = float(below.mean() / 2 / len(negative))
    return max(chance, 1 - chance)


def _lowest_nan(values: Floats) -> Floats:
    return np.where(np.isnan(values), -np.inf, values)
