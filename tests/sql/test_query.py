"""`riskwave query`: what it prints, and what it says of what it cannot run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from riskwave.engine.engine import Engine
from riskwave.errors import RiskwaveError
from riskwave.project import project_dir
from riskwave.query import query_command, run_query
from tests.sql.conftest import FIRST, rows

SQL = project_dir() / "sql"
pytestmark = pytest.mark.xdist_group("sql")


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command("query")(query_command)
    return app


def test_rows_are_printed_as_a_table(command: typer.Typer, state: Path) -> None:
    shown = CliRunner().invoke(command, [str(SQL / "top_rules.sql"), "--state", str(state)])
    assert shown.exit_code == 0, shown.output
    assert "probe_then_drain" in shown.output
    assert "1 row" in shown.output


def test_rows_are_printed_as_json(command: typer.Typer, state: Path) -> None:
    arguments = [str(SQL / "card_timeline.sql"), "--set", "card_id=quiet", "--state", str(state), "--json"]
    rows = json.loads(CliRunner().invoke(command, arguments).stdout)
    assert [row["event_id"] for row in rows] == ["b1", "b2"]
    assert rows[0]["event_ts"] == "2026-01-10 12:00:00"


@pytest.mark.parametrize(
    ("sql", "values", "message"),
    [
        ("select getvariable('card_id')", {}, "needs --set card_id=…, given none"),
        ("select 1", {"card": "c"}, "needs no --set, given card"),
        ("select 1; select 2", {}, "2 statements or no SELECT, expected one SELECT"),
        ("select no_such_column from decisions", {}, "no_such_column"),
        ("delete from decisions", {}, "expected one SELECT"),
    ],
)
def test_what_cannot_run_is_one_line(
    sql: str, values: dict[str, str], message: str, tmp_path: Path, state: Path
) -> None:
    file = tmp_path / "own.sql"
    file.write_text(sql)
    with pytest.raises(RiskwaveError, match=message) as caught:
        run_query(file, state, values)
    assert "\n" not in str(caught.value)


def test_archived_history_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "long.duckdb"
    engine = Engine(path)
    try:
        engine.process(rows(FIRST, 0))
        engine.process(rows([("z1", "quiet", 60 * 24 * 60, 2_500)], 100))
        assert engine.archive() == len(FIRST)
    finally:
        engine.close()
    _, timeline = run_query(SQL / "card_timeline.sql", path, {"card_id": "quiet"})
    assert [row[-1] for row in timeline] == ["b1", "b2", "z1"]


def test_missing_files_are_named(tmp_path: Path, state: Path) -> None:
    with pytest.raises(RiskwaveError, match=r"none\.sql: no such file"):
        run_query(tmp_path / "none.sql", state, {})
    with pytest.raises(RiskwaveError, match=r"none\.duckdb: no such file"):
        run_query(SQL / "top_rules.sql", tmp_path / "none.duckdb", {})


def test_a_value_without_a_name_is_told(command: typer.Typer, state: Path) -> None:
    shown = CliRunner().invoke(command, [str(SQL / "card_timeline.sql"), "--set", "c1", "--state", str(state)])
    assert isinstance(shown.exception, RiskwaveError)
    assert str(shown.exception) == "--set c1: expected name=value"
