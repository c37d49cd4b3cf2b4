"""A source through the engine: the same from a file and from a topic, whatever the batches, and after a restart."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from riskwave.cli import app
from riskwave.engine.engine import Engine
from riskwave.errors import RiskwaveError
from riskwave.parity.compare import compare
from riskwave.run.cli import open_inputs
from riskwave.run.loop import Limits, run_loop
from riskwave.run.summary import summarise
from riskwave.simulator.bank import simulate
from riskwave.simulator.write import write
from riskwave.sources import open_source
from tests.support.kafka_server import ROOT, KafkaBroker
from tests.support.processes import free_port

MAPPING = ROOT / "examples" / "fraud_transactions.mapping.yml"


def _run(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["run", *map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def _rows(state: Path, sql: str) -> list[Any]:
    with duckdb.connect(str(state), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    write(simulate(3_000, 5, late=0.02, duplicates=0.01, malformed=0.005), folder, "jsonl")
    return folder


def test_every_row_is_decided_a_duplicate_or_rejected(payments: Path, tmp_path: Path) -> None:
    figures = _run("--source", payments / "transactions.jsonl", "--state", tmp_path / "s.duckdb")
    lines = (payments / "transactions.jsonl").read_bytes().splitlines()
    assert figures["received"] == len(lines)
    assert figures["summary"]["events"] + figures["duplicates"] + figures["rejected"] == len(lines)
    kept = _rows(tmp_path / "s.duckdb", "select source_offset, raw from rejected_events order by source_offset")
    assert len(kept) == figures["rejected"] > 0
    assert all(raw == lines[offset] for offset, raw in kept)


def test_a_topic_gives_the_decisions_of_the_file(payments: Path, tmp_path: Path, kafka_broker: KafkaBroker) -> None:
    path = payments / "transactions.jsonl"
    topic = kafka_broker.create_topic()
    kafka_broker.send(topic, path.read_bytes().splitlines())
    _run("--source", path, "--state", tmp_path / "file.duckdb")
    _run("--source", f"kafka://{kafka_broker.address}/{topic}", "--until-idle", "--state", tmp_path / "topic.duckdb")
    report = compare(str(tmp_path / "file.duckdb"), str(tmp_path / "topic.duckdb"))
    assert report.equal, report.as_dict()


def test_started_again_it_goes_on_where_it_was(payments: Path, tmp_path: Path) -> None:
    path, state = payments / "transactions.jsonl", tmp_path / "s.duckdb"
    first = _run("--source", path, "--state", state, "--max-events", 1_000)
    second = _run("--source", path, "--state", state)
    third = _run("--source", path, "--state", state)
    assert first["received"] + second["received"] == len(path.read_bytes().splitlines())
    assert third["received"] == 0
    _run("--source", path, "--state", tmp_path / "once.duckdb")
    assert compare(str(state), str(tmp_path / "once.duckdb")).equal


def test_the_sample_data_runs_through_a_mapping(sample_transactions: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.csv"
    with gzip.open(sample_transactions, "rt") as whole, part.open("w") as file:
        file.writelines(line for number, line in enumerate(whole) if number <= 4_000)
    figures = _run("--source", part, "--map", MAPPING, "--state", tmp_path / "s.duckdb")
    assert (figures["received"], figures["rejected"], figures["duplicates"]) == (4_000, 0, 0)
    assert figures["summary"]["events"] == 4_000
    assert figures["summary"]["frauds"] > 0


def test_labels_that_wait_for_their_payment_count_when_it_comes(tmp_path: Path) -> None:
    bank = simulate(2_000, 3)
    early, fed = (Engine(tmp_path / f"{name}.duckdb") for name in ("early", "fed"))
    raw = bank.arrivals.rows(0, len(bank.arrivals))
    for start in range(0, raw.num_rows, 500):
        early.process(raw.slice(start, 500), labels=bank.labels if start == 0 else None)
    fed.process(raw, labels=bank.labels)
    early.close()
    fed.close()
    assert compare(str(tmp_path / "early.duckdb"), str(tmp_path / "fed.duckdb")).equal


def test_facts_that_come_late_decide_again(tmp_path: Path) -> None:
    bank = simulate(1_500, 4)
    raw = bank.arrivals.rows(0, len(bank.arrivals))
    before, after = (Engine(tmp_path / f"{name}.duckdb") for name in ("before", "after"))
    before.add_facts("card_profiles", bank.profiles)
    before.add_facts("devices", bank.devices)
    for engine in (before, after):
        engine.process(raw)
    assert after.add_facts("card_profiles", bank.profiles) == bank.profiles.num_rows
    assert after.add_facts("card_profiles", bank.profiles) == 0
    after.add_facts("devices", bank.devices)
    before.close()
    after.close()
    assert compare(str(tmp_path / "before.duckdb"), str(tmp_path / "after.duckdb")).equal
    assert _rows(tmp_path / "after.duckdb", "select count(*) from decisions where supersedes is not null")[0][0] > 0


def test_a_source_that_fails_is_decided_up_to_there(payments: Path, tmp_path: Path) -> None:
    whole = gzip.compress((payments / "transactions.jsonl").read_bytes())
    damaged = tmp_path / "damaged.jsonl.gz"
    damaged.write_bytes(whole[: len(whole) // 2])
    engine = Engine(tmp_path / "s.duckdb")
    with pytest.raises(RiskwaveError, match=r"damaged\.jsonl\.gz"):
        run_loop(engine, open_source(str(damaged)))
    engine.drain()
    assert len(engine.history) > 100
    engine.close()
    assert _rows(tmp_path / "s.duckdb", "select count(*) from current_decisions")[0][0] > 100


def test_the_simulator_brings_labels_and_facts(tmp_path: Path) -> None:
    inputs = open_inputs("sim:?events=1500&seed=2", None, None, None, None, follow=False)
    assert inputs.labels is not None
    assert inputs.profiles is not None
    engine = Engine(tmp_path / "s.duckdb")
    engine.add_facts("card_profiles", inputs.profiles)
    meter = run_loop(engine, inputs.source, limits=Limits(events=1_000))
    summary = summarise(engine.connection, **engine.relations())
    engine.close()
    assert meter.received >= 1_000
    assert summary.events + meter.duplicates + meter.rejected == meter.received
    assert summary.frauds == 0
    assert summary.recall is None


def test_a_run_whose_scorer_is_away_says_how_many_rules_decided_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKWAVE_SCORING_SERVER", f"127.0.0.1:{free_port()}")
    figures = _run("--source", "sim:?events=60&seed=3", "--state", tmp_path / "s.duckdb")
    assert (figures["decided"], figures["degraded"]) == (60, 60)
