"""How a column's values are spread: cells of numbers or categories, and how often each came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskwave.scoring.values import Scores

#: Most cells that a number's values are divided into.
CELLS = 50
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Spread:
    """How often each cell of a column's values came.

    edges: upper bounds of all cells but the last one of a number; values: the cells of a category. counts: by cell,
    then of what is not known (for a category: or was never seen). warm_days: how far the column's window looks back;
    within: the counts of each channel apart; alike: how much a card's values are like each other, 0 to 1; cards: how
    many there were.
    """

    name: str
    edges: tuple[float, ...]
    values: tuple[str | None, ...]
    counts: tuple[int, ...]
    warm_days: float = 0.0
    within: tuple[tuple[int, ...], ...] = ()
    alike: float = 0.0
    cards: int = 1

    @property
    def events(self) -> int:
        """How many were counted."""
        return sum(self.counts)

    def cells(self, column: NDArray[Any]) -> Ints:
        """The cell of each value, (rows,); the last one is for what is not known."""
        unknown = np.isnan(column)
        if self.values:
            found = np.where(unknown, len(self.values), column)
        else:
            found = np.searchsorted(np.array(self.edges, np.float32), column.astype(np.float32), side="left")
            found = np.where(unknown, len(self.edges) + 1, found)
        return np.asarray(found, np.int64)

    def count(self, column: NDArray[Any]) -> Ints:
        """How often each cell comes, as `counts` has it."""
        return np.bincount(self.cells(column), minlength=len(self.counts))

    def by(self, group: Ints, column: NDArray[Any], groups: int) -> Spread:
        """With the counts of each channel, given its place for each value."""
        width = len(self.counts)
        counted = np.bincount(group * width + self.cells(column), minlength=groups * width).reshape(groups, width)
        return replace(self, within=tuple(tuple(int(n) for n in each) for each in counted))

    def of_cards(self, cards: Ints, column: NDArray[Any]) -> Spread:
        """With how alike the values of one card are, given its number for each: the intraclass correlation of ranks."""
        ranks = self.rank[self.cells(column)]
        counts = np.bincount(cards)
        counts, sums = counts[counts > 0], np.bincount(cards, weights=ranks)[counts > 0]
        groups, events, mean = len(counts), len(ranks), ranks.mean()
        if groups < 2 or groups == events:
            return replace(self, cards=groups)
        between = float((counts * (sums / counts - mean) ** 2).sum()) / (groups - 1)
        inside = (float(((ranks - mean) ** 2).sum()) - between * (groups - 1)) / (events - groups)
        size = (events - float((counts.astype(np.float64) ** 2).sum()) / events) / (groups - 1)
        alike = (between - inside) / max(between + (size - 1) * inside, 1e-12)
        return replace(self, cards=groups, alike=float(np.clip(alike, 0.0, 1.0)))

    @cached_property
    def rank(self) -> Scores:
        """By cell, the share of known training values below it and half of those in it; the middle for not known."""
        known = np.array(self.counts[:-1], np.float64)
        total = max(known.sum(), 1.0)
        return np.append((np.cumsum(known) - known / 2) / total, 0.5)

    @cached_property
    def surprise(self) -> Scores:
        """By channel and cell: -log of how rare it is there; of a category its share, of a number that of values as far
        out or farther."""
        counts = np.array(self.within, np.float64)
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
        if self.values:
            share = counts / total
        else:
            known = counts[:, :-1]
            below, above = np.cumsum(known, axis=1), np.cumsum(known[:, ::-1], axis=1)[:, ::-1]
            share = np.append(np.minimum(2 * np.minimum(below, above), total), counts[:, -1:], axis=1) / total
        return -np.log(np.maximum(share, 0.5 / total))


def spread_of(name: str, column: NDArray[Any], values: Sequence[str | None], kind: str, warm: float) -> Spread:
    """The spread of a column's values."""
    if kind == "category":
        edges: tuple[float, ...] = ()
        empty = Spread(name, edges, tuple(values) or (None,), (0,) * (max(len(values), 1) + 1), warm)
    else:
        known = column[~np.isnan(column)].astype(np.float32)
        steps = np.quantile(known, np.arange(1, CELLS) / CELLS, method="lower") if len(known) else np.zeros(1)
        edges = tuple(float(edge) for edge in np.unique(steps))
        empty = Spread(name, edges, (), (0,) * (len(edges) + 2), warm)
    return Spread(name, edges, empty.values, tuple(int(n) for n in empty.count(column)), warm)
