"""A state whose models change between two runs: what they add is computed over its history before they decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from riskwave.batch.history import columns_of, whole
from riskwave.control import Control, control_path
from riskwave.control.lifecycle import publish
from riskwave.engine.archive import archive_folder, move
from riskwave.engine.engine import Engine
from riskwave.engine.plan import Plan, make_plan
from riskwave.errors import RiskwaveError
from riskwave.project import CompiledProject, compiled_project
from riskwave.rules.check import check_ruleset
from riskwave.rules.pack import parse_rules
from riskwave.simulator import SimulatedBank, simulate
from tests.engine.batch import batch
from tests.engine.compared import assert_same

#: Columns that the models of yesterday do not have yet; the session's are read by later windows of the same card.
ADDED = {
    "decision_input": {
        *("card_seconds_since_last", "card_gap_avg_30d", "card_gap_std_30d", "card_hour_share_30d"),
        *("card_session_started_at", "card_session_txn_count", "card_session_seconds", "card_merchant_first_30d"),
        *("merchant_txn_count_24h", "ip_fraud_rate_30d"),
    },
    "int_payments__card_month": {
        *("card_gap_count_30d", "card_gap_total_30d", "card_gap_squares_30d"),
        *("card_same_hour_count_30d", "card_same_merchant_count_30d"),
    },
    "int_payments__card_day": {"card_session_window_count"},
}
PACK = """\
- rule: often
  when: card_txn_count_1h >= :most
  thresholds: {most: 4}
  action: review
  severity: P2
  reason: often
  owner: card-risk
"""


def without(project: CompiledProject, added: dict[str, set[str]]) -> CompiledProject:
    """The project as it was before these columns."""
    models = dict(project.models)
    for name, columns in added.items():
        query = sqlglot.parse_one(models[name].sql, read="duckdb")
        kept = [item for item in query.selects if item.alias_or_name not in columns]
        assert len(kept) < len(query.selects), name
        query.set("expressions", kept)
        models[name] = replace(models[name], sql=query.sql("duckdb"))
    scored = sqlglot.parse_one(models["int_scored"].sql, read="duckdb")
    for column in list(scored.find_all(exp.Column)):
        if column.name in added["decision_input"]:
            column.replace(exp.cast(exp.null(), "double"))
    models["int_scored"] = replace(models["int_scored"], sql=scored.sql("duckdb"))
    return CompiledProject(models)


@pytest.fixture(scope="module")
def bank() -> SimulatedBank:
    return simulate(300, 5, days=100)


@pytest.fixture(scope="module")
def raw(bank: SimulatedBank) -> pa.Table:
    return bank.arrivals.rows(0, len(bank.arrivals))


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The models of today."""
    return make_plan(compiled_project())


@pytest.fixture(scope="module")
def before() -> Plan:
    """Those of yesterday."""
    return make_plan(without(compiled_project(), ADDED))


@pytest.fixture(scope="module")
def wanted(bank: SimulatedBank, raw: pa.Table) -> duckdb.DuckDBPyConnection:
    landed = {"payments": raw, "labels": bank.labels, "card_profiles": bank.profiles, "devices": bank.devices}
    return batch(compiled_project(), landed)


def run(engine: Engine, raw: pa.Table, starts: Iterable[int], bank: SimulatedBank | None = None) -> None:
    if bank:
        engine.add_facts("card_profiles", bank.profiles)
        engine.add_facts("devices", bank.devices)
    for start in starts:
        engine.process(raw.slice(start, 60), labels=bank.labels if bank and start == 0 else None)


def small_pack(path: Path) -> None:
    with Control.open(control_path(path)) as control:
        publish(control, check_ruleset(parse_rules(PACK, name="card")), why="first", author="ann")


RULED = frozenset(
    {
        *("action", "is_anomaly", "rule_ids", "reasons", "severity", "ruleset_revision", "ruleset_channel"),
        *("shadow_rule_ids", "rule_vector", "shadow_rulesets", "control_version"),
    }
)


def test_new_features_are_computed_over_the_history_before_they_decide(
    bank: SimulatedBank, raw: pa.Table, wanted: duckdb.DuckDBPyConnection, before: Plan, plan: Plan, tmp_path: Path
) -> None:
    path = tmp_path / "state.duckdb"
    small_pack(path)
    engine = Engine(path, plan=before)
    run(engine, raw, range(0, 240, 60), bank)
    moved = engine.archive()
    assert moved > 30
    first = engine.connection.execute("select count(*) from decisions").fetchall()
    engine.close()
    said: list[str] = []
    engine = Engine(path, plan=plan, say=said.append)
    try:
        assert any("backfilling" in words and "card_session_started_at" in words for words in said)
        assert engine.connection.execute("select count(*) from decisions").fetchall() == first, "history is a fact"
        run(engine, raw, range(240, raw.num_rows, 60))
        assert_same(engine, wanted, ignore=RULED)
        assert not list(tmp_path.glob("*.backfill*"))
    finally:
        engine.close()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as kept (read_only)")
        query = whole(connection, "kept", path, "decision_input")
        assert ADDED["decision_input"] <= set(columns_of(connection, "kept", "decision_input"))
        assert connection.execute(f"select count(*) from ({query}) where card_hour_share_30d is null").fetchall() == [
            (0,)
        ]
    again: list[str] = []
    Engine(path, plan=plan, say=again.append).close()
    assert again == [], "what was computed once is not computed again"


def test_a_superseded_version_stays_as_it_was(
    bank: SimulatedBank, raw: pa.Table, before: Plan, plan: Plan, tmp_path: Path
) -> None:
    """A payment that came late changed the ones after it: only their last versions are told anew."""
    path = tmp_path / "state.duckdb"
    small_pack(path)
    engine = Engine(path, plan=before)
    rows = raw.sort_by("event_ts")
    run(engine, pa.concat_tables([rows.slice(100, 100), rows.slice(0, 100)]), range(0, 200, 60), bank)
    superseded = engine.connection.execute(
        "select count(*) from decision_input anti join current_decision_input using (event_id, version)"
    ).fetchall()[0][0]
    assert superseded > 0
    engine.close()
    engine = Engine(path, plan=plan)
    try:
        told = engine.connection.execute(
            "select count(*) filter (where card_hour_share_30d is null), count(*) from decision_input"
        ).fetchall()
        assert told == [(superseded, 200 + superseded)]
    finally:
        engine.close()


def test_days_that_windows_reach_again_come_back_from_the_archive(
    bank: SimulatedBank, raw: pa.Table, wanted: duckdb.DuckDBPyConnection, plan: Plan, tmp_path: Path
) -> None:
    """As after a run of models that looked back a day."""
    path = tmp_path / "state.duckdb"
    engine = Engine(path, plan=plan)
    run(engine, raw, range(0, 240, 60), bank)
    [(newest,)] = engine.connection.execute("select max(event_ts) from stg_payments").fetchall()
    day = datetime(newest.year, newest.month, newest.day)
    assert move(engine.connection, path, day) > 120
    files = len(list(archive_folder(path).rglob("*.parquet")))
    engine.close()
    engine = Engine(path, plan=plan)
    try:
        run(engine, raw, range(240, raw.num_rows, 60))
        assert_same(engine, wanted)
        left = len(list(archive_folder(path).rglob("*.parquet")))
        assert 0 < left < files
        [(oldest,)] = engine.connection.execute("select min(event_ts) from stg_payments").fetchall()
        assert (newest - oldest).days >= 37
    finally:
        engine.close()


def test_what_a_batch_made_is_refused_in_one_line(tmp_path: Path) -> None:
    made = tmp_path / "batch.duckdb"
    with duckdb.connect(str(made)) as connection:
        connection.execute("create table decision_input as select 'e1' as event_id, timestamp '2026-01-05' as event_ts")
    with pytest.raises(RiskwaveError, match="was made by `riskwave batch`, which no stream can go on from"):
        Engine(made)
    with duckdb.connect(str(made)) as connection:
        assert connection.sql("select * from decision_input").fetchall()
