"""What a batch committed is in the state whatever happens after, and in the tables for all who read them."""

from __future__ import annotations

import shutil
import struct
import threading
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from riskwave.batch.history import attach_state
from riskwave.engine.journal import journal_folder
from riskwave.engine.state import connect, prepare_state, read_offsets
from riskwave.engine.store import MOVED, SMALL, Store, Write
from riskwave.errors import RiskwaveError

SCHEMAS = {
    "stg_payments": pa.schema([("event_id", pa.string()), ("amount", pa.int64())]),
    "decision_input": pa.schema([("event_id", pa.string()), ("version", pa.int32())]),
    "decisions": pa.schema([("event_id", pa.string()), ("version", pa.int32()), ("rule_ids", pa.list_(pa.string()))]),
}


def rows(first: int, count: int) -> dict[str, pa.Table]:
    ids = [f"e{number}" for number in range(first, first + count)]
    return {
        "stg_payments": pa.table({"event_id": ids, "amount": range(first, first + count)}),
        "decision_input": pa.table({"event_id": ids, "version": pa.array([1] * count, pa.int32())}),
        "decisions": pa.table(
            {"event_id": ids, "version": pa.array([1] * count, pa.int32()), "rule_ids": [["a", "b"]] * count}
        ),
    }


def committed(store: Store, batch: dict[str, pa.Table], offset: int) -> None:
    done = threading.Event()
    store.write(Write(batch, {"topic": {0: offset}}, lambda rows: done.set()))
    assert done.wait(30)


def events(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [row[0] for row in connection.execute(f"select event_id from {table}").fetchall()]


def left_by_a_kill(state: Path, copy: Path) -> Path:
    """The files as they would be if the process died now."""
    shutil.copy(state, copy)
    shutil.copy(f"{state}.wal", f"{copy}.wal")
    shutil.copytree(journal_folder(state), journal_folder(copy))
    return copy


def test_small_batches_are_kept_at_once_and_moved_when_drained(tmp_path: Path) -> None:
    state = tmp_path / "state.duckdb"
    connection = connect(state)
    prepare_state(connection)
    store = Store(connection, SCHEMAS, tmp_path / "state.duckdb")
    for number in range(3):
        committed(store, rows(number * 2, 2), number * 2 + 2)
    killed = left_by_a_kill(state, tmp_path / "killed.duckdb")
    with connect(killed) as other:
        assert events(other, "decisions") == []
        assert read_offsets(other, "topic") == {}
    store.drain()
    expected = [f"e{number}" for number in range(6)]
    assert {table: events(connection, table) for table in SCHEMAS} == dict.fromkeys(SCHEMAS, expected)
    assert read_offsets(connection, "topic") == {0: 6}
    store.close()
    connection.close()
    assert not journal_folder(state).exists()
    # Whoever reads a state that was killed, and whoever goes on with it, has everything, once.
    with duckdb.connect() as reader:
        attach_state(reader, killed, "state")
        assert {table: events(reader, f"state.{table}") for table in SCHEMAS} == dict.fromkeys(SCHEMAS, expected)
        assert reader.execute("select rule_ids from state.decisions limit 1").fetchall() == [(["a", "b"],)]
        assert reader.execute("select next_offset from state.offsets").fetchall() == [(6,)]
    assert not journal_folder(killed).exists()


def test_batches_small_and_large_stay_in_order(tmp_path: Path) -> None:
    connection = connect(tmp_path / "state.duckdb")
    prepare_state(connection)
    store = Store(connection, SCHEMAS, tmp_path / "state.duckdb")
    first = 0
    for count in (3, SMALL, 5, SMALL // 4, MOVED // 9, MOVED // 9, 2):
        committed(store, rows(first, count), first + count)
        first += count
    store.close()
    expected = [f"e{number}" for number in range(first)]
    assert {table: events(connection, table) for table in SCHEMAS} == dict.fromkeys(SCHEMAS, expected)
    connection.close()


def test_a_store_goes_on_after_a_kill(tmp_path: Path) -> None:
    connection = connect(tmp_path / "state.duckdb")
    prepare_state(connection)
    store = Store(connection, SCHEMAS, tmp_path / "state.duckdb")
    committed(store, rows(0, 2), 2)
    killed = left_by_a_kill(tmp_path / "state.duckdb", tmp_path / "killed.duckdb")
    store.close()
    connection.close()
    with connect(killed) as again:
        store = Store(again, SCHEMAS, killed)
        assert events(again, "decision_input") == ["e0", "e1"]
        committed(store, rows(2, 1), 3)
        store.close()
        assert events(again, "decision_input") == ["e0", "e1", "e2"]


def test_a_write_that_fails_is_said_at_the_next_one(tmp_path: Path) -> None:
    connection = connect(tmp_path / "state.duckdb")
    prepare_state(connection)
    store = Store(connection, SCHEMAS, tmp_path / "state.duckdb")
    store.write(Write({"decisions": pa.table({"event_id": ["e0"] * SMALL})}))
    with pytest.raises((KeyError, RiskwaveError)):
        store.drain()
    store.close()
    connection.close()


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A state whose process died with three small batches in its journal."""
    state = tmp_path / "state.duckdb"
    connection = connect(state)
    prepare_state(connection)
    store = Store(connection, SCHEMAS, state)
    for number in range(3):
        committed(store, rows(number, 1), number + 1)
    copy = left_by_a_kill(state, tmp_path / "killed.duckdb")
    store.close()
    connection.close()
    return copy


def opened(state: Path) -> list[str]:
    with connect(state) as connection:
        Store(connection, SCHEMAS, state).close()
        return events(connection, "decisions")


def only_file(state: Path) -> Path:
    (file,) = journal_folder(state).iterdir()
    return file


@pytest.mark.parametrize("cut", [1, 20, 500])
def test_an_entry_cut_short_was_never_committed(killed: Path, cut: int) -> None:
    file = only_file(killed)
    file.write_bytes(file.read_bytes()[:-cut])
    assert opened(killed) == ["e0", "e1"]


def test_entries_that_were_moved_before_a_kill_are_not_moved_again(killed: Path, tmp_path: Path) -> None:
    shutil.copytree(journal_folder(killed), tmp_path / "kept")
    assert opened(killed) == ["e0", "e1", "e2"]
    shutil.copytree(tmp_path / "kept", journal_folder(killed))
    assert opened(killed) == ["e0", "e1", "e2"]


def test_a_journal_of_another_state_is_refused(killed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    with connect(other) as connection:
        prepare_state(connection)
        Store(connection, SCHEMAS, other).close()
    shutil.copytree(journal_folder(killed), journal_folder(other))
    with pytest.raises(RiskwaveError, match="is of another state"):
        opened(other)


def test_a_journal_that_lacks_a_file_is_refused(killed: Path) -> None:
    file = only_file(killed)
    data = file.read_bytes()
    number, size, _ = struct.unpack_from("<QII", data)
    assert number == 1
    file.write_bytes(data[16 + size :])
    with pytest.raises(RiskwaveError, match="entry 2 follows 0"):
        opened(killed)
