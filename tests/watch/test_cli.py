"""`riskwave models watch`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from riskwave.cli import app
from riskwave.errors import RiskwaveError
from tests.watch.conftest import Kept


def test_a_registry_that_is_not_there_is_not_made(quiet_state: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nosuch.db"
    with pytest.raises(RiskwaveError, match=r"nosuch\.db: no such registry of models"):
        CliRunner().invoke(
            app,
            ["models", "watch", "--state", str(quiet_state), "--registry", str(nowhere)],
            catch_exceptions=False,
        )
    assert not nowhere.exists()


def test_it_ends_with_one_on_an_alarm(kept: Kept, quiet_state: Path, drifted_state: Path, tmp_path: Path) -> None:
    common = ["--since", "2026-02-10", "--registry", kept.registry]
    page = tmp_path / "watch.html"
    quiet = CliRunner().invoke(app, ["models", "watch", "--state", str(quiet_state), *common], catch_exceptions=False)
    assert quiet.exit_code == 0, quiet.output
    assert "no alarm" in quiet.output
    drifted = CliRunner().invoke(
        app,
        ["models", "watch", "--history", str(drifted_state), *common, "--html", str(page), "--json"],
        catch_exceptions=False,
    )
    assert drifted.exit_code == 1, drifted.output
    said = json.loads(drifted.stdout)
    assert (said["model"], said["version"]) == ("card", "1.0.0")
    assert said["quality"]["metrics"]["events"] > 1_000
    assert {promise["stream"] for promise in said["promises"]} >= {
        "score",
        "flagged",
        "unusual",
        "billing_amount_minor",
    }
    assert "billing_amount_minor" in page.read_text(encoding="utf-8")
