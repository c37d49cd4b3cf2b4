"""A quiet bank and the same bank drifted, decided as batches, and a model trained on what both have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from riskwave.scoring.history import History, read_history
from riskwave.scoring.registry import Registry, Version
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.split import Cut
from riskwave.scoring.train import Plan, train
from riskwave.watch.reference import Reference
from tests.support.decided import decided

BANK = "sim:?events=7000&days=70&seed=5&fraud-share=0.03"
#: Day 58.
DRIFTED = np.datetime64("2026-02-28", "us")
#: Until then the model learned.
LEARNED = np.datetime64("2026-02-10", "us")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has the banks, and what was trained on them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("watch"))


@dataclass(frozen=True)
class Kept:
    """A model in a registry, online."""

    registry: str
    version: Version
    scorer: Scorer
    reference: Reference


@pytest.fixture(scope="session")
def quiet_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return decided(BANK, tmp_path_factory.mktemp("quiet") / "bank.duckdb")


@pytest.fixture(scope="session")
def drifted_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return decided(BANK + "&drift=amount_shift:2@day58", tmp_path_factory.mktemp("drifted") / "bank.duckdb")


@pytest.fixture(scope="session")
def quiet(quiet_state: Path) -> History:
    return read_history([str(quiet_state)])


@pytest.fixture(scope="session")
def drifted(drifted_state: Path) -> History:
    return read_history([str(drifted_state)])


@pytest.fixture(scope="session")
def attacked_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return decided(BANK + "&drift=new_attack:0.15@day58", tmp_path_factory.mktemp("attacked") / "bank.duckdb")


@pytest.fixture(scope="session")
def attacked(attacked_state: Path) -> History:
    return read_history([str(attacked_state)])


@pytest.fixture(scope="session")
def kept(quiet: History, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    registry = Registry(str(tmp_path_factory.mktemp("models") / "models.db"))
    plan = Plan("boosting", params={"rounds": 40}, cut=Cut(delay_days=3, test=0.1))
    registry.add(train(quiet.between(None, LEARNED), plan))
    registry.publish("card", "latest")
    version = registry.promote("card", "latest")
    return Kept(registry.name, version, registry.scorer("card"), registry.reference("card"))
