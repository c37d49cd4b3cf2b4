"""`riskwave batch`, as its user sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from riskwave.cli import app
from riskwave.errors import RiskwaveError
from tests.batch.conftest import Made

pytestmark = pytest.mark.xdist_group("batch")


def test_says_what_it_came_to_and_where_it_is(made: Made) -> None:
    assert made.said["out"] == str(made.path)
    assert made.said["seconds"] > 0


def test_shows_an_example() -> None:
    result = CliRunner().invoke(app, ["batch", "--help"])
    assert "riskwave batch --source" in result.output


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    arguments = ["batch", "--source", str(tmp_path / "none.csv"), "--out", str(tmp_path / "x.duckdb")]
    with pytest.raises(RiskwaveError, match=r"none\.csv"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
