"""Draws that the simulator makes everywhere, vectorised and repeatable."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_S = 86_400
MICROS = 1_000_000


def stream(seed: int, part: int) -> np.random.Generator:
    """The random numbers of one part of the simulator: a change in one part leaves the others as they are."""
    return np.random.default_rng([seed, part])


def pick(rng: np.random.Generator, weights: NDArray[Any], rows: int) -> Ints:
    """Positions drawn by weight."""
    return pick_cumulative(rng, np.cumsum(weights) / np.sum(weights), rows)


def pick_cumulative(rng: np.random.Generator, cumulative: Floats, rows: int) -> Ints:
    """Positions drawn by cumulative weights that end in 1."""
    found = np.searchsorted(cumulative, rng.random(rows), side="right")
    return np.minimum(found, len(cumulative) - 1)


def pick_by_row(rng: np.random.Generator, cumulative: Floats, kind: NDArray[Any]) -> Ints:
    """One position for each row, drawn by the cumulative weights in row `kind` of `cumulative`."""
    found = np.empty(len(kind), np.int64)
    for k in np.unique(kind):
        where = np.flatnonzero(kind == k)
        found[where] = pick_cumulative(rng, cumulative[k], len(where))
    return found


def unit_hash(*keys: NDArray[Any] | int) -> Floats:
    """A number in [0, 1) that depends on the keys alone: habits that need no memory (splitmix64)."""
    h: NDArray[np.uint64] = np.array(0x9E3779B97F4A7C15, np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            h = h ^ np.asarray(key).astype(np.uint64)
            h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            h = h ^ (h >> np.uint64(31))
    return np.asarray(h >> np.uint64(11), np.float64) * 2.0**-53


def zipf_rank(u: Floats, size: NDArray[Any]) -> Ints:
    """Ranks from 0 below `size`, the k-th about 1/k as likely as the first, from uniform `u`."""
    rank = np.exp(u * np.log(size + 1.0)).astype(np.int64) - 1
    return np.asarray(np.minimum(rank, size - 1), np.int64)


def lognormal_mean(rng: np.random.Generator, mean: NDArray[Any], spread: NDArray[Any]) -> Floats:
    """Lognormal amounts with these means and spreads of the logarithm."""
    amounts = mean * np.exp(rng.standard_normal(len(mean)) * spread - spread**2 / 2)
    return np.asarray(amounts, np.float64)
