"""Forecast and boosting: volumes are compared with what their season lets expect, then boosted with the rest.

A count of the last hour says little alone: ten payments at noon are fewer than two at night. The forecast of a short
window is the level of the last 24 hours times the season's index, learned for each hour of the week; the booster sees
each volume by its forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from riskwave.scoring.algorithms.base import Training
from riskwave.scoring.algorithms.boosting import Boosted, Boosting, boost
from riskwave.scoring.encoding import Encoder
from riskwave.scoring.graph import Graph
from riskwave.scoring.values import Matrix, Params, Scores

HOURS = 168
LEVEL = "24h"
SHORT = ("10m", "1h")
#: Events of the season's hour that weigh as much as what was seen in it.
SHRINK = 200.0
#: Added to the forecast: nothing was expected, and something came.
LEAST = np.float32(0.1)


@dataclass(frozen=True)
class Forecast:
    """Of some volumes: places of the short windows, of the levels and of the hour; index (HOURS, volumes) in float32.

    Only sums, products and quotients of float32, so that a graph computes the same bits.
    """

    short: tuple[int, ...]
    level: tuple[int, ...]
    hour: int
    index: NDArray[np.float32]

    def apply(self, matrix: Matrix) -> Matrix:
        """The matrix with a column more for each volume: the volume by its forecast."""
        hour = matrix[:, self.hour]
        index = self.index[np.where(np.isnan(hour), 0, hour).astype(np.int64)]
        expected = matrix[:, self.level] * index + LEAST
        return np.ascontiguousarray(np.concatenate([matrix, matrix[:, self.short] / expected], axis=1), np.float32)

    def draw(self, graph: Graph, matrix: str) -> str:
        """The same in a graph."""
        hour = graph.node("Gather", matrix, graph.constant(self.hour, np.int64), axis=1)
        place = graph.node("Cast", graph.filled(hour, 0.0), to=7)
        index = graph.node("Gather", graph.constant(self.index), place)
        level = graph.node("Mul", graph.columns(matrix, self.level), index)
        expected = graph.node("Add", level, graph.constant(LEAST))
        ratios = graph.node("Div", graph.columns(matrix, self.short), expected)
        return graph.node("Concat", matrix, ratios, axis=1)


@dataclass(frozen=True)
class Seasoned:
    """A booster on the features and the volumes by their forecasts; without volumes, on the features."""

    forecast: Forecast | None
    boosted: Boosted

    def margin(self, matrix: Matrix) -> Scores:
        """The sum of the trees."""
        return self.boosted.margin(matrix if self.forecast is None else self.forecast.apply(matrix))

    def draw(self, graph: Graph, matrix: str) -> str:
        """The forecast, then the trees."""
        return self.boosted.draw(graph, matrix if self.forecast is None else self.forecast.draw(graph, matrix))


class Hybrid:
    """The forecast of seasonal volumes before Boosting."""

    name = "hybrid"
    needs_labels = True
    defaults: ClassVar[Params] = Boosting.defaults
    choices: ClassVar[Mapping[str, Sequence[Any]]] = Boosting.choices

    def fit(self, training: Training, params: Params) -> Seasoned:
        """Learn the seasons from training events, then boost."""
        forecast = learn_forecast(training.encoder, training.train.matrix)
        if forecast is None:
            return Seasoned(None, Boosted(boost(training, params)))
        train, valid = (forecast.apply(part.matrix) for part in (training.train, training.valid))
        return Seasoned(forecast, Boosted(boost(training, params, matrix=train, valid=valid)))


def learn_forecast(encoder: Encoder, matrix: Matrix) -> Forecast | None:
    """The seasons of all volumes that have a short window and a level; None when there are none, or no hours."""
    names, hours = list(encoder.names), encoder.of("hour_of_week")
    pairs = []
    for short in SHORT:
        for place, name in enumerate(names):
            level = f"{name.removesuffix(short)}{LEVEL}"
            if name.endswith(f"_{short}") and ("_count_" in name or "_sum_" in name) and level in names:
                pairs.append((place, names.index(level)))
    if not pairs or not hours:
        return None
    hour = np.nan_to_num(matrix[:, hours[0]]).astype(np.int64)
    index = np.empty((HOURS, len(pairs)))
    for volume, pair in enumerate(pairs):
        part, whole = (np.nan_to_num(matrix[:, place]).astype(np.float64) for place in pair)
        overall = part.sum() / max(whole.sum(), 1e-9)
        usual = whole.mean() * SHRINK
        sums = [np.bincount(hour, weights=values, minlength=HOURS) for values in (part, whole)]
        index[:, volume] = (sums[0] + overall * usual) / np.maximum(sums[1] + usual, 1e-9)
    return Forecast(tuple(a for a, _ in pairs), tuple(b for _, b in pairs), hours[0], index.astype(np.float32))
