"""A source gone on with where the state left it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from riskwave.cli import app
from riskwave.engine.engine import Engine
from riskwave.errors import RiskwaveError
from riskwave.run.loop import Limits, run_loop
from riskwave.simulator.bank import simulate
from riskwave.simulator.write import write
from riskwave.sources import open_source


@pytest.fixture
def days(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of two files that a state has read, and a third file that is not in it yet."""
    write(simulate(300, 5), tmp_path, "jsonl")
    lines = (tmp_path / "transactions.jsonl").read_bytes().splitlines(keepends=True)
    folder, third = tmp_path / "days", tmp_path / "third"
    folder.mkdir()
    for place, file in enumerate((folder / "2026-03-02.jsonl", folder / "2026-03-03.jsonl", third)):
        file.write_bytes(b"".join(lines[place * 50 : place * 50 + 50]))
    assert _run(folder, tmp_path / "s.duckdb") == 100
    return folder, third


def _run(folder: Path, state: Path) -> int:
    engine = Engine(state)
    try:
        return run_loop(engine, open_source(str(folder))).received
    finally:
        engine.close()


def test_a_file_added_after_those_read_is_read(days: tuple[Path, Path], tmp_path: Path) -> None:
    folder, third = days
    third.rename(folder / "2026-03-04.jsonl")
    assert _run(folder, tmp_path / "s.duckdb") == 50


def test_a_file_that_comes_before_those_read_is_refused_by_name(days: tuple[Path, Path], tmp_path: Path) -> None:
    folder, third = days
    third.rename(folder / "2026-03-01.jsonl")
    with pytest.raises(RiskwaveError, match=r"2026-03-01\.jsonl comes before 2026-03-02\.jsonl, which is read already"):
        _run(folder, tmp_path / "s.duckdb")
    (folder / "2026-03-01.jsonl").rename(folder / "2026-03-04.jsonl")
    assert _run(folder, tmp_path / "s.duckdb") == 50


def test_a_run_ends_after_as_many_events_as_asked(tmp_path: Path) -> None:
    write(simulate(400, 5), tmp_path, "jsonl")
    engine = Engine(tmp_path / "s.duckdb")
    source = open_source(str(tmp_path / "transactions.jsonl"))
    assert run_loop(engine, source, limits=Limits(events=123)).received == 123
    engine.close()


def test_a_source_with_nothing_new_is_told(tmp_path: Path) -> None:
    tmp_path.joinpath("empty.jsonl").touch()
    command = ["run", "--source", str(tmp_path / "empty.jsonl"), "--state", str(tmp_path / "s.duckdb")]
    done = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "nothing new came: the source is empty" in done.output
