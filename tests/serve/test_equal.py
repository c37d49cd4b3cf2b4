"""One payment has one decision, whoever asks: over HTTP, on the stream, in batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from riskwave.engine.engine import Engine
from riskwave.parity import compare
from riskwave.run.cli import open_inputs
from riskwave.run.loop import run_loop
from riskwave.serve.service import Service
from riskwave.simulator import simulate
from riskwave.simulator.write import write
from tests.serve.conftest import PATIENT, Served
from tests.support.processes import wait_until

EVENTS = 120
PART = 10

pytestmark = pytest.mark.xdist_group("serve_equal")


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    write(simulate(EVENTS, 31, days=45, late=0.02, out_of_order=0.02), folder, "jsonl")
    return folder / "transactions.jsonl"


@pytest.fixture(scope="module")
def asked(payments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third is asked about one by one, a third in batches, a third handed in for later; in the stream's order."""
    state = tmp_path_factory.mktemp("asked") / "asked.duckdb"
    service = Service(state, PATIENT)
    service.decider.start()
    served = Served(service)
    client, reader = served.client("decide"), served.client("read")
    lines = payments.read_bytes().splitlines()
    answers = {}
    for place, line in enumerate(lines):
        kind = place // PART % 3
        headers = {"content-type": "application/json"}
        if kind == 0:
            answer = client.post("/v1/decisions", content=line, headers=headers)
            assert answer.status_code == 200, answer.text
            answers[answer.json()["event_id"]] = answer.json()
        elif kind == 1 and place % PART == 0:
            body = b'{"events": [%b]}' % b",".join(lines[place : place + PART])
            answer = client.post("/v1/decisions:batch", content=body, headers=headers)
            assert answer.status_code == 200, answer.text
            answers |= {item["event_id"]: item["decision"] for item in answer.json()["decisions"]}
        elif kind == 2:
            accepted = client.post("/v1/events", content=line, headers=headers)
            assert accepted.status_code == 202, accepted.text
            if place % PART == PART - 1:
                where = accepted.json()["decision"]
                wait_until(lambda where=where: reader.get(where).status_code == 200, limit_s=60, what=where)
    wait_until(lambda: service.decider.desk.waiting == 0, limit_s=60, what="the last event")
    # What was answered is what is kept.
    kept = service.decider.reading.rows("select * from decisions where version = 1")
    assert len(kept) == len(lines)
    for row in kept:
        if row["event_id"] in answers:
            said = orjson.loads(orjson.dumps(row, option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z))
            answer = answers[row["event_id"]]
            assert {name: said[name] for name in answer if name != "features"} == answer
    service.close()
    return state


def test_asked_is_streamed(asked: Path, payments: Path, tmp_path: Path) -> None:
    engine = Engine(tmp_path / "streamed.duckdb")
    run_loop(engine, open_inputs(str(payments), None, None, None, None, follow=False).source)
    engine.close()
    report = compare(asked, tmp_path / "streamed.duckdb")
    assert report.equal, report.as_dict()
    assert report.events == EVENTS


def test_asked_is_the_batch(asked: Path) -> None:
    report = compare(asked, "batch")
    assert not report.differing, report.as_dict()
    # A batch holds no rule back while its windows fill: it has no columns for that.
    assert not [one for one in (*report.only_left, *report.only_right) if one.kind != "columns"], report.as_dict()
    assert report.events == EVENTS


def test_a_source_and_requests_are_decided_by_one_loop(
    payments: Path, tmp_path: Path, serving: Callable[..., Served]
) -> None:
    """A source beside requests: each event once, the requests' among the source's history."""
    inputs = open_inputs(str(payments), None, None, None, None, follow=False)
    served = serving(tmp_path / "both.duckdb", inputs=inputs)
    client = served.client("decide")
    first = orjson.loads(payments.read_bytes().splitlines()[0])
    wait_until(lambda: served.service.decider.desk.stream_fault == "it ended", limit_s=60, what="the file's end")
    asked = {**first, "event_id": "asked-beside"}
    answer = client.post("/v1/decisions?features=true", json=asked).json()
    assert answer["features"]["card_txn_count_10m"] >= 2
    again = client.post("/v1/decisions", json=first).json()
    assert again["source"] == str(payments)
    rows = served.service.decider.reading.rows("select count(*) as n, count(distinct event_id) as d from decisions")
    assert rows[0]["n"] >= rows[0]["d"] == EVENTS + 1
