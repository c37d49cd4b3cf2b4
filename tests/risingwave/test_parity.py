"""The stream on a real RisingWave, fed by a real Kafka, ends where DuckDB's batch of the same events ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from riskwave.archive.tables import TABLES
from riskwave.parity import compare
from riskwave.simulator.source import SimulatorSource
from tests.risingwave.deployment import Deployment
from tests.support.decided import decided
from tests.support.processes import wait_until

pytestmark = pytest.mark.xdist_group("risingwave")

EVENTS = "sim:?events=2000&seed=11&duplicates=0.02&late=0.05&out_of_order=0.05&malformed=0.02"


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with the batch over the events."""
    return decided(EVENTS, tmp_path_factory.mktemp("batch") / "batch.duckdb")


@pytest.fixture(scope="module")
def stream(deployed: Deployment, batch: Path) -> Deployment:
    """The deployment after all events: half the payments, then profiles, devices and labels, then the rest."""
    bank = SimulatorSource(EVENTS).bank
    messages = bank.arrivals.rows(0, len(bank.arrivals))["raw"].to_pylist()
    half = len(messages) // 2
    deployed.send("payments", messages[:half])
    for name, table in (("card_profiles", bank.profiles), ("devices", bank.devices), ("labels", bank.labels)):
        deployed.send_table(name, table)
        deployed.wait_for_rows(f"stg_{name}", len(table))
    deployed.send("payments", messages[half:])
    for name in ("rejected_events", "stg_payments"):
        deployed.wait_for_rows(name, _batch(batch, f"select count(*) from {name}")[0][0])
    return deployed


def _batch(batch: Path, query: str) -> list[Any]:
    with duckdb.connect(str(batch), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_last_features_and_decisions_are_the_batch_s(stream: Deployment, batch: Path) -> None:
    report = compare(stream.target, batch)
    assert report.equal, report.as_dict()
    assert report.events == 2000


def test_features_now_are_the_last_revision(stream: Deployment) -> None:
    last = stream.rows(
        "select n.event_id from decision_input__now n left join ("
        "select *, row_number() over (partition by event_id order by seen_at desc, revision desc) as back"
        " from decision_input) k on n.event_id = k.event_id and k.back = 1"
        " where (n.card_txn_count_30d is distinct from k.card_txn_count_30d)"
        " or (n.merchant_txn_count_1h is distinct from k.merchant_txn_count_1h)"
        " or (n.profile_segment is distinct from k.profile_segment)"
        " or (n.ip_fraud_rate_30d is distinct from k.ip_fraud_rate_30d)"
    )
    assert last == []


def test_every_malformed_message_is_kept_with_its_bytes(stream: Deployment, batch: Path) -> None:
    kept = _batch(batch, "select source_offset, raw, event_id from rejected_events order by all")
    rows = stream.rows("select source_offset, raw, event_id from rejected_events order by source_offset")
    assert [tuple(row.values()) for row in rows] == kept
    assert kept


def test_reasons_to_reject_begin_alike(stream: Deployment, batch: Path) -> None:
    """DuckDB's sources say more of what is wrong with a message that cannot be decoded."""
    reasons = dict(_batch(batch, "select source_offset, reject_reason from rejected_events"))
    rows = stream.rows("select source_offset, reject_reason from rejected_events")
    unlike = [
        (row["reject_reason"], reasons[row["source_offset"]])
        for row in rows
        if not reasons[row["source_offset"]].startswith(row["reject_reason"])
    ]
    assert unlike == []


def test_each_decision_names_the_one_it_supersedes(stream: Deployment) -> None:
    rows = stream.rows("select event_id, version, supersedes, decided_at from decisions order by event_id, version")
    seen: dict[str, int] = {}
    for row in rows:
        before = seen.get(row["event_id"])
        assert row["version"] == (before or 0) + 1
        assert row["supersedes"] == before
        assert row["decided_at"] is not None
        seen[row["event_id"]] = row["version"]
    assert len(seen) == 2000


def test_each_superseding_decision_says_what_changed(stream: Deployment) -> None:
    superseding = stream.rows("select event_id, version from decisions where version > 1 order by event_id, version")
    changes = stream.rows(
        "select event_id, version, supersedes, changed from decision_changes order by event_id, version"
    )
    assert [(row["event_id"], row["version"]) for row in changes] == [tuple(row.values()) for row in superseding]
    assert changes
    assert all(row["changed"] and row["supersedes"] == row["version"] - 1 for row in changes)
    event, version, name = changes[0]["event_id"], changes[0]["version"], changes[0]["changed"][0]
    values = stream.rows(
        f"select k.{name} as value from decisions d join decision_input k"
        " on d.event_id = k.event_id and d.revision = k.revision and d.seen_at = k.seen_at"
        f" where d.event_id = '{event}' and d.version between {version - 1} and {version}"
    )
    assert len({str(row["value"]) for row in values}) == 2


def test_an_archive_killed_and_started_again_has_every_row_once(
    stream: Deployment, batch: Path, tmp_path: Path
) -> None:
    dsn, folder = stream.target, tmp_path / "history"
    command = [sys.executable, "-m", "riskwave", "archive", "--source", dsn, "--out", str(folder), "--every", "0"]
    with subprocess.Popen(command) as process:
        wait_until((folder / "archive.json").is_file, limit_s=120, what="a first commit")
        process.kill()
    for _ in range(2):
        subprocess.run([*command, "--until-idle"], check=True, timeout=300)
    with duckdb.connect() as connection:
        for table in TABLES.values():
            files = f"read_parquet('{folder}/{table.name}/*/*.parquet')"
            key = ", ".join(name for name in table.key if name != "version") or "columns(*)"
            counted = connection.execute(
                f"select count(*), (select count(*) from (select distinct {key} from {files})) from {files}"
            )
            assert counted.fetchall() == [(stream.count(table.relation),) * 2], table.name
    report = compare(dsn, folder)
    assert report.equal, report.as_dict()
    report = compare(folder, batch)
    assert report.equal, report.as_dict()


def test_a_batch_over_what_is_staged_there_is_the_batch(stream: Deployment) -> None:
    report = compare(stream.target, "batch")
    assert report.equal, report.as_dict()
