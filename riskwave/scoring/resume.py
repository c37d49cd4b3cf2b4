"""Learning on: what each algorithm does with new labels when there is a model already.

Boosting and the hybrid grow more trees on the old ones; the autoencoders go on from their weights; the isolation forest
replaces its oldest trees by new ones; the one-class SVM is fitted on its old support vectors and new events together
(Syed, Liu, Sung, Incremental Learning with Support Vector Machines, 1999); the vote lets its members learn on and
weighs them anew.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np

from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms.base import Calibration, OnScale, Trained, Training, calibrate
from riskwave.scoring.algorithms.boosting import Boosted, boost
from riskwave.scoring.algorithms.forest import Isolated, grow
from riskwave.scoring.algorithms.hybrid import Seasoned
from riskwave.scoring.algorithms.lstm import LstmAutoencoder, Sequenced
from riskwave.scoring.algorithms.networks import error_weights
from riskwave.scoring.algorithms.one_class import Bounded, bound
from riskwave.scoring.algorithms.vae import Described, Vae
from riskwave.scoring.algorithms.voting import MEMBERS, Voted, weighed
from riskwave.scoring.values import Params

#: Share of its trees that an isolation forest replaces.
REPLACED = 0.5


@singledispatch
def resume(trained: Any, training: Training, params: Params) -> Trained:  # noqa: ARG001 - the registered ones use them
    """The model after it learned on from a training of the same columns; params: the algorithm's."""
    raise RiskwaveError(f"no way to learn on from a {type(trained).__name__}; train a new version")


@resume.register
def _(trained: OnScale, training: Training, params: Params) -> Trained:
    # Its threshold is chosen anew, and so is its scale.
    return resume(trained.inner, training, params)


@resume.register
def _(trained: Boosted, training: Training, params: Params) -> Trained:
    return Boosted(boost(training, params, before=trained.booster))


@resume.register
def _(trained: Seasoned, training: Training, params: Params) -> Trained:
    if trained.forecast is None:
        return Seasoned(None, Boosted(boost(training, params, before=trained.boosted.booster)))
    train, valid = (trained.forecast.apply(part.matrix) for part in (training.train, training.valid))
    return Seasoned(
        trained.forecast,
        Boosted(boost(training, params, matrix=train, valid=valid, before=trained.boosted.booster)),
    )


@resume.register
def _(trained: Isolated, training: Training, params: Params) -> Trained:
    new = max(1, round(REPLACED * len(trained.trees)))
    grown = grow(training, {**params, "trees": new}, trained.filling)
    # Depths are to be expected of the same sample, so that old and new trees can be added up.
    ratio = trained.expected / grown.expected
    trees = tuple(replace(tree, value=tree.value * ratio) for tree in grown.trees)
    both = replace(trained, trees=(*trained.trees[new:], *trees), events=(*trained.events[new:], *grown.events))
    return both.calibrated(training.valid.matrix, training.valid.fraud)


@resume.register
def _(trained: Bounded, training: Training, params: Params) -> Trained:
    return bound(training, params, trained.scaling, trained.vectors)


@resume.register
def _(trained: Described, training: Training, params: Params) -> Trained:
    weights = Vae().descended(training, params, trained.scaling, trained.weights)
    plain = replace(trained, weights=weights, by_column=np.ones_like(trained.by_column))
    described = replace(plain, by_column=error_weights(plain.errors(training.valid.without_frauds())))
    return replace(described, calibration=_calibrated(described, training))


@resume.register
def _(trained: Sequenced, training: Training, params: Params) -> Trained:
    weights = LstmAutoencoder().descended(training, params, trained.scaling, trained.place, trained.weights)
    there = (trained.by_cell > 0).astype(np.float32)
    plain = replace(trained, weights=weights)
    sequenced = replace(plain, by_cell=error_weights(plain.errors(training.valid.without_frauds())) * there)
    return replace(sequenced, calibration=_calibrated(sequenced, training))


@resume.register
def _(trained: Voted, training: Training, params: Params) -> Trained:  # noqa: ARG001 - members have their own
    members = tuple(
        resume(member, training, dict(MEMBERS[name].defaults))
        for name, member in zip(trained.names, trained.members, strict=True)
    )
    return weighed(trained.names, members, training)


def _calibrated(trained: Any, training: Training) -> Calibration:
    return calibrate(trained.anomaly(training.valid.matrix), training.valid.fraud)
