"""From encoded features to what distances and networks need: no gaps, no codes, like scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskwave.scoring.encoding import Encoder
from riskwave.scoring.graph import Graph
from riskwave.scoring.values import Matrix

#: Standard deviations beyond which a value says no more.
CLIP = 6.0


@dataclass(frozen=True)
class Filling:
    """Missing numbers become the median, categories how rare they are: exactly the same here and in a graph.

    numbers, categories: places in the encoder; fill: (numbers,); rarity: -log of the share of each category's values,
    end to end, after each the rarity of a value never seen; starts, unseen: of each category in it.
    """

    numbers: tuple[int, ...]
    categories: tuple[int, ...]
    fill: NDArray[np.float32]
    rarity: NDArray[np.float32]
    starts: NDArray[np.float32]
    unseen: NDArray[np.float32]

    @property
    def places(self) -> tuple[int, ...]:
        """Places in the encoder of the columns that `apply` gives."""
        return self.numbers + self.categories

    def apply(self, matrix: Matrix) -> Matrix:
        """(rows, columns of the encoder) to (rows, numbers and then categories), nothing missing."""
        numbers, codes = matrix[:, self.numbers], matrix[:, self.categories]
        filled = np.where(np.isnan(numbers), self.fill, numbers)
        looked_up = self.rarity[(np.where(np.isnan(codes), self.unseen, codes) + self.starts).astype(np.int64)]
        return np.concatenate([filled, looked_up], axis=1).astype(np.float32)

    def draw(self, graph: Graph, matrix: str) -> str:
        """The same in a graph."""
        filled = graph.filled(graph.columns(matrix, self.numbers), self.fill)
        if not self.categories:
            return filled
        codes = graph.filled(graph.columns(matrix, self.categories), self.unseen)
        places = graph.node("Cast", graph.node("Add", codes, graph.constant(self.starts)), to=7)
        return graph.node("Concat", filled, graph.node("Gather", graph.constant(self.rarity), places), axis=1)


@dataclass(frozen=True)
class Scaling:
    """Filled, then sign(x) * log(1 + |x|), standardised and clipped at CLIP."""

    filling: Filling
    mean: NDArray[np.float32]
    per_std: NDArray[np.float32]

    def apply(self, matrix: Matrix) -> Matrix:
        """(rows, columns of the encoder) to (rows, columns of the filling)."""
        return self.of_filled(self.filling.apply(matrix))

    def of_filled(self, filled: Matrix) -> Matrix:
        """The part after filling."""
        return np.clip((_flattened(filled) - self.mean) * self.per_std, -CLIP, CLIP).astype(np.float32)

    def draw(self, graph: Graph, matrix: str) -> str:
        """The same in a graph."""
        filled = self.filling.draw(graph, matrix)
        size = graph.node("Log", graph.node("Add", graph.node("Abs", filled), graph.constant(1.0)))
        flat = graph.node("Mul", graph.node("Sign", filled), size)
        centred = graph.node("Sub", flat, graph.constant(self.mean))
        scaled = graph.node("Mul", centred, graph.constant(self.per_std))
        return graph.node("Clip", scaled, graph.constant(-CLIP), graph.constant(CLIP))


def learn_filling(encoder: Encoder, matrix: Matrix) -> Filling:
    """Learned from training events."""
    categories = encoder.of("category")
    numbers = [place for place in range(len(encoder.columns)) if place not in set(categories)]
    known = matrix[:, numbers]
    fill = np.array([np.median(column[~np.isnan(column)]) if (~np.isnan(column)).any() else 0.0 for column in known.T])
    rarity: list[float] = []
    starts, unseen = [], []
    for place in categories:
        size = len(encoder.columns[place].values)
        codes = matrix[:, place]
        seen = np.bincount(codes[~np.isnan(codes)].astype(np.int64), minlength=size) + 1
        others = int(np.isnan(codes).sum()) + 1
        starts.append(len(rarity))
        unseen.append(size)
        rarity += (-np.log(np.append(seen, others) / (seen.sum() + others))).tolist()
    return Filling(
        tuple(numbers),
        tuple(categories),
        fill.astype(np.float32),
        np.array(rarity, np.float32),
        np.array(starts, np.float32),
        np.array(unseen, np.float32),
    )


def learn_scaling(encoder: Encoder, matrix: Matrix) -> Scaling:
    """Learned from training events."""
    filling = learn_filling(encoder, matrix)
    flat = _flattened(filling.apply(matrix)).astype(np.float64)
    std = flat.std(axis=0)
    per_std = np.where(std > 1e-6, 1 / np.maximum(std, 1e-6), 1.0)
    return Scaling(filling, flat.mean(axis=0).astype(np.float32), per_std.astype(np.float32))


def _flattened(filled: Matrix) -> Matrix:
    return np.asarray(np.sign(filled) * np.log(np.abs(filled) + np.float32(1)), np.float32)
