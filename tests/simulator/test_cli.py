import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from riskwave.errors import RiskwaveError
from riskwave.simulator.cli import simulate_command


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command("simulate")(simulate_command)
    made.command("other")(lambda: None)
    return made


def test_files_and_a_summary_for_machines(app: typer.Typer, tmp_path: Path) -> None:
    arguments = [
        "--events",
        "2000",
        "--seed",
        "3",
        "--out",
        str(tmp_path),
        "--duplicates",
        "0.01",
        "--malformed",
        "0.01",
    ]
    result = CliRunner().invoke(app, ["simulate", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["events"] == 2000
    assert summary["duplicates"] == 20
    assert summary["rows"] == pq.read_metadata(tmp_path / "transactions.parquet").num_rows
    assert summary["labels"] == pq.read_metadata(tmp_path / "labels.parquet").num_rows
    assert Path(summary["files"][0]).name == "transactions.parquet"


def test_summary_for_people(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["simulate", "--events", "1000", "--out", str(tmp_path), "--format", "csv"])
    assert result.exit_code == 0, result.output
    assert "1,000 payments of 17 cards" in result.stdout
    assert (tmp_path / "devices.csv").exists()


def test_report_is_printed_without_files(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["simulate", "--events", "5000", "--report"])
    assert result.exit_code == 0, result.output
    assert "Best single feature per scenario" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to do: give --out DIR"),
        (["--out", "x", "--features", "f.parquet"], "add --report"),
        (["--out", "x", "--format", "xml"], "'xml' is unknown; give parquet, jsonl, csv"),
        (["--out", "x", "--events", "0"], "events: 0 is out of range"),
    ],
)
def test_mistakes_are_explained(
    app: typer.Typer, arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["simulate", *arguments])
    assert isinstance(result.exception, RiskwaveError)
    assert message in str(result.exception)
    assert not list(tmp_path.iterdir())
