"""A model as it is served."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from riskwave.errors import RiskwaveError
from riskwave.scoring.history import History
from riskwave.scoring.match import mismatches
from riskwave.scoring.scorer import Card, Scorer
from riskwave.scoring.train import Model, Plan, Prepared, fit


@pytest.fixture(scope="module")
def model(prepared: Prepared) -> Model:
    return fit(prepared, Plan("boosting", params={"rounds": 20}))


def test_threads_share_a_scorer(model: Model, history: History) -> None:
    scorer = Scorer(model.onnx)
    parts = [history.events.slice(start, 100) for start in range(0, len(history), 100)]
    with ThreadPoolExecutor(4) as pool:
        together = np.concatenate(list(pool.map(scorer.score, parts)))
    assert np.array_equal(together, scorer.score(history.events))


def test_a_score_does_not_depend_on_its_neighbours(model: Model, history: History) -> None:
    scorer = Scorer(model.onnx)
    alone = [scorer.score(history.events.slice(place, 1))[0] for place in range(20)]
    assert np.array_equal(alone, scorer.score(history.events)[:20])


def test_it_says_what_it_is(model: Model) -> None:
    scorer = Scorer(model.onnx)
    assert scorer.version == "0.0.0"
    assert scorer.features == model.card.encoder.features
    assert scorer.threshold == model.card.threshold
    assert Card.of_text(scorer.card.as_text()) == model.card
    assert mismatches(scorer.card) == []


def test_no_rows_are_no_scores(model: Model, history: History) -> None:
    assert Scorer(model.onnx).score(history.events.slice(0, 0)).shape == (0,)


@pytest.mark.parametrize("content", [b"", b"not a model"])
def test_what_is_no_model_is_said(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(RiskwaveError, match=r"model\.onnx: no model that `riskwave models train` made"):
        Scorer.load(tmp_path / "model.onnx")
    with pytest.raises(RiskwaveError, match=r"other\.onnx: cannot be read"):
        Scorer.load(tmp_path / "other.onnx")
