"""Isolation forest: what few random cuts set apart from the rest is unusual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest as Forest

from riskwave.scoring.algorithms.base import Calibration, Training, calibrate
from riskwave.scoring.graph import Graph, Tree
from riskwave.scoring.preparation import Filling, learn_filling
from riskwave.scoring.values import Flags, Matrix, Params, Scores


@dataclass(frozen=True)
class Isolated:
    """A forest on filled columns. The anomaly is the logarithm of its usual score 2 ** (-mean depth / expected depth).

    trees: their leaves' values are depths; events: how many of the sample were at each node; expected: the depth to be
    expected of the sample; centre: the anomaly of an ordinary event. Leaves are drawn less their part of it, so that
    their sum in float32 stays near 0, where it is exact enough.
    """

    trees: tuple[Tree, ...]
    events: tuple[NDArray[np.float64], ...]
    expected: float
    filling: Filling
    centre: float
    calibration: Calibration

    @property
    def scale(self) -> float:
        """What a unit of depth in one tree takes off the anomaly."""
        return float(np.log(2)) / (len(self.trees) * self.expected)

    def margin(self, matrix: Matrix) -> Scores:
        """Margins, (rows,)."""
        return self.calibration.margin(self.anomaly(self.filling.apply(matrix)))

    def anomaly(self, filled: Matrix) -> Scores:
        """Anomalies of filled rows, (rows,)."""
        depth = np.zeros(len(filled))
        for tree in self.trees:
            depth += tree.value[tree.leaves(filled)]
        return -self.scale * depth

    def draw(self, graph: Graph, matrix: str) -> str:
        """A leaf gives its share of the logarithm: the trees' sum is the anomaly, less the centre."""
        part = self.centre / len(self.trees)
        drawn = [replace(tree, value=-tree.value * self.scale - part) for tree in self.trees]
        slope, shift = self.calibration.slope, self.calibration.shift
        apart = graph.trees(self.filling.draw(graph, matrix), drawn)
        return Calibration(slope, shift + slope * self.centre).draw(graph, apart)

    def calibrated(self, valid: Matrix, fraud: Flags) -> Isolated:
        """Centred and calibrated on validation events."""
        anomaly = self.anomaly(self.filling.apply(valid))
        return replace(self, centre=float(np.median(anomaly)), calibration=calibrate(anomaly, fraud))


class IsolationForest:
    """scikit-learn's, on events that are not known frauds."""

    name = "isolation_forest"
    needs_labels = False
    defaults: ClassVar[Params] = {"trees": 200, "sample": 512, "columns": 0.5}
    choices: ClassVar[Mapping[str, Sequence[Any]]] = {
        "trees": (100, 200, 400),
        "sample": (256, 512, 2048),
        "columns": (0.25, 0.5, 1.0),
    }

    def fit(self, training: Training, params: Params) -> Isolated:
        """Grow the forest, and calibrate it on the validation part."""
        filling = learn_filling(training.encoder, training.train.matrix)
        return grow(training, params, filling).calibrated(training.valid.matrix, training.valid.fraud)


def grow(training: Training, params: Params, filling: Filling) -> Isolated:
    """A forest that is not calibrated yet."""
    ordinary = filling.apply(training.train.without_frauds())
    training.say(f"isolation forest: {params['trees']} trees")
    forest = Forest(
        n_estimators=params["trees"],
        max_samples=min(params["sample"], len(ordinary)),
        max_features=float(params["columns"]),
        random_state=training.seed,
        n_jobs=1,
    ).fit(ordinary)
    grown = [
        _tree(one.tree_, np.asarray(columns))
        for one, columns in zip(forest.estimators_, forest.estimators_features_, strict=True)
    ]
    expected = float(expected_depth(np.array([forest.max_samples_], np.float64))[0])
    trees, events = tuple(tree for tree, _ in grown), tuple(events for _, events in grown)
    return Isolated(trees, events, expected, filling, 0.0, Calibration(1.0, 0.0))


def _tree(tree: Any, columns: Any) -> tuple[Tree, NDArray[np.float64]]:
    left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
    depth = np.zeros(len(left))
    # A child stands after its parent.
    for place in np.flatnonzero(left >= 0):
        depth[left[place]] = depth[right[place]] = depth[place] + 1
    events = np.asarray(tree.n_node_samples, np.float64)
    made = Tree(
        column=columns[np.maximum(tree.feature, 0)],
        threshold=np.asarray(tree.threshold, np.float64),
        left=left,
        right=right,
        missing_left=np.zeros(len(left), np.bool_),
        value=depth + expected_depth(events),
    )
    return made, events


def expected_depth(events: Scores) -> Scores:
    """The mean depth at which one of so many events is alone, by random cuts."""
    many = np.maximum(events, 3)
    depth = 2 * (np.log(many - 1) + np.euler_gamma) - 2 * (many - 1) / many
    return np.where(events <= 1, 0.0, np.where(events <= 2, 1.0, depth))
