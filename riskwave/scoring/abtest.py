"""Whether two groups differ by more than chance: the normal test of two shares, and tests that only shuffle."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
#: Shufflings of a permutation test: p-values are good to about 0.007 at 0.05.
ROUNDS = 2_000


def two_shares(hits: int, of: int, hits_other: int, of_other: int) -> float | None:
    """The two-sided p-value that two shares are one, by the pooled normal approximation.

    Without doubt right only for events that know nothing of one another; see by_unit. None where one is of nothing, or
    both are all or nothing.
    """
    if not of or not of_other:
        return None
    pooled = (hits + hits_other) / (of + of_other)
    error = math.sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_other))
    if error == 0:
        return None
    return math.erfc(abs(hits / of - hits_other / of_other) / error / math.sqrt(2))


def by_unit(
    hits: Numbers, of: Numbers, treated: NDArray[np.bool_], *, seed: int = 7, rounds: int = ROUNDS
) -> float | None:
    """The same by shuffling whole units between the groups: a card does again what it did, so its events go together.

    hits, of: counts by unit; treated: which group it is in. The p-value counts the observed split among the shufflings
    (B. Phipson, G. Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010). None where a group has nothing.
    """
    if not of[treated].sum() or not of[~treated].sum():
        return None
    generator = np.random.default_rng(seed)
    total_hits, total_of = hits.sum(), of.sum()

    def gap(chosen_hits: float, chosen_of: float) -> float:
        if chosen_of in (0, total_of):
            return math.inf
        return abs(chosen_hits / chosen_of - (total_hits - chosen_hits) / (total_of - chosen_of))

    seen = gap(float(hits[treated].sum()), float(of[treated].sum()))
    as_far = 0
    size = int(treated.sum())
    for _ in range(rounds):
        chosen = generator.permutation(len(of))[:size]
        as_far += gap(float(hits[chosen].sum()), float(of[chosen].sum())) >= seen - 1e-12
    return (as_far + 1) / (rounds + 1)


def paired(differences: Numbers, *, seed: int = 7, rounds: int = ROUNDS) -> float | None:
    """The p-value that two versions on the same units are alike: the signs of their differences are drawn anew.

    differences: by unit. None where nothing differs.
    """
    moved = differences[differences != 0]
    if not len(moved):
        return None
    generator = np.random.default_rng(seed)
    seen = abs(float(moved.sum()))
    signs = generator.integers(0, 2, (rounds, len(moved)), dtype=np.int8) * 2 - 1
    as_far = int((np.abs(signs @ moved) >= seen - 1e-9).sum())
    return (as_far + 1) / (rounds + 1)
