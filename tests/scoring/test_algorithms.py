"""Every algorithm: scores in [0, 1], the same in ONNX and in another process, the same from the same seed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms import ALGORITHMS
from riskwave.scoring.algorithms.base import Training, score
from riskwave.scoring.algorithms.hybrid import HOURS, learn_forecast
from riskwave.scoring.algorithms.lstm import sequence_of
from riskwave.scoring.encoding import Column, Encoder
from riskwave.scoring.history import History
from riskwave.scoring.train import Model, Plan, Prepared, algorithm_of, fit
from riskwave.scoring.values import Sample
from tests.scoring.conftest import QUICK

#: Trees compare float32 with float32, and sum few numbers. Kernels and networks compute in float32 throughout, their
#: trained form in float64 or by another library.
ALLOWED = dict.fromkeys(ALGORITHMS, 1e-6) | {"one_class_svm": 1e-5, "lstm_autoencoder": 1e-5, "vae": 1e-5}
SCORES = """
import sys, numpy as np, pyarrow.parquet as pq
from pathlib import Path
from riskwave.scoring.scorer import Scorer
np.save(sys.argv[3], Scorer.load(Path(sys.argv[1])).score(pq.read_table(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def models(prepared: Prepared) -> dict[str, Model]:
    return {name: fit(prepared, Plan(name, params=QUICK[name])) for name in ALGORITHMS}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_file_scores_in_another_process_what_the_trained_model_did(
    name: str, models: dict[str, Model], history: History, tmp_path: Path
) -> None:
    model = models[name]
    (tmp_path / "model.onnx").write_bytes(model.onnx)
    pq.write_table(history.events, tmp_path / "events.parquet")
    files = [str(tmp_path / file) for file in ("model.onnx", "events.parquet", "scores.npy")]
    subprocess.run([sys.executable, "-c", SCORES, *files], check=True)
    served = np.load(tmp_path / "scores.npy")
    own = score(model.trained, model.card.encoder.encode(history.events))
    assert served.min() >= 0
    assert served.max() <= 1
    assert np.abs(served - own).max() <= ALLOWED[name]
    assert len(np.unique(served)) > 100


@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_tells_frauds_from_others(name: str, models: dict[str, Model]) -> None:
    assert (models[name].test.auc or 0) > (0.8 if ALGORITHMS[name].needs_labels or name == "voting" else 0.55)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_same_seed_gives_the_same_file(name: str, models: dict[str, Model], prepared: Prepared) -> None:
    assert fit(prepared, Plan(name, params=QUICK[name])).onnx == models[name].onnx


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_choice_is_a_parameter(name: str) -> None:
    assert set(ALGORITHMS[name].choices) <= set(ALGORITHMS[name].defaults)


@pytest.mark.parametrize("name", [name for name, kind in ALGORITHMS.items() if kind.needs_labels])
def test_labels_that_are_needed_are_asked_for(name: str, prepared: Prepared) -> None:
    with pytest.raises(RiskwaveError, match="0 known frauds in the part for train, at least 10 are needed"):
        ALGORITHMS[name]().fit(without_labels(prepared.training), dict(ALGORITHMS[name].defaults))


def test_voting_goes_on_without_labels(prepared: Prepared) -> None:
    voted: Any = algorithm_of(Plan("voting")).fit(
        without_labels(prepared.training), {"members": "boosting,isolation_forest"}
    )
    assert voted.names == ("isolation_forest",)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Plan("guessing"), "no algorithm guessing; expected one of boosting"),
        (Plan("vae", params={"depth": 3}), "vae has no parameter depth; it has hidden, latent"),
        (Plan("vae", params={"hidden": "big"}), "vae: parameter hidden is 'big', expected int"),
    ],
)
def test_what_is_not_known_is_said(plan: Plan, message: str) -> None:
    with pytest.raises(RiskwaveError, match=message):
        algorithm_of(plan)


def test_a_sequence_goes_from_wide_windows_to_the_payment() -> None:
    names = ["amount", "card_count_10m", "card_count_30d", "card_sum_10m"]
    assert sequence_of(names).tolist() == [[4, 2, 4], [4, 1, 3], [0, 4, 4]]


def test_a_forecast_is_the_level_times_the_season() -> None:
    encoder = Encoder(
        tuple(
            Column(name, kind, (name,))
            for name, kind in (
                ("shop_txn_count_1h", "number"),
                ("shop_txn_count_24h", "number"),
                ("hour_of_week", "hour_of_week"),
            )
        )
    )
    hours = np.tile(np.arange(HOURS), 400)
    busy = np.where(hours % 24 == 12, 12.0, 3.0)
    matrix = np.column_stack([busy, np.full(len(hours), 60.0), hours]).astype(np.float32)
    forecast = learn_forecast(encoder, matrix)
    assert forecast is not None
    assert forecast.short == (0,)
    ratio = forecast.apply(matrix)[:, 3]
    # three times the usual at noon and in other hours count alike, once the season was seen long enough
    assert np.allclose(ratio[hours % 24 == 12], ratio[hours % 24 != 12].mean(), rtol=0.5)
    assert forecast.index[12, 0] > 2 * forecast.index[11, 0]


def without_labels(training: Training) -> Training:
    def bare(sample: Sample) -> Sample:
        return Sample(sample.matrix, np.zeros(len(sample), np.bool_), labelled=False)

    return replace(training, train=bare(training.train), valid=bare(training.valid))
