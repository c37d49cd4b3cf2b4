"""History that no window reaches leaves the state for Parquet, and nothing is lost or decided otherwise by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from riskwave.batch.history import current, whole
from riskwave.engine.archive import archive_folder
from riskwave.engine.engine import Engine
from riskwave.engine.plan import make_plan
from riskwave.project import compiled_project
from riskwave.simulator import SimulatedBank, simulate
from tests.engine.batch import batch, rows_of
from tests.engine.compared import assert_same


@pytest.fixture(scope="module")
def bank() -> SimulatedBank:
    return simulate(500, 5, days=100)


@pytest.fixture(scope="module")
def raw(bank: SimulatedBank) -> pa.Table:
    return bank.arrivals.rows(0, len(bank.arrivals))


@pytest.fixture(scope="module")
def wanted(bank: SimulatedBank, raw: pa.Table) -> duckdb.DuckDBPyConnection:
    landed = {"payments": raw, "labels": bank.labels, "card_profiles": bank.profiles, "devices": bank.devices}
    return batch(compiled_project(), landed)


@pytest.fixture(scope="module")
def archived(bank: SimulatedBank, raw: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that archived as it went on, closed and opened again on the way."""
    path = tmp_path_factory.mktemp("archive") / "state.duckdb"
    plan = make_plan(compiled_project())
    engine = Engine(path, plan=plan)
    engine.add_facts("card_profiles", bank.profiles)
    engine.add_facts("devices", bank.devices)
    moved = 0
    for start in range(0, raw.num_rows, 10):
        labels = bank.labels if start == 0 else None
        engine.process(raw.slice(start, 10), labels=labels, offsets={"bank": {0: start + 10}})
        if start % 100 == 0:
            moved += engine.archive()
        if start == 400:
            engine.close()
            engine = Engine(path, plan=plan)
    assert moved > 200
    yield engine
    engine.close()


def test_decisions_are_those_of_one_batch(archived: Engine, wanted: duckdb.DuckDBPyConnection) -> None:
    assert_same(archived, wanted)


def test_the_archive_has_a_folder_a_day(archived: Engine) -> None:
    folder = archive_folder(archived.path)
    until = archived.connection.execute("select min(event_ts) from stg_payments").fetchall()[0][0]
    for table in ("stg_payments", "decision_input", "decisions"):
        days = sorted(path.name for path in (folder / table).iterdir())
        assert days
        assert days[-1] <= f"day={until:%Y-%m-%d}"
        kept = archived.connection.execute(f"select min(event_ts) from {table}").fetchall()[0][0]
        assert kept == until


def test_a_row_in_both_places_counts_once(archived: Engine, tmp_path: Path, raw: pa.Table) -> None:
    """As when the process ends between the archive's files and the deletion of what is in them."""
    connection = archived.connection
    [catalog] = connection.execute("select current_database()").fetchall()[0]
    day = connection.execute("select min(event_ts)::date from stg_payments").fetchall()[0][0]
    beside = archive_folder(tmp_path / "state") / "stg_payments" / f"day={day}"
    beside.mkdir(parents=True)
    connection.execute(
        f"copy (select * from stg_payments where event_ts::date = '{day}') to '{beside}/part-0.parquet'"
    ).fetchall()
    query = whole(connection, catalog, tmp_path / "state", "stg_payments")
    assert query is not None
    kept = connection.execute("select count(*) from stg_payments").fetchall()
    assert connection.execute(f"select count(*) from ({query})").fetchall() == kept


def test_the_whole_of_a_table_has_every_payment(archived: Engine, raw: pa.Table) -> None:
    connection = archived.connection
    [catalog] = connection.execute("select current_database()").fetchall()[0]
    query = whole(connection, catalog, Path(archived.path), "decisions")
    assert query is not None
    assert rows_of(connection, current(query, ["version"])).keys() == set(raw["event_id"].to_pylist())


def test_a_payment_of_an_archived_day_is_rejected_with_its_bytes(archived: Engine, raw: pa.Table) -> None:
    again = raw.slice(0, 1).set_column(raw.schema.get_field_index("event_id"), "event_id", pa.array(["too-late"]))
    typed = pa.array([b'{"note": "card 4111 1111 1111 1111"}'], pa.binary())
    again = again.set_column(raw.schema.get_field_index("raw"), "raw", typed)
    outcome = archived.process(again)
    assert (outcome.rejected, outcome.decided) == (1, 0)
    rows = archived.connection.execute(
        "select reject_reason, raw from rejected_events where event_id = 'too-late'"
    ).fetchall()
    reason = "event_ts: before the history that is kept, which is archived"
    assert rows == [(reason, b'{"note": "card **** **** **** 1111"}')]
