"""Explanations add up to the score, and name what is behind it."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskwave.decisions_cli import export, latest
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


def test_decisions_come_with_what_raised_their_scores(
    bank: Path, history: History, registry: Registry, tmp_path: Path
) -> None:
    scorer = registry.scorer("card", "1.0.0")
    scores = scorer.score(history.events)
    flagged = dict(zip(history.events["event_id"].to_pylist(), (scores >= scorer.threshold).tolist(), strict=True))
    state = Path(shutil.copy(bank, tmp_path / "scored.duckdb"))
    with duckdb.connect(str(state)) as connection:
        connection.register("scores", pa.table({"event_id": history.events["event_id"], "score": scores}))
        connection.execute(
            "update decisions set model_version = 'card 1.0.0', model_score = scores.score "
            "from scores where decisions.event_id = scores.event_id"
        )
    out = tmp_path / "decisions.parquet"
    rows = export(state, out, models=registry)
    written = pq.read_table(out, columns=["event_id", "event_ts", "score_reasons"]).to_pylist()
    assert len(written) == rows
    assert [row["event_ts"] for row in written] == sorted(row["event_ts"] for row in written)
    known = [row for row in written if row["event_id"] in flagged]
    assert 0 < sum(flagged.values()) < len(known)
    assert all((row["score_reasons"] is not None) == flagged[row["event_id"]] for row in known)
    one = next(row for row in known if row["score_reasons"])
    in_full = explain_score(state, one["event_id"], registry, "card 1.0.0", top=3)
    assert one["score_reasons"] == [reason.said for reason in in_full.reasons]
    shown = {row["event_id"]: row["score_reasons"] for row in latest(state, rows, models=registry)}
    assert shown == {row["event_id"]: row["score_reasons"] for row in written}
