"""Which of the encoded columns a model reads: those that a quick model finds use for."""

from __future__ import annotations

import numpy as np

from riskwave.scoring.algorithms.base import Training
from riskwave.scoring.algorithms.boosting import LEAST_FRAUDS, Boosting, boost
from riskwave.scoring.values import Params, Sample

#: Settings of the quick model: shallow and slow, so that related columns share their importance.
QUICK: Params = {**Boosting.defaults, "num_leaves": 15, "feature_fraction": 0.3, "rounds": 150, "patience": 150}
LEAST_COLUMNS = 5
#: Always kept, when it varies: what seasons are told by costs nothing to know.
ALWAYS = "hour_of_week"


def select_columns(training: Training, share: float) -> list[int]:
    """Places of the columns that hold `share` of the importance (gain of a quick boosting), in their order.

    Without frauds to learn from: the columns that are not the same everywhere. A share of 1 keeps those, too.
    """
    varied = [place for place in range(training.train.matrix.shape[1]) if _varies(training.train.matrix[:, place])]
    enough = min(int(training.train.fraud.sum()), int(training.valid.fraud.sum())) >= LEAST_FRAUDS
    if share >= 1 or not enough:
        return varied
    training.say("selecting features")
    gain = boost(training, QUICK).feature_importance("gain")
    order = np.argsort(-gain, kind="stable")
    reached = np.cumsum(gain[order]) / max(gain.sum(), 1e-300)
    kept = order[: max(int(np.searchsorted(reached, share)) + 1, LEAST_COLUMNS)]
    clock = [place for place in varied if training.encoder.columns[place].kind == ALWAYS]
    return sorted({int(place) for place in kept} | set(clock))


def narrowed(training: Training, places: list[int]) -> Training:
    """The same training with these columns only."""

    def of(sample: Sample) -> Sample:
        return Sample(np.ascontiguousarray(sample.matrix[:, places]), sample.fraud, sample.labelled)

    return Training(
        of(training.train),
        of(training.valid),
        training.encoder.keep(places),
        training.seed,
        training.threads,
        training.say,
    )


def _varies(column: np.ndarray) -> bool:
    known = column[~np.isnan(column)]
    return bool(len(known)) and bool((known != known[0]).any() or len(known) < len(column))
