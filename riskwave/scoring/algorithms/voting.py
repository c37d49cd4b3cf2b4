"""Voting: several algorithms on the same features, each with as much say as it earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression

from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms.base import Algorithm, Trained, Training
from riskwave.scoring.algorithms.boosting import LEAST_FRAUDS, Boosting
from riskwave.scoring.algorithms.forest import IsolationForest
from riskwave.scoring.algorithms.hybrid import Hybrid
from riskwave.scoring.algorithms.lstm import LstmAutoencoder
from riskwave.scoring.algorithms.one_class import OneClass
from riskwave.scoring.algorithms.vae import Vae
from riskwave.scoring.graph import Graph
from riskwave.scoring.values import Flags, Matrix, Params, Scores

MEMBERS: dict[str, type[Algorithm]] = {
    kind.name: kind for kind in (Boosting, Hybrid, IsolationForest, OneClass, LstmAutoencoder, Vae)
}


@dataclass(frozen=True)
class Voted:
    """Members, the weight of each one's margin, and a shift."""

    names: tuple[str, ...]
    members: tuple[Trained, ...]
    weights: tuple[float, ...]
    shift: float

    def margin(self, matrix: Matrix) -> Scores:
        """The weighted sum of the members' margins."""
        total = np.full(len(matrix), self.shift)
        for member, weight in zip(self.members, self.weights, strict=True):
            total += weight * member.margin(matrix)
        return total

    def draw(self, graph: Graph, matrix: str) -> str:
        """All members in one graph."""
        votes = [
            graph.node("Mul", member.draw(graph, matrix), graph.constant(weight))
            for member, weight in zip(self.members, self.weights, strict=True)
        ]
        return graph.node("Sum", *votes, graph.constant([[self.shift]]))


class Voting:
    """A weighted soft vote. The weights come from a logistic regression on the validation part; a member that would
    get a negative one has no vote. Without known frauds the unsupervised members vote with equal weights."""

    name = "voting"
    needs_labels = False
    defaults: ClassVar[Params] = {"members": "boosting,hybrid,isolation_forest,vae"}
    choices: ClassVar[Mapping[str, Sequence[Any]]] = {}

    def fit(self, training: Training, params: Params) -> Voted:
        """Fit every member with its defaults. Raises RiskwaveError for a member there is none of."""
        names = [name.strip() for name in params["members"].split(",")]
        if unknown := [name for name in names if name not in MEMBERS]:
            raise RiskwaveError(f"voting: no member {unknown[0]}; expected some of {', '.join(MEMBERS)}")
        labelled = min(int(part.fraud.sum()) for part in (training.train, training.valid)) >= LEAST_FRAUDS
        names = [name for name in names if labelled or not MEMBERS[name].needs_labels]
        if not names:
            raise RiskwaveError("voting: too few known frauds for its members; add isolation_forest or vae to them")
        members: list[Trained] = []
        for place, name in enumerate(names):
            kind = MEMBERS[name]
            # Another seed each: members that are alike should err differently.
            members.append(kind().fit(replace(training, seed=training.seed + place), dict(kind.defaults)))
        return weighed(tuple(names), tuple(members), training)


def weighed(names: Sequence[str], members: Sequence[Trained], training: Training) -> Voted:
    """A vote whose members have the weights that they earn on the validation part; equal ones without labels."""
    if int(training.valid.fraud.sum()) < LEAST_FRAUDS:
        return Voted(tuple(names), tuple(members), (1 / len(names),) * len(names), 0.0)
    margins = np.stack([member.margin(training.valid.matrix) for member in members], axis=1)
    weights, shift = _earned(margins, training.valid.fraud)
    kept = [place for place, weight in enumerate(weights) if weight > 0]
    return Voted(
        tuple(names[place] for place in kept),
        tuple(members[place] for place in kept),
        tuple(float(weights[place]) for place in kept),
        shift,
    )


def _earned(margins: Scores, fraud: Flags) -> tuple[Scores, float]:
    """Weights (members,), none negative, and the shift."""
    voting = np.ones(margins.shape[1], np.bool_)
    while True:
        fitted = LogisticRegression(C=1.0, max_iter=1000).fit(margins[:, voting], fraud)
        weights = np.zeros(margins.shape[1])
        weights[voting] = fitted.coef_[0]
        if (weights >= 0).all():
            break
        best = int(np.argmax(weights))
        voting &= weights >= 0
        voting[best] = True
        if voting.sum() == 1:
            return np.eye(len(weights))[best], 0.0
    return weights, float(fitted.intercept_[0])
