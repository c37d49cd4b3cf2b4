"""`riskwave parity`: one line when all agree, a table when not, and the exit codes of diff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from riskwave.cli import app
from tests.parity.sides import KNOWN, changed, state


@pytest.fixture
def sides(tmp_path: Path) -> tuple[str, str, str]:
    """Two that agree and one that differs."""
    other = changed(KNOWN, 0, amount="7", place="'[red]there[/red]'")
    return (
        str(state(tmp_path / "one.duckdb")),
        str(state(tmp_path / "two.duckdb")),
        str(state(tmp_path / "other.duckdb", [*other, KNOWN[1] | {"event_id": "'z'"}])),
    )


def parity(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["parity", *arguments], catch_exceptions=False, env={"COLUMNS": "160"})


def test_equal_sides_give_one_line(sides: tuple[str, str, str]) -> None:
    result = parity(sides[0], sides[1])
    assert result.exit_code == 0
    assert result.stdout == "equal: 2 events, 7 columns\n"


def test_sides_that_differ_give_a_table(sides: tuple[str, str, str]) -> None:
    result = parity(sides[0], sides[2])
    assert result.exit_code == 1
    assert "decision_input: 2 of 4 columns differ" in result.stdout
    assert "[red]there[/red]" in result.stdout
    assert f"only in {sides[2]}, decision_input: 1 events: z" in result.stdout.replace("\n", "")
    assert "decisions:" not in result.stdout


def test_examples_are_as_many_as_asked(sides: tuple[str, str, str]) -> None:
    assert "there" not in parity(sides[0], sides[2], "--examples", "0").stdout


def test_json_for_machines(sides: tuple[str, str, str]) -> None:
    result = parity(sides[0], sides[2], "--json", "--examples", "1")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["equal"] is False
    assert (report["events"], report["columns_compared"]) == (2, 7)
    assert [column["name"] for column in report["differing"]] == ["amount", "place"]
    assert report["differing"][0]["examples"] == [{"event_id": "a", "left": 100, "right": 7}]
    assert report["only_right"][0]["names"] == ["z"]
    equal = parity(sides[0], sides[1], "--json")
    assert equal.exit_code == 0
    assert json.loads(equal.stdout)["equal"] is True


def test_a_side_that_cannot_be_used_is_exit_2(sides: tuple[str, str, str], tmp_path: Path) -> None:
    result = parity(sides[0], str(tmp_path / "none.duckdb"))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("riskwave: ")
    assert "none.duckdb: no such file" in result.stderr


def test_help_shows_examples() -> None:
    assert "riskwave parity bank.duckdb batch" in parity("--help").stdout
