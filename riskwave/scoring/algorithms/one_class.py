"""One-class support vectors: the boundary around most of a sample of ordinary events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import OneClassSVM

from riskwave.scoring.algorithms.base import Calibration, Training, calibrate
from riskwave.scoring.graph import Graph
from riskwave.scoring.preparation import Scaling, learn_scaling
from riskwave.scoring.values import Matrix, Params, Scores

#: Rows whose distances to all vectors are held at once.
ROWS = 8_192


@dataclass(frozen=True)
class Bounded:
    """Support vectors (vectors, columns), their weights, the kernel's gamma and the boundary's offset.

    The anomaly is the distance from the boundary outwards: offset - sum of weight * exp(-gamma * distance ** 2).
    """

    scaling: Scaling
    vectors: NDArray[np.float32]
    weights: NDArray[np.float64]
    gamma: float
    offset: float
    calibration: Calibration

    def margin(self, matrix: Matrix) -> Scores:
        """Margins, (rows,)."""
        return self.calibration.margin(self.anomaly(matrix))

    def anomaly(self, matrix: Matrix) -> Scores:
        """How far outside, (rows,)."""
        parts = [self.outside(self.scaling.apply(matrix[at : at + ROWS])) for at in range(0, len(matrix), ROWS)]
        return np.concatenate(parts) if parts else np.empty(0)

    def outside(self, scaled: Matrix) -> Scores:
        """The same of scaled rows, some thousand at most."""
        vectors, rows = self.vectors.astype(np.float64), scaled.astype(np.float64)
        squares = (rows**2).sum(axis=1)[:, None] + (vectors**2).sum(axis=1) - 2 * rows @ vectors.T
        near = np.exp(-self.gamma * np.maximum(squares, 0)) @ self.weights
        return np.asarray(self.offset - near, np.float64)

    def draw(self, graph: Graph, matrix: str) -> str:
        """The same by one matrix product."""
        scaled = self.scaling.draw(graph, matrix)
        norms = graph.node("ReduceSumSquare", scaled, axes=[1], keepdims=1)
        own = (self.vectors.astype(np.float64) ** 2).sum(axis=1)
        crossed = graph.linear(scaled, -2 * self.vectors.T, own)
        squares = graph.node("Relu", graph.node("Add", norms, crossed))
        kernel = graph.node("Exp", graph.node("Mul", squares, graph.constant(-self.gamma)))
        anomaly = graph.linear(kernel, -self.weights[:, None], [self.offset])
        return self.calibration.draw(graph, anomaly)


class OneClass:
    """scikit-learn's OneClassSVM with a radial kernel, on a sample: its cost grows with the square of the events."""

    name = "one_class_svm"
    needs_labels = False
    defaults: ClassVar[Params] = {"nu": 0.05, "gamma": 1.0, "sample": 5_000}
    choices: ClassVar[Mapping[str, Sequence[Any]]] = {"nu": (0.01, 0.05, 0.1), "gamma": (0.3, 1.0, 3.0)}

    def fit(self, training: Training, params: Params) -> Bounded:
        """Fit on `sample` ordinary events; `gamma` is in units of one by the number of columns."""
        return bound(training, params, learn_scaling(training.encoder, training.train.matrix))


def bound(training: Training, params: Params, scaling: Scaling, kept: NDArray[np.float32] | None = None) -> Bounded:
    """Fit and calibrate; kept: support vectors, scaled, that are learned from as well."""
    ordinary = training.train.without_frauds()
    rng = np.random.default_rng(training.seed)
    chosen = np.sort(rng.permutation(len(ordinary))[: params["sample"]])
    scaled = scaling.apply(ordinary[chosen]).astype(np.float64)
    if kept is not None:
        scaled = np.concatenate([kept.astype(np.float64), scaled])
    gamma = params["gamma"] / scaled.shape[1]
    training.say(f"one-class SVM: {len(scaled)} events")
    machine = OneClassSVM(nu=params["nu"], gamma=gamma).fit(scaled)
    bounded = Bounded(
        scaling,
        machine.support_vectors_.astype(np.float32),
        np.asarray(machine.dual_coef_[0], np.float64),
        float(gamma),
        -float(machine.intercept_[0]),
        Calibration(1.0, 0.0),
    )
    return replace(bounded, calibration=calibrate(bounded.anomaly(training.valid.matrix), training.valid.fraud))
