"""What a side may be made of, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from riskwave.engine.archive import archive_folder
from riskwave.errors import RiskwaveError
from riskwave.parity import compare
from riskwave.parity.side import is_state, open_side
from tests.parity.sides import DECIDED, KNOWN, Rows, changed, parquet, state

BOTH: Rows = [ours | theirs for ours, theirs in zip(DECIDED, KNOWN, strict=True)]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return state(tmp_path / "whole.duckdb")


def test_a_folder_with_days(whole: Path, tmp_path: Path) -> None:
    for day, row in enumerate(KNOWN, 1):
        parquet(tmp_path / "f" / "decision_input" / f"day=2026-01-0{day}" / "part-0.parquet", [row])
    for day, row in enumerate(DECIDED, 1):
        parquet(tmp_path / "f" / "decisions" / f"day=2026-01-0{day}" / "part-0.parquet", [row])
    report = compare(tmp_path / "f", whole)
    assert report.line == "equal: 2 events, 7 columns"


def test_a_folder_with_a_file_a_relation(whole: Path, tmp_path: Path) -> None:
    parquet(tmp_path / "f" / "decision_input.parquet", KNOWN)
    parquet(tmp_path / "f" / "decisions.parquet", DECIDED)
    assert compare(whole, tmp_path / "f").line == "equal: 2 events, 7 columns"


def test_a_folder_of_exports(whole: Path, tmp_path: Path) -> None:
    for part, row in enumerate(BOTH):
        parquet(tmp_path / "f" / f"part-{part}.parquet", [row])
    assert compare(tmp_path / "f", whole).line == "equal: 2 events, 7 columns"


def test_one_file_with_features(whole: Path, tmp_path: Path) -> None:
    report = compare(parquet(tmp_path / "both.parquet", BOTH), whole)
    assert report.line == "equal: 2 events, 7 columns"


def test_one_file_with_decisions_alone(whole: Path, tmp_path: Path) -> None:
    report = compare(parquet(tmp_path / "decided.parquet", DECIDED), whole)
    assert report.equal
    assert len(report.columns) == 3
    assert report.skipped == (f"decision_input not compared: {tmp_path / 'decided.parquet'} has none",)


def test_one_file_with_features_alone(whole: Path, tmp_path: Path) -> None:
    report = compare(parquet(tmp_path / "known.parquet", KNOWN), whole)
    assert report.equal
    assert len(report.columns) == 4


def test_a_state_with_its_archive(whole: Path, tmp_path: Path) -> None:
    kept = state(tmp_path / "kept.duckdb", KNOWN[1:], DECIDED[1:])
    parquet(archive_folder(kept) / "decision_input" / "day=2026-01-01" / "part-0.parquet", KNOWN[:1])
    parquet(archive_folder(kept) / "decisions" / "day=2026-01-01" / "part-0.parquet", DECIDED[:1])
    assert compare(kept, whole).line == "equal: 2 events, 7 columns"


def test_the_last_version_of_a_folder_counts(whole: Path, tmp_path: Path) -> None:
    first = [row | {"version": "1"} for row in changed(KNOWN, 0, amount="-5")]
    parquet(tmp_path / "f" / "decision_input.parquet", [*first, KNOWN[0] | {"version": "2"}])
    assert compare(tmp_path / "f", whole).equal


def test_states_are_told_from_other_sides(whole: Path, tmp_path: Path) -> None:
    assert is_state(str(whole))
    exported = parquet(tmp_path / "both.parquet", BOTH)
    assert not any(map(is_state, [str(exported), str(tmp_path), "batch", "risingwave://root@host/dev"]))


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([*KNOWN, KNOWN[0]], "decision_input has events more than once and no version"),
        (changed(KNOWN, 0, event_id="null"), "decision_input has rows without event_id"),
        ([{"amount": "1"}], "decision_input has no column event_id"),
    ],
)
def test_rows_that_cannot_be_told_apart_are_refused(whole: Path, tmp_path: Path, rows: Rows, reason: str) -> None:
    with pytest.raises(RiskwaveError, match=reason):
        compare(state(tmp_path / "odd.duckdb", rows), whole)


@pytest.mark.parametrize("name", ["none.duckdb", "none.parquet", "none"])
def test_a_side_that_is_not_there_is_named(whole: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(RiskwaveError, match=rf"{name}: no such file.*; expected a state file"):
        compare(whole, tmp_path / name)


def test_a_folder_with_nothing_to_compare_is_named(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RiskwaveError, match="has neither decision_input nor decisions"):
        compare(tmp_path / "empty", whole)


def test_a_file_that_is_no_parquet_is_named(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("not parquet")
    with pytest.raises(RiskwaveError, match=r"text\.parquet: not Parquet that can be read"):
        compare(tmp_path / "text.parquet", whole)


def test_a_file_that_is_no_database_is_named(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("not a database " * 1000)
    with pytest.raises(RiskwaveError, match="not a DuckDB database that can be read"):
        compare(whole, tmp_path / "text.duckdb")


def test_a_file_is_attached_once(whole: Path) -> None:
    with duckdb.connect() as connection:
        ours, theirs = (open_side(connection, str(whole), label) for label in ("left", "right"))
        assert (ours.relations["decisions"], theirs.relations["decisions"]) == ("left_decisions", "right_decisions")
