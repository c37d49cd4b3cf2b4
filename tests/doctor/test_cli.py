from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from riskwave.doctor import doctor_command
from tests.support.processes import free_port


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command("doctor")(doctor_command)
    return app


def test_a_working_installation_is_ready(command: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RISINGWAVE_DSN", raising=False)
    shown = CliRunner().invoke(command, [], env={"COLUMNS": "160"})
    assert shown.exit_code == 0, shown.output
    assert "ready; " in shown.output
    for name in ("Python", "duckdb", "dbt-risingwave", "java", "docker compose", "memory"):
        assert name in shown.output


def test_json_says_what_everything_is_for(command: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RISINGWAVE_DSN", raising=False)
    shown = CliRunner().invoke(command, ["--json"])
    document = json.loads(shown.stdout)
    assert document["ok"] is True
    assert {finding["group"] for finding in document["findings"]} >= {"Python", "Kafka", "RisingWave", "Machine"}
    for finding in document["findings"]:
        assert finding["enables"], finding
        assert finding["ok"] or finding["hint"], finding


def test_what_was_asked_for_and_is_missing_ends_with_1(command: typer.Typer) -> None:
    address = f"127.0.0.1:{free_port()}"
    shown = CliRunner().invoke(command, ["--kafka", address, "--json"])
    assert shown.exit_code == 1
    assert json.loads(shown.stdout)["ok"] is False


def test_a_folder_without_the_project_ends_with_1(
    command: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKWAVE_PROJECT", str(tmp_path))
    shown = CliRunner().invoke(command, [], env={"COLUMNS": "160"})
    assert shown.exit_code == 1
    assert "missing and required: dbt_project.yml" in shown.output
