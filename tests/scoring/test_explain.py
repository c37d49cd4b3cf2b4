"""Explanations add up to the score, and name what is behind it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms import ALGORITHMS
from riskwave.scoring.algorithms.base import Trained
from riskwave.scoring.contributions import contributions, members
from riskwave.scoring.explain import Explainer
from riskwave.scoring.history import History
from riskwave.scoring.of_decision import explain_score
from riskwave.scoring.registry import Registry
from riskwave.scoring.state import of_bytes, to_bytes
from riskwave.scoring.train import Plan, Prepared, fit
from tests.scoring.conftest import QUICK


def fitted(name: str, prepared: Prepared) -> Trained:
    algorithm = ALGORITHMS[name]()
    return of_bytes(to_bytes(algorithm.fit(prepared.training, {**algorithm.defaults, **QUICK[name]})))


@pytest.mark.parametrize("name", ["boosting", "hybrid", "isolation_forest", "voting"])
def test_what_trees_say_adds_up_to_the_margin(name: str, prepared: Prepared) -> None:
    trained = fitted(name, prepared)
    matrix = prepared.training.valid.matrix[:200]
    rest = trained.margin(matrix) - contributions(trained, matrix).sum(axis=1)
    # what is left is the same for all: the margin on average
    assert np.ptp(rest) < 1e-6
    assert np.ptp(trained.margin(matrix)) > 0.1


@pytest.mark.parametrize("name", ["one_class_svm", "vae", "lstm_autoencoder", "isolation_forest"])
def test_what_was_made_strange_is_named(name: str, prepared: Prepared) -> None:
    trained = fitted(name, prepared)
    matrix = prepared.training.valid.matrix[:50].copy()
    column = prepared.training.encoder.names.index("billing_amount_minor")
    usual = contributions(trained, matrix)[:, column]
    matrix[:, column] = 9e9
    found = contributions(trained, matrix)
    assert found.shape == matrix.shape
    assert found[:, column].mean() > usual.mean()
    assert np.argmax(np.abs(found - contributions(trained, prepared.training.valid.matrix[:50])).mean(axis=0)) == column


def test_a_vote_is_its_members(prepared: Prepared) -> None:
    trained = fitted("voting", prepared)
    matrix = prepared.training.valid.matrix[:20]
    votes = members(trained, matrix)
    assert set(votes) <= {"boosting", "isolation_forest"}
    assert np.ptp(trained.margin(matrix) - sum(votes.values())) < 1e-9
    assert members(fitted("boosting", prepared), matrix) == {}


@pytest.fixture(scope="module")
def registry(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    made = Registry(str(tmp_path_factory.mktemp("explain") / "models.db"))
    made.add(fit(prepared, Plan("boosting", params={"rounds": 40})))
    return made


def test_an_event_of_a_state_is_explained(bank: Path, history: History, registry: Registry) -> None:
    event = history.events["event_id"][7].as_py()
    found = explain_score(bank, event, registry, "card 1.0.0")
    assert found.event_id == event
    assert found.score == pytest.approx(registry.scorer("card", "1.0.0").score(history.events.slice(7, 1))[0])
    for model, message in (("card", "expected one name and one version"), ("card 9.0.0", "no version 9.0.0")):
        with pytest.raises(RiskwaveError, match=message):
            explain_score(bank, event, registry, model)
    with pytest.raises(RiskwaveError, match="has not kept what was known of it"):
        explain_score(bank, "nobody", registry, "card 1.0.0")


def test_flagged_events_are_explained_in_words(history: History, registry: Registry) -> None:
    explainer = Explainer(registry, "card", "latest")
    found = explainer.explain(history.events)
    scores = explainer.scorer.score(history.events)
    assert len(found) == int((scores >= explainer.scorer.threshold).sum()) > 0
    first = found[0]
    assert first.flagged
    assert first.model == "card 1.0.0"
    assert first.event_id in set(history.events["event_id"].to_pylist())
    assert 1 <= len(first.reasons) <= 5
    assert [reason.adds for reason in first.reasons] == sorted((r.adds for r in first.reasons), reverse=True)
    said = " ".join(reason.said for one in found for reason in one.reasons)
    assert "of training" in said
    everything = explainer.explain(history.events.slice(0, 30), flagged_only=False, top=2)
    assert len(everything) == 30
    assert all(len(one.reasons) <= 2 for one in everything)
