"""Training as a whole: what it learns from, searches, selects, and promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from riskwave.scoring.algorithms.base import Training
from riskwave.scoring.graph import Graph
from riskwave.scoring.history import History
from riskwave.scoring.search import Budget, search
from riskwave.scoring.split import Cut
from riskwave.scoring.train import Plan, Prepared, fit, prepare, train
from riskwave.scoring.values import Matrix, Params, Scores


@dataclass(frozen=True)
class Signed:
    """A trained model that gives one column, or its opposite."""

    column: int
    sign: float

    def margin(self, matrix: Matrix) -> Scores:
        return np.nan_to_num(matrix[:, self.column].astype(np.float64)) * self.sign

    def draw(self, graph: Graph, matrix: str) -> str:
        raise AssertionError("not drawn here")


class Guess:
    """An algorithm whose parameters are the model."""

    name = "guess"
    needs_labels = False
    defaults: ClassVar[Params] = {"column": 0, "sign": -1.0}
    choices: ClassVar[Mapping[str, Sequence[Any]]] = {"column": (0, 1, 2, 3), "sign": (-1.0, 1.0)}

    def fit(self, training: Training, params: Params) -> Signed:
        return Signed(**params)


def test_a_search_keeps_the_best_of_its_budget(prepared: Prepared) -> None:
    first = search(Guess(), prepared.training, {}, Budget(1))
    many = search(Guess(), prepared.training, {}, Budget(8))
    assert first.trials == 1
    assert first.params == Guess.defaults
    assert 1 < many.trials <= 8
    assert many.average_precision is not None
    assert first.average_precision is not None
    assert many.average_precision > first.average_precision
    assert many == search(Guess(), prepared.training, {}, Budget(8))


def test_given_parameters_are_not_searched(prepared: Prepared) -> None:
    assert search(Guess(), prepared.training, {"sign": 0.5}, Budget(6)).params["sign"] == 0.5


def test_a_search_ends_with_its_seconds(prepared: Prepared) -> None:
    assert search(Guess(), prepared.training, {}, Budget(6, seconds=-1)).trials == 1


def test_labels_that_arrived_too_late_change_nothing(history: History) -> None:
    plan = Plan("boosting", params={"rounds": 15}, cut=Cut(delay_days=1))
    parts = prepare(history, plan).split
    late = history.fraud_at > parts.as_of
    learned = np.zeros(len(history), np.bool_)
    learned[: parts.valid.stop] = True
    assert (late & learned).any(), "the bank has frauds whose labels came late"
    hidden = replace(history, fraud_at=np.where(late, np.datetime64("NaT", "us"), history.fraud_at))
    assert train(hidden, plan).onnx == train(history, plan).onnx


def test_the_threshold_keeps_the_rate_on_the_part_it_was_chosen_on(prepared: Prepared) -> None:
    for rate in (0.005, 0.05):
        model = fit(prepared, Plan("isolation_forest", target_fpr=rate, params={"trees": 20}))
        flagged = model.valid.false_positive_rate
        assert flagged is not None
        # frauds whose labels came later are flagged, too, and are no false positives
        assert flagged <= rate


def test_selection_keeps_what_helps(history: History, prepared: Prepared) -> None:
    everything = prepare(history, Plan("boosting", select=1.0)).training.encoder
    kept = prepared.training.encoder
    assert set(kept.names) < set(everything.names)
    assert "hour_of_week" in kept.names
    fewer = prepare(history, Plan("boosting", select=0.5)).training.encoder
    assert len(fewer.columns) < len(kept.columns)


def test_a_model_may_be_measured_on_another_history(history: History) -> None:
    model = train(history, Plan("isolation_forest", params={"trees": 20}), measured_on=history)
    assert model.test.events == len(history)
    assert model.window["test"] == {"events": 0}


@pytest.mark.parametrize("name", ["vae", "one_class_svm", "boosting"])
def test_a_quantised_model_is_smaller_or_is_none(name: str, prepared: Prepared) -> None:
    params: dict[str, Any] = {"vae": {"epochs": 2}, "one_class_svm": {"sample": 2000}, "boosting": {"rounds": 10}}[name]
    model = fit(prepared, Plan(name, params=params))
    if name == "boosting":
        assert model.int8 is None
    elif model.int8 is not None:
        assert len(model.int8) < 0.8 * len(model.onnx)
