"""A state's tables whole, and the last revision of each event."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from riskwave.batch.history import attach_state, columns_of, current, literal, whole
from riskwave.engine.archive import archive_folder
from riskwave.errors import RiskwaveError


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state with event b twice, and a, which is archived under a day; c is in both places."""
    path = tmp_path / "it's a state.duckdb"
    day = archive_folder(path) / "decisions" / "day=2026-01-01"
    day.mkdir(parents=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table decisions (event_id varchar, version integer, action varchar)")
        connection.execute("insert into decisions values ('a', 1, 'allow'), ('c', 1, 'block')").fetchall()
        connection.execute(f"copy decisions to {literal(day / 'part-0.parquet')}").fetchall()
        connection.execute("delete from decisions where event_id = 'a'").fetchall()
        connection.execute("insert into decisions values ('b', 1, 'allow'), ('b', 2, 'review')").fetchall()
    return path


def opened(state: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    attach_state(connection, state, "opened")
    return connection


def test_archived_rows_are_read_with_the_kept_ones(state: Path) -> None:
    with opened(state) as connection:
        query = whole(connection, "opened", state, "decisions")
        assert connection.execute(f"select * from ({query}) order by all").fetchall() == [
            ("a", 1, "allow"),
            ("b", 1, "allow"),
            ("b", 2, "review"),
            ("c", 1, "block"),
        ]


def test_the_last_revision_counts(state: Path) -> None:
    with opened(state) as connection:
        query = current(str(whole(connection, "opened", state, "decisions")), ["event_id", "version"])
        found = connection.execute(f"select event_id, version from ({query}) order by all").fetchall()
        assert found == [("a", 1), ("b", 2), ("c", 1)]


def test_on_a_stream_the_last_seen_counts() -> None:
    rows = "values ('a', timestamp '2026-01-01', 2), ('a', timestamp '2026-01-01', 3), ('a', timestamp '2025-01-01', 4)"
    query = current(f"select * from ({rows}) as t(event_id, seen_at, revision)", ["event_id", "seen_at", "revision"])
    assert [row[2] for row in duckdb.sql(query).fetchall()] == [3]


def test_without_revisions_rows_are_as_they_are() -> None:
    assert current("select 1 as event_id", ["event_id"]) == "select 1 as event_id"


def test_a_table_that_is_not_there_is_none(state: Path) -> None:
    with opened(state) as connection:
        assert whole(connection, "opened", state, "stg_payments") is None
        assert columns_of(connection, "opened", "stg_payments") == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with duckdb.connect() as connection, pytest.raises(RiskwaveError, match=r"none\.duckdb: no such file"):
        attach_state(connection, tmp_path / "none.duckdb", "opened")


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("this is text, and long enough to be looked at: " * 500)
    with duckdb.connect() as connection, pytest.raises(RiskwaveError, match="not a DuckDB database that can be read"):
        attach_state(connection, tmp_path / "text.duckdb", "opened")


def test_a_state_in_use_is_read(state: Path) -> None:
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holding, str(state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with duckdb.connect() as connection:
            attach_state(connection, state, "opened")
            assert columns_of(connection, "opened", "decisions")
        holder.communicate(input="")
