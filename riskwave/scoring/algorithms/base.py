"""What every algorithm is to the rest: trained on a sample, it gives margins and draws itself as ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from riskwave.scoring.encoding import Encoder
from riskwave.scoring.graph import Graph
from riskwave.scoring.values import Flags, Matrix, Params, Sample, Say, Scores


class Trained(Protocol):
    """A trained model. Its score is the logistic of its margin."""

    def margin(self, matrix: Matrix) -> Scores:
        """A margin for each row of an encoded matrix: any number, higher is more suspicious."""
        ...

    def draw(self, graph: Graph, matrix: str) -> str:
        """Add the same computation to a graph; gives the name of the margins, float32 (rows, 1)."""
        ...


@dataclass(frozen=True)
class Training:
    """What a fit is given: samples in order of time, the encoder of their columns, and how to go about it."""

    train: Sample
    valid: Sample
    encoder: Encoder
    seed: int
    threads: int
    say: Say


class Algorithm(Protocol):
    """A way to train.

    `defaults` are its hyper-parameters, `choices` the values of each that a search may try.
    """

    name: str
    needs_labels: bool
    defaults: ClassVar[Params]
    choices: ClassVar[Mapping[str, Sequence[Any]]]

    def fit(self, training: Training, params: Params) -> Trained:
        """Train; the same samples, params and seed give the same model."""
        ...


@dataclass(frozen=True)
class OnScale:
    """A trained model whose margins are moved so that its threshold is at a score of 0.5. It keeps the order.

    Versions of any algorithm can then stand under the same rules.
    """

    inner: Trained
    shift: float

    def margin(self, matrix: Matrix) -> Scores:
        """The inner model's, moved."""
        return self.inner.margin(matrix) + self.shift

    def draw(self, graph: Graph, matrix: str) -> str:
        """The same."""
        return graph.node("Add", self.inner.draw(graph, matrix), graph.constant(self.shift))


def on_scale(trained: Trained, threshold: float) -> Trained:
    """A trained model with its threshold, a score, moved to 0.5; one that flags all or nothing stays as it is."""
    if not 0 < threshold < 1:
        return trained
    return OnScale(trained, float(np.log(1 / threshold - 1)))


def score(trained: Trained, matrix: Matrix) -> Scores:
    """Scores in [0, 1] of an encoded matrix, (rows,)."""
    # exp of a large number is inf, and 1 / inf the 0 that is meant.
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-trained.margin(matrix))), np.float64)


@dataclass(frozen=True)
class Calibration:
    """From an anomaly, as a logarithm or another number, to a margin: slope * anomaly + shift. It keeps the order."""

    slope: float
    shift: float

    def margin(self, anomaly: Scores) -> Scores:
        """Margins of anomalies."""
        return self.slope * anomaly + self.shift

    def draw(self, graph: Graph, anomaly: str) -> str:
        """The same in a graph."""
        return graph.node("Add", graph.node("Mul", anomaly, graph.constant(self.slope)), graph.constant(self.shift))


def calibrate(anomaly: Scores, fraud: Flags) -> Calibration:
    """Put the middle of ordinary events at a score of 0.02 and the highest of 200 at 0.5, by validation events."""
    ordinary = anomaly[~fraud] if (~fraud).any() else anomaly
    middle, high = np.quantile(ordinary, [0.5, 0.995])
    slope = float(np.log(49.0) / max(high - middle, 1e-6))
    # Beyond a margin of 15 a float32 logistic is 1 for all; what is far out must still be told apart.
    slope = min(slope, 12.0 / max(float(anomaly.max() - high), 1e-6))
    return Calibration(slope, float(-slope * high))
