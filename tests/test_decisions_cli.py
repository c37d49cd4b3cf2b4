"""`riskwave decisions`: shown with reasons, or written whole to a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from typer.testing import CliRunner

from riskwave.cli import app
from riskwave.decisions_cli import export, latest
from riskwave.engine.archive import archive_folder
from riskwave.errors import RiskwaveError

DECISIONS = """
create table decisions as select * from (values
    ('a', timestamp '2026-01-01 10:00:00', 'card-1', 1, 'allow', []::varchar[]),
    ('b', timestamp '2026-01-02 10:00:00', 'card-2', 1, 'allow', []),
    ('b', timestamp '2026-01-02 10:00:00', 'card-2', 2, 'block', ['first [x]', 'second']),
    ('c', timestamp '2026-01-03 10:00:00.5', 'card-1', 1, 'review', ['third'])
) as t(event_id, event_ts, card_id, version, action, reasons);
create table decision_input as
select event_id, event_ts, card_id, version, 123456 as amount_minor,
    case event_id when 'a' then 'JPY' when 'b' then 'EUR' else 'KWD' end as currency, version * 10 as card_txn_count_10m
from decisions;
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Three events, b decided twice, a archived."""
    path = tmp_path / "state.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(DECISIONS).fetchall()
        for table in ("decisions", "decision_input"):
            folder = archive_folder(path) / table / "day=2026-01-01"
            folder.mkdir(parents=True)
            connection.execute(f"copy (from {table} where event_id = 'a') to '{folder}/part-0.parquet'").fetchall()
            connection.execute(f"delete from {table} where event_id = 'a'").fetchall()
    return path


def decisions(*arguments: object) -> Result:
    command = ["decisions", *map(str, arguments)]
    return CliRunner().invoke(app, command, catch_exceptions=False, env={"COLUMNS": "160"})


def test_the_last_ones_are_shown_with_their_reasons(state: Path) -> None:
    result = decisions("--state", state)
    assert result.exit_code == 0
    lines = [line.split("│") for line in result.stdout.splitlines() if "card-" in line]
    assert [[cell.strip() for cell in line[1:-1]] for line in lines] == [
        ["2026-01-03 10:00:00", "c", "card-1", "123.456 KWD", "review", "third"],
        ["2026-01-02 10:00:00", "b", "card-2", "1,234.56 EUR", "block v2", "first [x]; second"],
        ["2026-01-01 10:00:00", "a", "card-1", "123,456 JPY", "allow", ""],
    ]


def test_as_many_as_asked_for_machines(state: Path) -> None:
    shown = json.loads(decisions("--state", state, "--last", 2, "--json").stdout)
    assert [row["event_id"] for row in shown] == ["c", "b"]
    assert shown[0]["event_ts"] == "2026-01-03T10:00:00.500000Z"
    assert shown[1]["reasons"] == ["first [x]", "second"]


def test_superseded_ones_on_request(state: Path) -> None:
    assert [(row["event_id"], row["version"]) for row in latest(state, 9, all_versions=True)] == [
        ("c", 1),
        ("b", 2),
        ("b", 1),
        ("a", 1),
    ]


def written(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return [
            row | {"event_ts": f"{row['event_ts'].isoformat(timespec='microseconds')}Z"}
            for row in pq.read_table(path).to_pylist()
        ]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as lines:
        return [
            row | {"reasons": json.loads(row["reasons"]), "version": int(row["version"])}
            for row in csv.DictReader(lines)
        ]


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_every_format_has_the_same_rows(state: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"out.{kind}"
    assert decisions("--state", state, "--out", out).stdout == f"{out}: 3 decisions\n"
    assert [(row["event_id"], row["event_ts"], row["version"], row["reasons"]) for row in written(out)] == [
        ("a", "2026-01-01T10:00:00.000000Z", 1, []),
        ("b", "2026-01-02T10:00:00.000000Z", 2, ["first [x]", "second"]),
        ("c", "2026-01-03T10:00:00.500000Z", 1, ["third"]),
    ]
    assert "card_txn_count_10m" not in written(out)[0]


def test_features_are_those_of_the_same_version(state: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    said = decisions("--state", state, "--out", out, "--features", "--all-versions", "--json")
    assert json.loads(said.stdout) == {"out": str(out), "rows": 4}
    assert [(row["event_id"], row["version"], row["card_txn_count_10m"]) for row in written(out)] == [
        ("a", 1, 10),
        ("b", 1, 10),
        ("b", 2, 20),
        ("c", 1, 10),
    ]


def test_a_file_of_that_name_is_replaced_whole(state: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("something else, and longer than what replaces it\n" * 100)
    assert export(state, out) == 3
    assert len(written(out)) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"out.csv", "state.duckdb", "state.duckdb.archive"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--out", "x.xlsx"], r"x\.xlsx: the extension says the format; expected one of \.parquet, \.csv, \.jsonl"),
        (["--out", "nowhere/x.csv"], "there is no folder nowhere"),
        (["--features"], "a terminal is too narrow for them; give --out"),
    ],
)
def test_what_cannot_be_done_is_said(state: Path, arguments: list[str], reason: str) -> None:
    with pytest.raises(RiskwaveError, match=reason):
        decisions("--state", state, *arguments)


def test_a_file_without_decisions_is_named(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    with pytest.raises(RiskwaveError, match=r"other\.duckdb: has no decisions"):
        decisions("--state", tmp_path / "other.duckdb")
    with pytest.raises(RiskwaveError, match=r"none\.duckdb: no such file"):
        decisions("--state", tmp_path / "none.duckdb")


def test_a_state_without_any_says_so(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "s.duckdb")) as connection:
        connection.execute(DECISIONS).fetchall()
        connection.execute("delete from decisions; delete from decision_input").fetchall()
    assert decisions("--state", tmp_path / "s.duckdb").stdout == "no decisions yet\n"
    assert decisions("--state", tmp_path / "s.duckdb", "--json").stdout == "[]\n"


def test_explaining_needs_a_registry_that_is_there(state: Path, tmp_path: Path) -> None:
    registry = tmp_path / "nowhere.db"
    with pytest.raises(RiskwaveError, match=r"--explain: .*nowhere\.db: no such registry; give --registry"):
        decisions("--state", state, "--explain", "--registry", registry)
    assert not registry.exists()
