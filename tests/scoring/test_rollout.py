"""From the registry to the folder that everything scores from, and what is then said of the versions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from riskwave.errors import RiskwaveError
from riskwave.scoring.history import History
from riskwave.scoring.local import LocalScorer
from riskwave.scoring.registry import Registry
from riskwave.scoring.rollout import Rollout
from riskwave.scoring.rollout_cli import share_of
from riskwave.scoring.routes import read_routes
from riskwave.scoring.train import Plan, Prepared, fit


@pytest.fixture(scope="module")
def rollout(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Rollout:
    """A registry with card 1.0.0 to 1.0.3 in state test."""
    registry = Registry(str(tmp_path_factory.mktemp("registry") / "models.db"))
    model = fit(prepared, Plan("boosting", params={"rounds": 10}))
    for _ in range(4):
        registry.publish("card", registry.add(model).version)
    return Rollout(registry)


def test_from_publishing_to_rolling_back(rollout: Rollout, history: History) -> None:
    folder = rollout.folder
    assert read_routes(folder, "card") is None
    with pytest.raises(RiskwaveError, match="has no version online yet; promote one first"):
        rollout.canary("card", "1.0.1", 0.1)

    assert rollout.promote("card", "1.0.0").state == "online"
    scorer = LocalScorer(folder, "card")
    assert scorer.routes is not None
    assert scorer.routes.label == "card 1.0.0"
    assert scorer.loaded is not None
    found = scorer.loaded.scorers["1.0.0"].score(history.events)
    assert np.array_equal(found, rollout.registry.scorer("card").score(history.events))

    with pytest.raises(RiskwaveError, match=r"card 1\.0\.0 is online already"):
        rollout.canary("card", "online", 0.1)
    routes = rollout.canary("card", "1.0.1", 0.1)
    assert (routes.online, routes.canary, routes.share) == (("1.0.0",), "1.0.1", 0.1)
    routes = rollout.shadow("card", "1.0.2")
    assert (routes.canary, routes.shadows) == ("1.0.1", ("1.0.2",))
    assert rollout.shadow("card", "1.0.3").shadows == ("1.0.2", "1.0.3")
    assert rollout.rollback("card").version == "1.0.0", "the canary ends first"
    routes = rollout.deploy("card")
    assert (routes.canary, routes.shadows) == (None, ("1.0.2", "1.0.3"))

    assert rollout.promote("card", "1.0.2").version == "1.0.2"
    routes = rollout.deploy("card")
    assert (routes.online, routes.shadows) == (("1.0.2",), ("1.0.3",))
    routes = rollout.vote("card", ["1.0.2", "1.0.1"], [2, 1])
    assert (routes.online, routes.weights, routes.label) == (("1.0.2", "1.0.1"), (2.0, 1.0), "card 1.0.2+1.0.1")
    assert rollout.vote("card", []).online == ("1.0.2",)
    assert rollout.shadow("card", "1.0.3", on=False).shadows == ()
    assert rollout.rollback("card").version == "1.0.0"
    assert rollout.deploy("card").online == ("1.0.0",)


def test_what_is_not_published_or_does_not_match_is_refused(rollout: Rollout, prepared: Prepared) -> None:
    model = fit(prepared, Plan("boosting", params={"rounds": 5}))
    fresh = rollout.registry.add(model)
    with pytest.raises(RiskwaveError, match="is in state dev; publish it first"):
        rollout.canary("card", fresh.version, 0.1)
    other = rollout.registry.add(replace(model, card=replace(model.card, sql_hash="0123456789abcdef")))
    with pytest.raises(RiskwaveError, match=r"the SQL of decision_input has changed"):
        rollout.registry.publish("card", other.version)
    with pytest.raises(RiskwaveError, match=r"weights 1: expected different versions"):
        rollout.vote("card", ["1.0.0", "1.0.1"], [1])
    with pytest.raises(RiskwaveError, match=r"weights 0, 0: not all weights may be 0"):
        rollout.vote("card", ["1.0.0", "1.0.1"], [0, 0])


def test_what_scores_is_not_retired_and_what_was_never_published_does_not_score(
    prepared: Prepared, tmp_path: Path
) -> None:
    rollout = Rollout(Registry(str(tmp_path / "models.db")))
    registry = rollout.registry
    model = fit(prepared, Plan("boosting", params={"rounds": 5}))
    for _ in range(3):
        registry.add(model)
    for version in ("1.0.0", "1.0.1"):
        registry.publish("card", version)
    rollout.promote("card", "1.0.0")

    for change, end in (
        (lambda: rollout.canary("card", "1.0.1", 0.1), "is the canary; end that first: riskwave models canary 0"),
        (lambda: rollout.shadow("card", "1.0.1"), r"is in the shadow; end that first: .* shadow 1\.0\.1 --end"),
        (lambda: rollout.vote("card", ["1.0.0", "1.0.1"]), "votes; end that first: riskwave models vote --end"),
    ):
        change()
        with pytest.raises(RiskwaveError, match=rf"model card 1\.0\.1 {end}"):
            rollout.retire("card", "1.0.1")
        rollout.canary("card", "1.0.1", 0)
        rollout.vote("card", [])
        if rollout.deploy("card").shadows:
            assert rollout.shadow("card", "1.0.1", on=False).shadows == ()

    assert rollout.retire("card", "1.0.2").state == "retired"
    for put in (
        lambda: rollout.canary("card", "1.0.2", 0.1),
        lambda: rollout.shadow("card", "1.0.2"),
        lambda: rollout.promote("card", "1.0.2"),
    ):
        with pytest.raises(RiskwaveError, match=r"card 1\.0\.2 was retired before it was published"):
            put()
    assert registry.get("card", "online").version == "1.0.0"

    rollout.promote("card", "1.0.1")
    assert rollout.retire("card", "1.0.0").state == "retired"
    assert rollout.promote("card", "1.0.0").state == "online", "what was online may be so again"


def test_the_latest_version_leaves_the_shadow(prepared: Prepared, tmp_path: Path) -> None:
    rollout = Rollout(Registry(str(tmp_path / "models.db")))
    model = fit(prepared, Plan("boosting", params={"rounds": 5}))
    for _ in range(3):
        rollout.registry.publish("card", rollout.registry.add(model).version)
    rollout.promote("card", "1.0.0")
    with pytest.raises(RiskwaveError, match=r"card 1\.0\.2 is not in the shadow; none is$"):
        rollout.shadow("card", "latest", on=False)
    rollout.shadow("card", "1.0.1")
    with pytest.raises(RiskwaveError, match=r"card 1\.0\.2 is not in the shadow; those that are: 1\.0\.1$"):
        rollout.shadow("card", "latest", on=False)
    assert rollout.shadow("card", "latest").shadows == ("1.0.1", "1.0.2")
    assert rollout.shadow("card", "latest", on=False).shadows == ("1.0.1",)


@pytest.mark.parametrize(("text", "share"), [("10%", 0.1), ("0.25", 0.25), ("0", 0.0)])
def test_shares_are_read_as_people_write_them(text: str, share: float) -> None:
    assert share_of(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["ten", "100%", "-1%", "1.5"])
def test_other_shares_are_refused(text: str) -> None:
    with pytest.raises(RiskwaveError, match="expected a share"):
        share_of(text)


def test_the_folder_can_be_elsewhere(rollout: Rollout, tmp_path: Path) -> None:
    elsewhere = Rollout(rollout.registry, tmp_path / "served")
    routes = elsewhere.deploy("card")
    assert read_routes(tmp_path / "served", "card") == routes
    assert LocalScorer(tmp_path / "served", "card").routes == routes
    file = tmp_path / "served" / routes.versions[0].file
    file.write_bytes(b"damaged")
    elsewhere.deploy("card")
    assert LocalScorer(tmp_path / "served", "card").loaded is not None, "what is damaged is put back"
    (tmp_path / "file").write_text("")
    with pytest.raises(RiskwaveError, match="file/online: the models online cannot be put there"):
        Rollout(rollout.registry, tmp_path / "file" / "online").deploy("card")
