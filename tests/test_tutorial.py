"""The commands of docs/tutorial-rules.md, run as they stand there, in order."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from riskwave.cli import app
from tests.support.kafka_server import ROOT

PAGE = ROOT / "docs" / "tutorial-rules.md"
#: One worker has it: it takes some seconds.
pytestmark = pytest.mark.xdist_group("tutorial")


@dataclass(frozen=True)
class Block:
    """A block of the page: shell commands, or a file whose name is its first comment."""

    language: str
    text: str


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RISKWAVE_USER", "ann")
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    said: dict[str, str] = {}
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        if block.language == "yaml":
            name, _, text = block.text.partition("\n")
            Path(name.removeprefix("# ")).write_text(text)
            continue
        assert block.language == "sh", block
        for line in block.text.replace("\\\n", "").splitlines():
            said[line] = run(line)
    told = {line.partition(" --")[0]: output for line, output in said.items()}
    assert "0 differ" in told["riskwave backtest"]
    assert ": fired" in told["riskwave explain e0000000590"]
    assert "meets the target" in told["riskwave sweep new_device_new_shop.min_amount 2000:40000:2000"]
    assert "new_device_new_shop: added" in told["riskwave rules diff live mine/card"]
    assert " 3,000 events" in " ".join(told["riskwave rules compare shadow live"].split())
    assert "new_device_new_shop" in (tmp_path / "report.html").read_text()
    assert len(said) > 15


def run(line: str) -> str:
    """What a command prints; it ends well."""
    command, *arguments = shlex.split(line)
    if command != "riskwave":
        return subprocess.run(["sh", "-c", line], check=True, capture_output=True, text=True).stdout
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, f"{line}\n{result.output}"
    return result.output
