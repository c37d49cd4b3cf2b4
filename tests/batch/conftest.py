"""One bank, and one batch over it by the command, for all tests of the folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from riskwave.cli import app
from riskwave.simulator import simulate
from riskwave.simulator.write import write

EVENTS = 1_200


@dataclass(frozen=True)
class Made:
    """A file made by `riskwave batch`, what the command said, and the folder with what it read."""

    path: Path
    said: dict[str, Any]
    progress: str
    bank: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("batch")
    write(simulate(EVENTS, 9, duplicates=0.02, malformed=0.02, late=0.02), folder, "jsonl")
    path = folder / "batch.duckdb"
    arguments = ["batch", "--source", str(folder / "transactions.jsonl"), "--out", str(path), "--json"]
    for side in ("labels", "profiles", "devices"):
        arguments += [f"--{side}", str(folder / f"{side}.jsonl")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return Made(path, json.loads(result.stdout), result.stderr, folder)
