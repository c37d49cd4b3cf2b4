"""A batch lands a source and runs the models over it; a batch of a state starts from its staged payments."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from riskwave.batch import batch_of_inputs, batch_of_state
from riskwave.engine.state import connect
from riskwave.errors import RiskwaveError
from riskwave.parity import compare
from riskwave.sources import open_source
from tests.batch.conftest import EVENTS, Made

pytestmark = pytest.mark.xdist_group("batch")


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_every_row_is_accepted_a_duplicate_or_rejected(made: Made) -> None:
    lines = (made.bank / "transactions.jsonl").read_bytes().splitlines()
    said = made.said
    assert said["received"] == len(lines)
    assert (said["accepted"], said["duplicates"], said["rejected"]) == (EVENTS, 24, 24)
    assert sum(said["actions"].values()) == EVENTS
    kept = rows(made.path, "select source_offset, raw from rejected_events")
    assert len(kept) == 24
    assert all(raw == lines[offset] for offset, raw in kept)


def test_labels_and_facts_count(made: Made) -> None:
    labels = (made.bank / "labels.jsonl").read_bytes().splitlines()
    assert rows(made.path, "select count(*) from labels") == [(len(labels),)]
    assert rows(made.path, "select count(profile_segment) from decision_input") == [(EVENTS,)]
    assert rows(made.path, "select count(device_os) > 0 from decision_input") == [(True,)]


def test_the_file_goes_by_any_name(made: Made, tmp_path: Path) -> None:
    shutil.copy(made.path, tmp_path / "other.duckdb")
    for table in ("stg_payments", "rejected_events", "decision_input", "decisions", "stg_card_profiles"):
        assert rows(tmp_path / "other.duckdb", f"select count(*) > 0 from {table}") == [(True,)], table


def test_no_card_number_is_left_in_the_file(tmp_path: Path) -> None:
    event = '"event_ts": "2026-01-05T10:00:00Z", "amount_minor": 100, "currency": "EUR"'
    lines = [
        f'{{"event_id": "e1", "card_id": "tok_1", {event}}}',
        f'{{"event_id": "e2", "card_id": "4111111111111111", {event}}}',
        '{"event_id": "e3", "card_id": "tok_3", "note": "378282246310005"}',
    ]
    (tmp_path / "payments.jsonl").write_text("\n".join(lines))
    source = open_source(str(tmp_path / "payments.jsonl"))
    batch_of_inputs(source, tmp_path / "out.duckdb")
    source.close()
    kept = (tmp_path / "out.duckdb").read_bytes()
    for number in (b"4111111111111111", b"378282246310005"):
        assert number not in kept
    assert rows(tmp_path / "out.duckdb", "select count(*) from rejected_events") == [(2,)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.duckdb", "payments.jsonl"]


def test_a_file_that_is_there_is_left_alone(made: Made) -> None:
    before = made.path.stat().st_mtime_ns
    with pytest.raises(RiskwaveError, match="is there already; choose another"):
        batch_of_state(made.path, made.path)
    assert made.path.stat().st_mtime_ns == before


def test_a_folder_that_is_not_there_is_named(made: Made, tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match="there is no folder"):
        batch_of_state(made.path, tmp_path / "nowhere" / "x.duckdb")


def test_a_source_without_end_is_refused(made: Made, tmp_path: Path) -> None:
    source = open_source(str(made.bank / "transactions.jsonl"), follow=True)
    with pytest.raises(RiskwaveError, match="has no end, and a batch needs one"):
        batch_of_inputs(source, tmp_path / "x.duckdb")
    source.close()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_batch_that_failed(made: Made, tmp_path: Path) -> None:
    whole = gzip.compress((made.bank / "transactions.jsonl").read_bytes())
    (tmp_path / "damaged.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    source = open_source(str(tmp_path / "damaged.jsonl.gz"))
    with pytest.raises(RiskwaveError, match=r"damaged\.jsonl\.gz"):
        batch_of_inputs(source, tmp_path / "x.duckdb")
    source.close()
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.jsonl.gz"]


def test_a_batch_over_staged_payments_decides_the_same(made: Made, tmp_path: Path) -> None:
    said: list[str] = []
    batch = batch_of_state(made.path, tmp_path / "again.duckdb", say=said.append)
    assert (batch.received, batch.accepted, batch.duplicates, batch.rejected) == (EVENTS, EVENTS, 0, 0)
    assert batch.actions == made.said["actions"]
    assert said[0] == "copying staged payments"
    assert any(f"models over {EVENTS:,} payments: " in words for words in said), said
    report = compare(made.path, tmp_path / "again.duckdb")
    assert report.equal, report.as_dict()
    assert report.events == EVENTS


def test_a_state_without_payments_is_refused(tmp_path: Path) -> None:
    connect(tmp_path / "empty.duckdb").close()
    with pytest.raises(RiskwaveError, match=r"empty\.duckdb: has no table stg_payments"):
        batch_of_state(tmp_path / "empty.duckdb", tmp_path / "out.duckdb")
    assert not (tmp_path / "out.duckdb").exists()
