"""Learning on: every algorithm can, and only what is better goes online."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms import ALGORITHMS
from riskwave.scoring.algorithms.boosting import Boosted
from riskwave.scoring.history import History
from riskwave.scoring.metrics import Metrics
from riskwave.scoring.registry import Registry
from riskwave.scoring.resume import resume
from riskwave.scoring.split import Cut
from riskwave.scoring.state import of_bytes, to_bytes
from riskwave.scoring.train import Plan, Prepared, train
from riskwave.scoring.update import Gate, Update, judge, update
from tests.scoring.conftest import QUICK

BASE = Metrics(1_000, 50, 0.5, 0.9, 0.5, 0.95, 0.01, 0.6, 0.6, 0.6, 5, 4)


@pytest.mark.parametrize(
    ("after", "passes", "why"),
    [
        ({"accuracy": 0.96}, True, "it gains: accuracy 0.9500 to 0.9600"),
        ({"f1": 0.615}, True, "it gains: f1"),
        ({"auc": 0.908, "accuracy": 0.9401, "f1": 0.5851}, True, "it gains: auc"),
        ({"accuracy": 0.9599, "f1": 0.6149, "auc": 0.9079}, False, "it gains too little on every figure"),
        ({"auc": 0.95, "f1": 0.585}, False, "it loses: f1 0.6000 to 0.5850"),
        ({"auc": 0.95, "accuracy": 0.94}, False, "it loses: accuracy"),
        ({"auc": None, "f1": 0.7}, True, "it gains: f1"),
    ],
)
def test_the_gate(after: dict[str, float], passes: bool, why: str) -> None:
    verdict = judge(BASE, replace(BASE, **after), Gate())
    assert verdict.passed == passes
    assert verdict.why.startswith(why)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_learns_on_from_what_was_kept(name: str, prepared: Prepared) -> None:
    algorithm = ALGORITHMS[name]()
    params = {**algorithm.defaults, **QUICK[name]}
    # what the file holds must be enough
    kept = of_bytes(to_bytes(algorithm.fit(prepared.training, params)))
    training = replace(prepared.training, seed=99)
    again = resume(kept, training, params)
    assert type(again) is type(kept)
    matrix = prepared.training.valid.matrix
    assert not np.allclose(again.margin(matrix), kept.margin(matrix))
    if isinstance(kept, Boosted) and isinstance(again, Boosted):
        assert again.booster.num_trees() > kept.booster.num_trees()
        # the old trees come first, as they were
        first = again.booster.predict(matrix, raw_score=True, num_iteration=kept.booster.num_trees())
        assert np.allclose(first, kept.margin(matrix))


def test_a_candidate_goes_as_far_as_its_gate_lets_it(
    history: History, tmp_path_factory: pytest.TempPathFactory
) -> None:
    registry = Registry(str(tmp_path_factory.mktemp("update") / "models.db"))
    middle = history.at[len(history) // 2]
    # one tree: there is much to gain
    plan = Plan("boosting", params={"rounds": 1}, cut=Cut(delay_days=3, test=0.1, valid=0.4))
    registry.add(train(history.between(None, middle), plan))
    registry.publish("card", "latest")
    registry.promote("card", "latest")
    cut = Cut(delay_days=4, valid=0.4)
    params = {"rounds": 30}
    kept = update(registry, history, Update(cut=cut, gate=Gate(0.5, 0.9, 0.5), params=params))
    assert not kept.verdict.passed
    assert (kept.candidate.version, kept.candidate.state, kept.candidate.parent) == ("1.1.0", "dev", "1.0.0")
    assert registry.get("card", "online").version == "1.0.0"
    # both are measured on the same events, which are later than all that either learned from
    assert kept.before.events == kept.after.events == kept.candidate.window["test"]["events"]
    assert kept.candidate.window["train"]["from"] > kept.parent.window["valid"]["to"]
    assert kept.candidate.window["test"]["from"] >= kept.candidate.window["labels_as_of"]
    gained = update(registry, history, Update(cut=cut, gate=Gate(0.5, 0.9, 1e-6), params=params, to="test"))
    assert gained.candidate.state == "test"
    online = update(registry, history, Update(cut=cut, gate=Gate(0.5, 0.9, 1e-6), params=params))
    assert (online.candidate.version, online.candidate.state) == ("1.1.2", "online")
    assert registry.get("card", "1.1.2").parent == "1.0.0"
    with pytest.raises(RiskwaveError, match=r"too few for a delay .* only events after .* count here.*--any-time"):
        update(registry, history, Update(cut=Cut(delay_days=60)))
    with pytest.raises(RiskwaveError, match="boosting has no parameter luck"):
        update(registry, history, Update(cut=cut, params={"luck": 1}))
    with pytest.raises(RiskwaveError, match=r"has learned until .*; give a later history"):
        update(registry, history.between(None, middle), Update(cut=cut))
