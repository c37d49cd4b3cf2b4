"""The registry: versions, states, and what may not go online."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from riskwave.errors import RiskwaveError
from riskwave.scoring.history import History
from riskwave.scoring.registry import Registry
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.train import Model, Plan, Prepared, export, fit
from riskwave.scoring.versions import next_version, parts_of


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(str(tmp_path_factory.mktemp("registry") / "models.db"))


@pytest.fixture(scope="module")
def model(prepared: Prepared) -> Model:
    return fit(prepared, Plan("boosting", params={"rounds": 20}))


def named(model: Model, name: str) -> Model:
    return replace(model, plan=replace(model.plan, name=name), card=replace(model.card, name=name))


def test_a_model_is_kept_with_what_is_known_of_it(registry: Registry, model: Model, history: History) -> None:
    added = registry.add(named(model, "kept"))
    again = Registry(registry.name).get("kept", "latest")
    assert again == added
    assert (again.version, again.state, again.algorithm) == ("1.0.0", "dev", "boosting")
    assert again.metrics == model.test.as_dict()
    assert again.window == model.window
    assert [path.name for path in again.pictures] == ["precision_recall.png", "roc.png", "scores.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in again.pictures)
    scorer = registry.scorer("kept", "latest")
    assert scorer.version == "1.0.0"
    assert np.array_equal(scorer.score(history.events), Scorer(model.onnx).score(history.events))


def test_states_go_one_way_and_back(registry: Registry, model: Model) -> None:
    own = named(model, "moved")
    for expected in ("1.0.0", "1.0.1"):
        assert registry.add(own).version == expected
    with pytest.raises(RiskwaveError, match=r"moved 1\.0\.0 is in state dev; only test goes to online"):
        registry.promote("moved", "1.0.0")
    with pytest.raises(RiskwaveError, match=r"no version online of model moved; there are 1\.0\.0 \(dev\)"):
        registry.get("moved", "online")
    for version in ("1.0.0", "1.0.1"):
        assert registry.publish("moved", version).state == "test"
        assert registry.promote("moved", version).state == "online"
    assert [one.state for one in registry.versions("moved")] == ["retired", "online"]
    with pytest.raises(RiskwaveError, match="is online; promote another"):
        registry.retire("moved", "1.0.1")
    assert registry.rollback("moved").version == "1.0.0"
    assert [one.state for one in registry.versions("moved")] == ["online", "retired"]
    assert registry.scorer("moved").version == "1.0.0"
    with pytest.raises(RiskwaveError, match="no version that was online before"):
        registry.rollback("moved")


def test_another_process_sees_what_is_online(registry: Registry, model: Model) -> None:
    registry.add(named(model, "seen"))
    registry.publish("seen", "latest")
    registry.promote("seen", "latest")
    code = "import sys; from riskwave.scoring.registry import Registry; "
    code += "print(Registry(sys.argv[1]).scorer('seen').version)"
    done = subprocess.run([sys.executable, "-c", code, registry.name], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "1.0.0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sql_hash": "0" * 16}, r"the SQL of decision_input has changed \(hash 0{16}, now \w{16}\)"),
        ({"features": (("card_gone", "bigint", "payments"),)}, "card_gone is no longer a feature"),
        ({"features": (("amount_minor", "double", "euro"),)}, "amount_minor was double in euro and is bigint"),
    ],
)
def test_a_model_of_other_features_cannot_go_on(
    change: dict[str, object], message: str, registry: Registry, model: Model
) -> None:
    own = named(model, f"other_{next(iter(change))}")
    card = replace(own.card, **change)  # type: ignore[arg-type]
    registry.add(replace(own, card=card, onnx=export(own.trained, card)))
    with pytest.raises(RiskwaveError, match=f"does not match the catalogue: {message}"):
        registry.publish(own.plan.name, "latest")
    assert registry.get(own.plan.name, "latest").state == "dev"


@pytest.mark.parametrize(
    ("latest", "features", "method", "expected"),
    [
        (None, False, False, "1.0.0"),
        ("1.2.3", True, True, "2.0.0"),
        ("1.2.3", False, True, "1.3.0"),
        ("1.2.3", False, False, "1.2.4"),
    ],
)
def test_what_changed_says_which_number_grows(latest: str | None, features: bool, method: bool, expected: str) -> None:
    assert next_version(latest, features_changed=features, method_changed=method) == expected


def test_versions_are_ordered_as_numbers() -> None:
    assert parts_of("1.10.0") > parts_of("1.9.9")
    with pytest.raises(RiskwaveError, match=r"'1\.2' is no version"):
        parts_of("1.2")


def test_where_there_is_no_registry_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match="there is no folder"):
        Registry(str(tmp_path / "none" / "models.db"))
    with pytest.raises(RiskwaveError, match="give --artifacts DIR"):
        Registry("postgresql://127.0.0.1/models")
    (tmp_path / "models.db").write_text("no database")
    with pytest.raises(RiskwaveError, match=r"models\.db: cannot be opened as a registry"):
        Registry(str(tmp_path / "models.db"))
    fresh = Registry(str(tmp_path / "fresh.db"))
    assert fresh.versions() == []
    with pytest.raises(RiskwaveError, match="no model card; train one with"):
        fresh.get("card", "latest")
