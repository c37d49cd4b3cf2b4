"""A state of the embedded engine, some of it archived, holds what a dbt batch run makes of the same payments."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from riskwave.archive.folder import Archive
from riskwave.backtest.history import open_history
from riskwave.batch.history import attach_state, whole
from riskwave.decisions_cli import export
from riskwave.engine.archive import archive_folder
from riskwave.engine.engine import Engine
from riskwave.parity import compare
from riskwave.scoring.history import read_history
from riskwave.simulator import SimulatedBank, simulate

EVENTS = 2_000

pytestmark = pytest.mark.xdist_group("state_and_batch")


@pytest.fixture(scope="module")
def bank() -> SimulatedBank:
    return simulate(EVENTS, 21, days=90, late=0.02, duplicates=0.01, malformed=0.005)


@pytest.fixture(scope="module")
def state(bank: SimulatedBank, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("state") / "state.duckdb"
    engine = Engine(path)
    engine.add_facts("card_profiles", bank.profiles)
    engine.add_facts("devices", bank.devices)
    raw = bank.arrivals.rows(0, len(bank.arrivals))
    rejected = superseding = moved = 0
    for start in range(0, raw.num_rows, 150):
        outcome = engine.process(raw.slice(start, 150), labels=bank.labels if start == 0 else None)
        rejected += outcome.rejected
        superseding += outcome.superseding
        moved += engine.archive()
    engine.close()
    assert rejected == EVENTS * 0.005
    assert superseding > 0
    assert moved > EVENTS / 4
    return path


def test_the_state_is_the_batch(state: Path) -> None:
    report = compare(state, "batch")
    assert report.equal, report.as_dict()
    assert report.events == EVENTS
    assert not report.skipped
    assert {column.relation for column in report.columns} == {"decision_input", "decisions"}
    assert len(report.columns) > 100


def test_the_state_is_its_export(state: Path, tmp_path: Path) -> None:
    assert export(state, tmp_path / "decisions.parquet", features=True) == EVENTS
    report = compare(state, tmp_path / "decisions.parquet")
    assert report.equal, report.as_dict()
    assert report.events == EVENTS


def test_the_archive_is_part_of_the_state(state: Path) -> None:
    report = compare(archive_folder(state), state)
    assert not report.differing
    assert report.only_left == ()
    assert 0 < report.events < EVENTS


@pytest.fixture(scope="module")
def archived(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of the state as `riskwave archive` lays it out, each decision as the first of its event's revisions."""
    folder = tmp_path_factory.mktemp("archive")
    tables = dict.fromkeys(("stg_payments", "decision_input", "decisions"), "")
    tables |= {"labels": "", "card_profiles": "", "devices": ""}
    with duckdb.connect() as connection:
        attach_state(connection, state, "state")
        for table in tables:
            query = whole(connection, "state", state, table)
            assert query is not None
            tables[table] = query
        rows = {table: connection.sql(query).to_arrow_table() for table, query in tables.items()}
    with Archive(folder, "a state") as archive:
        counts = archive.commit(rows, None)
    assert counts == {table: len(rows[table]) for table in tables if len(rows[table])}
    return folder


def test_a_batch_runs_over_an_archive_beside_what_it_came_from(state: Path, archived: Path) -> None:
    report = compare(state, "batch", archive=archived)
    assert report.equal, report.as_dict()
    assert report.events == EVENTS
    assert compare(state, archived).equal


def test_rules_and_models_take_an_archive_as_history(bank: SimulatedBank, archived: Path) -> None:
    with open_history(archived) as history:
        assert history.labels > 0
        assert history.connection.execute(f"select count(*) from ({history.events})").fetchall() == [(EVENTS,)]
    learned = read_history([str(archived)])
    assert len(learned) == EVENTS
    frauds = {row["event_id"] for row in bank.labels.to_pylist() if row["verdict"] == "fraud"}
    assert int(learned.frauds().sum()) == len(frauds & set(learned.events["event_id"].to_pylist()))
