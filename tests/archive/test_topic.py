"""Decisions of a real Kafka topic in an archive: each once, whatever is killed, and whatever is sent twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
from typer.testing import CliRunner

from riskwave.archive.topic import TopicFeed, parse
from riskwave.cli import app
from riskwave.errors import RiskwaveError
from riskwave.sources.batch import raw_table
from tests.support.kafka_server import KafkaBroker
from tests.support.processes import wait_until

EVENTS = 3_000
#: The command alone: without the others it is there sooner.
COMMAND = "import typer; from riskwave.archive.cli import archive_command as run; typer.run(run)"


def message(number: int, revision: int = 0) -> bytes:
    """A decision with what was known, as a sink writes it."""
    return orjson.dumps(
        {
            "event_id": f"e{number}",
            "event_ts": f"2026-01-{1 + number % 3:02}T12:00:00.{number:06}Z",
            "card_id": f"c{number % 50}",
            "action": "block" if number % 10 == 0 else "allow",
            "is_anomaly": number % 10 == 0,
            "rule_ids": ["card_velocity"] if number % 10 == 0 else [],
            "reasons": [],
            "model_score": None if number % 2 else 1,
            "card_txn_count_10m": number % 7,
            "revision": revision,
        }
    )


def archived(folder: Path, query: str) -> list[Any]:
    """Rows of a query over the archive's tables, named as they are."""
    with duckdb.connect() as connection:
        for table in ("decisions", "decision_input", "rejected_messages"):
            if (folder / table).is_dir():
                files = f"'{folder}/{table}/*/*.parquet'"
                connection.execute(f"create view {table} as select * from read_parquet({files})")
        return connection.execute(query).fetchall()


def _commits(folder: Path) -> int:
    file = folder / "archive.json"
    return int(json.loads(file.read_text())["commit"]) if file.is_file() else 0


def test_killed_again_and_again_each_decision_is_there_once(kafka_broker: KafkaBroker, tmp_path: Path) -> None:
    dice = random.Random(29)
    topic = kafka_broker.create_topic(partitions=3)
    uri = f"kafka://{kafka_broker.address}/{topic}"
    folder = tmp_path / "history"
    command = [sys.executable, "-c", COMMAND, "--source", uri, "--out", str(folder), "--every", "0"]
    parts = 3
    for part in range(parts):
        numbers = list(range(part * EVENTS // parts, (part + 1) * EVENTS // parts))
        # A sink that starts anew sends again what it had sent; an event's later revisions are rows of their own.
        sent = [message(n) for n in numbers] + [message(n, 1) for n in numbers[::20]]
        sent += dice.sample(sent, len(sent) // 3)
        before = _commits(folder)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            for place in range(3):
                kafka_broker.send(topic, sent[place::3], partition=place)
            # Killed after it has committed some of it, wherever it then is.
            wait_until(lambda before=before: _commits(folder) > before, limit_s=60, what="a commit")
            process.kill()
    done = subprocess.run([*command, "--until-idle", "--json"], check=True, capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout)["out"] == str(folder)

    expected = EVENTS + parts * len(range(0, EVENTS // parts, 20))
    counted = "select count(*), count(distinct (event_id, revision)), count(distinct event_id) from"
    assert archived(folder, f"{counted} decisions") == [(expected, expected, EVENTS)]
    assert archived(folder, f"{counted} decision_input") == [(expected, expected, EVENTS)]
    kept = archived(folder, "select event_ts, action, rule_ids, model_score from decisions where event_id = 'e20'")
    assert kept[0] == (datetime(2026, 1, 3, 12, 0, 0, 20), "block", ["card_velocity"], 1.0)
    assert archived(folder, "select sum(card_txn_count_10m) from decision_input where revision = 0") == [
        (sum(n % 7 for n in range(EVENTS)),)
    ]


def test_what_is_no_decision_is_kept_with_its_bytes(kafka_broker: KafkaBroker, tmp_path: Path) -> None:
    topic = kafka_broker.create_topic()
    bad = [b"{", b"[]", b'{"event_id": "x"}', b'{"event_id": "x", "event_ts": "2026-01-01", "is_anomaly": "perhaps"}']
    kafka_broker.send(topic, [message(1), *bad, message(2)])
    arguments = ["archive", "--source", f"kafka://{kafka_broker.address}/{topic}?until=end", "--out", str(tmp_path)]
    for rows in (Counter(decisions=2, decision_input=2, rejected_messages=4), Counter()):
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert done.exit_code == 0, done.output
        assert Counter(json.loads(done.stdout)["rows"]) == rows
    assert archived(tmp_path, "select source_offset, raw from rejected_messages order by all") == list(
        enumerate(bad, 1)
    )
    [(reason,)] = archived(tmp_path, "select reason from rejected_messages where source_offset = 4")
    assert reason == "is_anomaly: 'perhaps' is no bool"


def test_a_topic_made_anew_is_not_taken_for_the_old_one(kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic()
    feed = TopicFeed(f"kafka://{kafka_broker.address}/{topic}")
    with pytest.raises(RiskwaveError, match="lacks"):
        feed.seek({"0": 3, "1": 7})
    feed.close()


def test_a_decision_without_features_is_a_decision_alone() -> None:
    said = {
        "event_id": "e",
        "event_ts": 1_767_225_600_000,
        "card_id": "c",
        "action": "allow",
        "seen_at": "2026-01-01T00:00:00Z",
    }
    raw = raw_table({}, raw=[orjson.dumps(said)], source="topic", partition=0, offsets=[0])
    found = parse(raw)
    assert list(found) == ["decisions"]
    [row] = found["decisions"].to_pylist()
    assert row["event_ts"] == datetime(2026, 1, 1)
