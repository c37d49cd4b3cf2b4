"""Hyper-parameters: random search with a budget."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import average_precision_score

from riskwave.scoring.algorithms.base import Algorithm, Trained, Training
from riskwave.scoring.values import Params


@dataclass(frozen=True)
class Budget:
    """How much to search: so many trials, the defaults first, and no new one after so many seconds.

    Only a search that its trials bound gives the same result on every machine.
    """

    trials: int = 1
    seconds: float = float("inf")


@dataclass(frozen=True)
class Found:
    """The best of a search: the model, its hyper-parameters, how many were tried, and the best's average precision."""

    trained: Trained
    params: Params
    trials: int
    average_precision: float | None


def search(algorithm: Algorithm, training: Training, fixed: Params, budget: Budget) -> Found:
    """Fit with the defaults, then with drawn choices, and keep what ranks the validation part's frauds best.

    `fixed` are hyper-parameters that were given and are not searched. Without known frauds there is nothing to
    compare by: one trial.
    """
    rng = np.random.default_rng(training.seed)
    began = time.monotonic()
    comparable = bool(training.valid.fraud.any())

    def attempt(params: Params) -> Found:
        trained = algorithm.fit(training, params)
        if not comparable:
            return Found(trained, params, 1, None)
        margins = trained.margin(training.valid.matrix)
        return Found(trained, params, 1, float(average_precision_score(training.valid.fraud, margins)))

    best = attempt({**algorithm.defaults, **fixed})
    tried = [best.params]
    for trial in range(1, budget.trials if comparable else 1):
        if time.monotonic() - began > budget.seconds:
            break
        drawn = {name: values[int(rng.integers(len(values)))] for name, values in algorithm.choices.items()}
        params = {**algorithm.defaults, **drawn, **fixed}
        if params in tried:
            continue
        tried.append(params)
        training.say(f"{algorithm.name}: trial {trial + 1} of {budget.trials}")
        found = attempt(params)
        if (found.average_precision or 0) > (best.average_precision or 0):
            best = found
    return replace(best, trials=len(tried))
