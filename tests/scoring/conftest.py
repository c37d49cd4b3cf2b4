"""One small bank with many frauds, decided as a batch, for all tests of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskwave.batch.batch import batch_of_inputs
from riskwave.run.cli import open_inputs
from riskwave.scoring.history import History, read_history
from riskwave.scoring.train import Plan, Prepared, fit, prepare
from tests.scoring.served import file_of

BANK = "sim:?events=4000&seed=5&fraud-share=0.06"
#: Settings under which each algorithm learns something in about a second.
QUICK = {
    "boosting": {"rounds": 40},
    "hybrid": {"rounds": 40},
    "isolation_forest": {"trees": 50},
    "one_class_svm": {"sample": 800},
    "lstm_autoencoder": {"epochs": 1, "hidden": 8},
    "vae": {"epochs": 3, "hidden": 16},
    "voting": {"members": "boosting,isolation_forest"},
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has the bank, and what was trained on it."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("scoring"))


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A batch's DuckDB file, with labels."""
    out = tmp_path_factory.mktemp("scoring") / "bank.duckdb"
    inputs = open_inputs(BANK, None, None, None, None, follow=False)
    assert inputs.labels is not None
    batch_of_inputs(inputs.source, out, labels=inputs.labels[1], profiles=inputs.profiles, devices=inputs.devices)
    return out


@pytest.fixture(scope="session")
def history(bank: Path) -> History:
    return read_history([str(bank)])


@pytest.fixture(scope="session")
def prepared(history: History) -> Prepared:
    return prepare(history, Plan("boosting"))


@pytest.fixture(scope="session")
def files(prepared: Prepared) -> dict[str, bytes]:
    """ONNX files of three versions that score differently, by version."""
    shares = {"1.0.0": 0.2, "1.0.1": 0.5, "1.1.0": 0.8}
    return {
        version: file_of(fit(prepared, Plan("boosting", params={"rounds": 20, "feature_fraction": share})), version)
        for version, share in shares.items()
    }
