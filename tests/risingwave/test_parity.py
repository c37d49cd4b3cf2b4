"""The stream on a real RisingWave, fed by a real Kafka, ends where DuckDB's batch of the same events ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskwave.simulator import SimulatedBank, simulate
from tests.risingwave.batch import batch_rows, batch_run, differences
from tests.risingwave.deployment import Deployment, Row

pytestmark = pytest.mark.xdist_group("risingwave")

#: Where a payment was read from is not the same place on both sides, and only the stream revises.
_OWN = {"source", "revision", "seen_at", "decided_at", "version", "supersedes"}


@pytest.fixture(scope="module")
def bank() -> SimulatedBank:
    return simulate(2_000, 11, duplicates=0.02, late=0.05, out_of_order=0.05, malformed=0.02)


@pytest.fixture(scope="module")
def batch(bank: SimulatedBank, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return batch_run(
        tmp_path_factory.mktemp("batch"),
        {
            "payments": bank.arrivals,
            "labels": bank.labels,
            "card_profiles": bank.profiles,
            "devices": bank.devices,
        },
    )


@pytest.fixture(scope="module")
def stream(deployed: Deployment, bank: SimulatedBank, batch: Path) -> Deployment:
    """The deployment after all events: half of them first, then profiles and labels, then the rest."""
    messages = bank.arrivals["raw"].to_pylist()
    half = len(messages) // 2
    deployed.send("payments", messages[:half])
    for name, table in (("card_profiles", bank.profiles), ("devices", bank.devices), ("labels", bank.labels)):
        deployed.send_table(name, table)
    deployed.send("payments", messages[half:])
    for name in ("stg_card_profiles", "stg_devices", "stg_labels", "rejected_events", "stg_payments"):
        expected = batch_rows(batch, f"select count(*) as n from {name}")[0]["n"]
        deployed.wait_for_rows(name, expected)
    return deployed


def _compared(rows: list[Row]) -> list[str]:
    return sorted(set(rows[0]) - _OWN)


def test_last_revision_is_what_the_batch_knows(stream: Deployment, batch: Path) -> None:
    known = batch_rows(batch, "select * from decision_input")
    last = stream.rows(
        "select * from ("
        "select *, row_number() over (partition by event_id order by seen_at desc, revision desc) as back"
        " from decision_input) as numbered where back = 1"
    )
    found = differences(last, known, "event_id", _compared(known))
    assert not found, "\n".join(found[:20])


def test_features_now_are_what_the_batch_knows(stream: Deployment, batch: Path) -> None:
    known = batch_rows(batch, "select * from decision_input")
    found = differences(stream.rows("select * from decision_input__now"), known, "event_id", _compared(known))
    assert not found, "\n".join(found[:20])


def test_last_decision_is_the_batch_s(stream: Deployment, batch: Path) -> None:
    decided = batch_rows(batch, "select * from decisions")
    last = stream.rows(
        "select * from (select *, max(version) over (partition by event_id) as final from decisions) as n"
        " where version = final"
    )
    found = differences(last, decided, "event_id", _compared(decided))
    assert not found, "\n".join(found[:20])
    assert {row["action"] for row in last} > {"allow"}


def test_every_malformed_message_is_kept_with_its_bytes(stream: Deployment, batch: Path) -> None:
    kept = batch_rows(batch, "select source_offset, raw, event_id from rejected_events")
    assert kept
    found = differences(
        stream.rows("select source_offset, raw, event_id from rejected_events"),
        kept,
        "source_offset",
        ["raw", "event_id"],
    )
    assert not found, "\n".join(found[:20])


def test_each_decision_names_the_one_it_supersedes(stream: Deployment) -> None:
    rows = stream.rows(
        "select event_id, version, supersedes, decided_at from decisions order by event_id, version"
    )
    seen: dict[str, int] = {}
    for row in rows:
        before = seen.get(row["event_id"])
        assert row["version"] == (before or 0) + 1
        assert row["supersedes"] == before
        assert row["decided_at"] is not None
        seen[row["event_id"]] = row["version"]
