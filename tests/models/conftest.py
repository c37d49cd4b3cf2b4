"""One `dbt build` over a small month of landed payments, for all tests of the models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from riskwave.project import run_dbt
from tests.models import landed


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The state after `dbt build`, with all its data tests and unit tests passed."""
    folder = tmp_path_factory.mktemp("built")
    path = folder / "batch.duckdb"
    landed.land(path, landed.payments(), landed.malformed())
    run_dbt(["build", *_apart(folder)], environment={"RISKWAVE_DUCKDB": str(path)})
    with duckdb.connect(str(path)) as state:
        yield state


def _apart(folder: Path) -> list[str]:
    return ["--target", "duckdb", "--target-path", str(folder), "--log-path", str(folder), "--quiet"]
