"""A deployment read over PostgreSQL's protocol, as RisingWave speaks it, compared with a state.

A real PostgreSQL stands in: RisingWave has the relations in the same types, each revision of a row being kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from riskwave.errors import RiskwaveError
from riskwave.parity import compare
from tests.parity.sides import DECIDED, KNOWN, state

DEPLOYED = """
create schema stream;
create table stream.decision_input (
    event_id varchar, amount bigint, rate double precision, place varchar, seen timestamp,
    revision bigint, seen_at timestamptz
);
insert into stream.decision_input values
    ('a', 1, 0.1, null, '2026-01-01', 1, '2026-02-01 00:00:00+00'),
    ('a', 100, 0.5, 'here', '2026-01-01 00:00:01', 2, '2026-02-01 00:00:00+00'),
    ('b', 200, null, null, '2026-01-02', 1, '2026-02-01 00:00:00+00');
create table stream.log (
    event_id varchar, action text, is_anomaly boolean, rule_ids varchar[], decided_at timestamptz, version bigint
);
insert into stream.log values
    ('a', 'review', true, '{}', now(), 1),
    ('a', 'allow', false, '{}', now(), 2),
    ('b', 'block', true, '{one,two}', now(), 1);
create view stream.decisions as select *, nullif(version - 1, 0) as supersedes from stream.log;
create schema numbers;
create table numbers.decision_input as select event_id, amount, rate::numeric(9, 3), place, seen
from stream.decision_input where event_id = 'b' or revision = 2;
create schema empty;
create table empty.decision_input as select * from numbers.decision_input limit 0;
create schema odd;
create table odd.decisions (event_id varchar, point point);
"""


@pytest.fixture(scope="module")
def dsn(postgres_server: str) -> Iterator[str]:
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute("create database parity")
    dsn = postgres_server.rpartition("/")[0] + "/parity"
    with psycopg.connect(dsn, autocommit=True) as server:
        server.execute(DEPLOYED)
    yield dsn
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute("drop database parity")


@pytest.mark.parametrize("scheme", ["risingwave", "postgresql", "postgres"])
def test_the_last_revision_of_each_event_is_compared(dsn: str, tmp_path: Path, scheme: str) -> None:
    side = dsn.replace("postgresql", scheme, 1) + "?schema=stream"
    report = compare(state(tmp_path / "state.duckdb"), side)
    assert report.equal, report.as_dict()
    assert report.line == "equal: 2 events, 7 columns"


def test_what_differs_is_found(dsn: str, tmp_path: Path) -> None:
    mine = state(tmp_path / "state.duckdb", [row | {"amount": "100"} for row in KNOWN])
    [column] = compare(mine, f"{dsn}?schema=stream").differing
    assert (column.name, column.examples[0].event_id, column.examples[0].right) == ("amount", "b", 200)


def test_decimals_are_numbers(dsn: str, tmp_path: Path) -> None:
    report = compare(f"{dsn}?schema=numbers", state(tmp_path / "state.duckdb"))
    assert report.equal, report.as_dict()
    assert report.skipped == (f"decisions not compared: {dsn}?schema=numbers has none",)


def test_a_relation_without_rows_has_no_events(dsn: str, tmp_path: Path) -> None:
    report = compare(f"{dsn}?schema=empty", state(tmp_path / "state.duckdb"))
    assert report.events == 0
    assert [(part.kind, part.count) for part in report.only_right] == [("events", 2)]
    assert report.only_left == ()


def test_a_schema_without_the_relations_is_named(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match="has neither decision_input nor decisions"):
        compare(f"{dsn}?schema=nowhere", state(tmp_path / "state.duckdb"))


def test_a_type_that_is_not_compared_is_named(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match=r"decisions\.point has a type \(number 600\) that is not compared"):
        compare(f"{dsn}?schema=odd", state(tmp_path / "state.duckdb", None, DECIDED))


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    side = "risingwave://root:secret@127.0.0.1:1/dev"
    with pytest.raises(RiskwaveError, match=r"root:…@127\.0\.0\.1:1/dev: decision_input cannot be read") as error:
        compare(side, state(tmp_path / "state.duckdb"))
    assert "secret" not in str(error.value)
