"""Isolation forest: what few random cuts set apart from the rest is unusual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.ensemble import IsolationForest as Forest

from riskwave.scoring.algorithms.base import Calibration, Training, calibrate
from riskwave.scoring.graph import Graph, Tree
from riskwave.scoring.preparation import Filling, learn_filling
from riskwave.scoring.values import Matrix, Params, Scores


@dataclass(frozen=True)
class Isolated:
    """A forest. The anomaly is the logarithm of its usual score 2 ** (-mean depth / depth to be expected).

    centre: the anomaly of an ordinary event. Leaves are drawn less their part of it, so that their sum in float32
    stays near 0, where it is exact enough.
    """

    forest: Forest
    filling: Filling
    centre: float
    calibration: Calibration

    def margin(self, matrix: Matrix) -> Scores:
        """Margins, (rows,)."""
        return self.calibration.margin(_anomaly(self.forest, self.filling.apply(matrix)))

    def draw(self, graph: Graph, matrix: str) -> str:
        """A leaf gives its share of the logarithm: the trees' sum is the anomaly, less the centre."""
        trees = [
            _tree(one.tree_, np.asarray(columns), self.forest, self.centre)
            for one, columns in zip(self.forest.estimators_, self.forest.estimators_features_, strict=True)
        ]
        slope, shift = self.calibration.slope, self.calibration.shift
        apart = graph.trees(self.filling.draw(graph, matrix), trees)
        return Calibration(slope, shift + slope * self.centre).draw(graph, apart)


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
        ordinary = filling.apply(training.train.without_frauds())
        training.say(f"isolation forest: {params['trees']} trees")
        forest = Forest(
            n_estimators=params["trees"],
            max_samples=min(params["sample"], len(ordinary)),
            max_features=float(params["columns"]),
            random_state=training.seed,
            n_jobs=1,
        ).fit(ordinary)
        anomaly = _anomaly(forest, filling.apply(training.valid.matrix))
        centre = float(np.median(anomaly))
        return Isolated(forest, filling, centre, calibrate(anomaly, training.valid.fraud))


def _anomaly(forest: Forest, filled: Matrix) -> Scores:
    return np.asarray(np.log(-forest.score_samples(filled)), np.float64)


def _tree(tree: Any, columns: Any, forest: Forest, centre: float) -> Tree:
    left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
    depth = np.zeros(len(left))
    # A child stands after its parent.
    for place in np.flatnonzero(left >= 0):
        depth[left[place]] = depth[right[place]] = depth[place] + 1
    path = depth + expected_depth(np.asarray(tree.n_node_samples, np.float64))
    scale = np.log(2) / (len(forest.estimators_) * expected_depth(np.array([forest.max_samples_], np.float64))[0])
    return Tree(
        column=columns[np.maximum(tree.feature, 0)],
        threshold=np.asarray(tree.threshold, np.float64),
        left=left,
        right=right,
        missing_left=np.zeros(len(left), np.bool_),
        value=-path * scale - centre / len(forest.estimators_),
    )


def expected_depth(events: Scores) -> Scores:
    """The mean depth at which one of so many events is alone, by random cuts."""
    many = np.maximum(events, 3)
    depth = 2 * (np.log(many - 1) + np.euler_gamma) - 2 * (many - 1) / many
    return np.where(events <= 1, 0.0, np.where(events <= 2, 1.0, depth))
