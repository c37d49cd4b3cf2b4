"""What every algorithm is to the rest: trained on a sample, it scores a matrix and draws itself as ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from riskwave.scoring.encoding import Encoder
from riskwave.scoring.graph import Graph
from riskwave.scoring.values import Flags, Matrix, Params, Sample, Say, Scores


class Trained(Protocol):
    """A trained model."""

    def score(self, matrix: Matrix) -> Scores:
        """A score in [0, 1] for each row of an encoded matrix; higher is more suspicious."""
        ...

    def draw(self, graph: Graph, matrix: str) -> str:
        """Add the same computation to a graph; gives the name of the scores, float32 (rows, 1)."""
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
class Calibration:
    """An anomaly as a score: the logistic of slope * log(raw) + shift. It keeps the order."""

    slope: float
    shift: float

    def score(self, raw: Scores) -> Scores:
        """Scores of raw anomalies, which are positive."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * np.log(raw) + self.shift))), np.float64)

    def draw(self, graph: Graph, raw: str) -> str:
        """The same in a graph."""
        return graph.logistic(graph.node("Log", raw), self.slope, self.shift)


def calibrate(raw: Scores, fraud: Flags) -> Calibration:
    """Put the middle of ordinary events at 0.02 and the highest of 200 at 0.5, by events that were not learned from."""
    logs = np.log(raw[~fraud] if (~fraud).any() else raw)
    middle, high = np.quantile(logs, [0.5, 0.995])
    slope = float(np.log(49.0) / max(high - middle, 1e-6))
    # Beyond 60 a float32 logistic is 1 for all: what is as far out again must still be told apart.
    top = float(logs.max() - high)
    slope = min(slope, 12.0 / max(top, 1e-6))
    return Calibration(slope, float(-slope * high))
