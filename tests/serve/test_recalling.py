"""Requests decided by the history that a server has, here a PostgreSQL with the relations that RisingWave has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import orjson
import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from riskwave.cli import app
from riskwave.parity import compare
from riskwave.project import compiled_project
from riskwave.risingwave.dsn import Address, address_of
from riskwave.risingwave.relations import SPAN
from riskwave.serve.service import Service
from riskwave.simulator import SimulatedBank, simulate
from tests.serve.conftest import PATIENT, Served
from tests.support.decided import only, whole_batch
from tests.support.processes import wait_until

EVENTS, ASKED = 1_200, 60
KINDS = {
    "VARCHAR": "text",
    "VARCHAR[]": "text[]",
    "BIGINT": "bigint",
    "HUGEINT": "numeric",
    "INTEGER": "integer",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamp",
    "BLOB": "bytea",
}
JSON = {"content-type": "application/json"}


@cache
def _bank() -> SimulatedBank:
    return simulate(EVENTS, 31, days=45)


def _payment(place: int) -> bytes:
    """A payment as it was sent; those not known there are the last: -ASKED to -1."""
    return _last(EVENTS)[place]


def _last(count: int = ASKED) -> list[bytes]:
    sent: list[bytes] = _bank().arrivals.rows(EVENTS - count, count).column("raw").to_pylist()
    return sent


class There:
    """A schema of a PostgreSQL server, with what a batch knows as RisingWave has it."""

    def __init__(self, dsn: str) -> None:
        self.schema = f"there_{uuid4().hex[:8]}"
        self.address: Address = address_of(f"{dsn}?schema={self.schema}")
        self._connection = psycopg.connect(dsn, autocommit=True)
        self.run(f"create schema {self.schema}")
        self.run(f"set search_path to {self.schema}")

    def run(self, statement: str) -> None:
        self._connection.execute(statement.encode())

    def fill(self, batch: Path) -> None:
        """Put the batch's relations there."""
        models = compiled_project()
        with duckdb.connect(str(batch), read_only=True) as kept:
            for model in (*models.of_role("tile"), *models.of_role("dimension")):
                self._copy(kept, model.name, f"select * from {model.name}")
            self._copy(kept, "stg_payments", "select * from stg_payments")
            self._copy(
                kept, SPAN, "select min(event_ts) as first_event_ts, max(event_ts) as last_event_ts from stg_payments"
            )
            self._copy(kept, "decision_input__now", "select * from decision_input")
            self._copy(kept, "decision_input", "select *, 1 as revision from decision_input")
            self._copy(kept, "decisions", "select *, 1 as version from decisions")

    def _copy(self, kept: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        columns = kept.execute(f"describe {query}").fetchall()
        shape = ", ".join(f'"{column}" {KINDS[kind]}' for column, kind, *_ in columns)
        self.run(f'create table "{name}" ({shape})')
        with self._connection.cursor() as cursor:
            into = sql.SQL("copy {} from stdin").format(sql.Identifier(name))
            with cursor.copy(into) as copy:
                for row in kept.execute(query).fetchall():
                    copy.write_row(row)

    def end_sessions(self) -> None:
        """End all sessions but this one."""
        self.run("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")

    def close(self) -> None:
        self.run(f"drop schema {self.schema} cascade")
        self._connection.close()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The batch over all payments but the last."""
    return whole_batch(_bank(), tmp_path_factory.mktemp("before") / "before.duckdb", EVENTS - ASKED)


@pytest.fixture(scope="module")
def there(before: Path, postgres_server: str) -> Iterator[There]:
    """A server that has all payments but the last."""
    made = There(postgres_server)
    made.fill(before)
    yield made
    made.close()


@pytest.fixture(scope="module")
def desk(there: There, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without a history of its own."""
    service = Service(tmp_path_factory.mktemp("desk") / "desk.duckdb", PATIENT, history=there.address)
    service.decider.start()
    yield Served(service)
    service.close()


def _ask(served: Served, body: bytes | dict[str, Any], **given: Any) -> Any:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return served.client("decide").post("/v1/decisions?features=true", content=content, headers=JSON, **given)


def test_asked_is_the_batch(there: There, tmp_path: Path) -> None:
    service = Service(tmp_path / "desk.duckdb", PATIENT, history=there.address)
    service.decider.start()
    body = b'{"events": [%b]}' % b",".join(_last())
    answer = Served(service).client("decide").post("/v1/decisions:batch", content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
    service.close()
    whole = whole_batch(_bank(), tmp_path / "whole.duckdb", EVENTS)
    report = compare(tmp_path / "desk.duckdb", only(whole, _last()))
    assert not report.differing, report.as_dict()
    assert report.events == ASKED


def test_a_burst_is_counted_before_the_server_has_it(desk: Served) -> None:
    first = orjson.loads(_payment(-2))
    before = _ask(desk, first).json()["features"]["card_txn_count_24h"]
    counts = []
    for place in range(3):
        answer = _ask(desk, {**first, "event_id": f"burst-{place}"})
        counts.append(answer.json()["features"]["card_txn_count_24h"])
    assert counts == [before + 1, before + 2, before + 3]


def test_what_the_stream_decided_is_answered_again(desk: Served, there: There, before: Path) -> None:
    known = orjson.loads(_payment(EVENTS // 2))
    answer = _ask(desk, known)
    assert answer.headers["riskwave-replayed"] == "true"
    with duckdb.connect(str(before), read_only=True) as kept:
        query = "select d.action, k.card_txn_count_24h from decisions d join decision_input k using (event_id)"
        [row] = kept.execute(f"{query} where event_id = $1", [known["event_id"]]).fetchall()
    assert (answer.json()["action"], answer.json()["features"]["card_txn_count_24h"]) == row


def test_what_was_decided_here_is_answered_again_after_a_restart(there: There, tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        service = Service(tmp_path / "desk.duckdb", PATIENT, history=there.address)
        service.decider.start()
        answers.append(_ask(Served(service), _payment(-2)))
        service.close()
    first, again = answers
    assert "riskwave-replayed" not in first.headers
    assert again.headers["riskwave-replayed"] == "true"
    assert again.json() == first.json()


def test_without_the_server_requests_are_refused_and_events_wait(desk: Served, there: There) -> None:
    asked, handed, later = _last()[:3]
    assert _ask(desk, asked).status_code == 200
    there.run("alter table stg_payments rename to away")
    refused = _ask(desk, later)
    assert refused.status_code == 503
    assert "history" in refused.json()["detail"]
    assert refused.headers["retry-after"]
    accepted = desk.client("decide").post("/v1/events", content=handed, headers=JSON)
    assert accepted.status_code == 202
    there.run("alter table away rename to stg_payments")
    where = accepted.json()["decision"]
    reader = desk.client("read")
    wait_until(lambda: reader.get(where).status_code == 200, limit_s=60, what=where)
    assert _ask(desk, later).status_code == 200


def test_sessions_that_end_are_begun_again(desk: Served, there: There) -> None:
    assert _ask(desk, _payment(-2)).status_code == 200
    there.end_sessions()
    assert _ask(desk, _payment(-1)).status_code == 200


def test_verdicts_go_to_where_the_history_is(desk: Served) -> None:
    assert _ask(desk, _payment(-2)).status_code == 200
    event = orjson.loads(_payment(-2))["event_id"]
    client = desk.client("label")
    refused = client.post("/v1/labels", json={"event_id": event, "verdict": "fraud"})
    assert refused.status_code == 409
    assert "topic" in refused.json()["detail"]
    assert client.post("/v1/labels", json={"event_id": event, "verdict": "unsure", "note": "ask"}).status_code == 201


def test_an_edit_decides_here_though_it_cannot_be_put_in_force(desk: Served, caplog: pytest.LogCaptureFixture) -> None:
    """This server has no RisingWave's catalog: the log says what is not in force there, and requests go on."""
    edit = {"value": "4", "why": "card testing"}
    assert desk.client("tune").put("/v1/thresholds/card_velocity/max_count", json=edit).status_code == 200
    wait_until(lambda: "is not in force on RisingWave" in caplog.text, limit_s=60, what="the log")
    answer = _ask(desk, {**orjson.loads(_payment(-2)), "event_id": "after-the-edit"})
    assert answer.json()["control_version"] == desk.service.control.version


def test_a_source_beside_it_is_refused(tmp_path: Path) -> None:
    state = str(tmp_path / "desk.duckdb")
    options = ["--history", "risingwave://127.0.0.1:1/dev", "--source", "kafka://127.0.0.1:1/payments"]
    done = CliRunner().invoke(app, ["serve", "--state", state, *options])
    assert done.exit_code != 0
    assert "--source" in str(done.exception)
