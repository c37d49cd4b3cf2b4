"""A state that another process holds is read from a copy, with all that was committed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from riskwave.batch.history import attach_state
from riskwave.batch.running import is_held
from riskwave.engine.state import connect
from riskwave.errors import RiskwaveError

HOLDER = """
import sys
from riskwave.engine.journal import Journal, journal_folder, moved, state_id
from riskwave.engine.state import connect, prepare_state
import pyarrow as pa
connection = connect(sys.argv[1])
prepare_state(connection)
connection.execute("insert into decisions values ('logged')")
journal = Journal(journal_folder(sys.argv[1]), state=state_id(connection), after=moved(connection))
journal.append({"decisions": pa.table({"event_id": ["journalled"]})}, {})
connection.begin()
connection.execute("insert into decisions values ('not committed')")
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    state = tmp_path / "bank.duckdb"
    with connect(state) as connection:
        connection.execute("create table decisions as select 'first' as event_id")
    command = [sys.executable, "-c", HOLDER, str(state)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield state
    process.communicate("\n")


def test_what_was_committed_is_read_while_a_run_goes_on(held: Path, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        attach_state(connection, held, "kept")
        rows = connection.execute("select event_id from kept.decisions order by event_id").fetchall()
        assert rows == [("first",), ("journalled",), ("logged",)]
    with pytest.raises(RiskwaveError, match="another process has this state open"):
        connect(held)
    assert [file.name for file in tmp_path.iterdir() if "read" in file.name] == []


def test_a_state_that_this_process_holds_is_not_copied(tmp_path: Path) -> None:
    """Closing a copied file would take away the lock on it."""
    state = tmp_path / "bank.duckdb"
    with connect(state), duckdb.connect() as other, pytest.raises(RiskwaveError):
        attach_state(other, state, "kept")
    assert not is_held(duckdb.IOException("no such file"))


def test_no_room_for_a_copy_is_said(held: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with duckdb.connect() as connection, pytest.raises(RiskwaveError, match=r"No space left on device.*; make room"):
        attach_state(connection, held, "kept")
