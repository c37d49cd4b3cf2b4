"""A ruleset compiled for a stream decides as the reference does: look-ups by equality, networks as blocks.

DuckDB runs the statement and the dbt models it reads, with plain joins; tests/risingwave runs it on a stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskwave.errors import RiskwaveError
from riskwave.project import compiled_project
from riskwave.risingwave.entries import NEVER, EntryRow, WantedEntry, staged
from riskwave.rules.compile import Canary, Compiled, compile_ruleset
from riskwave.rules.lists import ListEntry, Lists, list_entry
from riskwave.rules.reference import decide
from tests.rules.test_compile import CHECKED, NOW, OTHER, PACK, SCHEMA, entries, rows, values

KEEP = ("event_ts", "card_id", "channel")
COMPILED = compile_ruleset(PACK, dialect="duckdb", streaming=True, keep=KEEP)
ENTRIES = pa.schema(
    [
        ("list_name", pa.string()),
        ("value", pa.string()),
        ("expires_at", pa.timestamp("us")),
        ("reason", pa.string()),
        ("next_version", pa.int64()),
        ("next_expires_at", pa.timestamp("us")),
    ]
)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with int_list_entries and int_list_blocks over a table list_entries, as the dbt models have them."""
    models = compiled_project("duckdb").models
    with duckdb.connect() as connection:
        connection.register("no_entries", ENTRIES.empty_table())
        connection.execute("create table list_entries as select * from no_entries")
        connection.execute(f"create view int_list_entries as {models['int_list_entries'].sql}")
        connection.execute(f"create view list_blocks as {models['int_list_blocks'].sql}")
        yield connection


def listed(database: duckdb.DuckDBPyConnection, entries: Sequence[ListEntry]) -> list[ListEntry]:
    """The entries in the table, of those with the same value the last."""
    kept = {(entry.list_name, entry.value): entry for entry in entries}
    write(database, {key: EntryRow(entry.expires_at) for key, entry in kept.items()})
    return list(kept.values())


def write(database: duckdb.DuckDBPyConnection, rows: Mapping[tuple[str, str], EntryRow]) -> None:
    """The rows as all there are."""
    table = [{"list_name": name, "value": value, **vars(row)} for (name, value), row in rows.items()]
    database.execute("delete from list_entries")
    database.register("given_entries", pa.Table.from_pylist(table, ENTRIES))
    database.execute("insert into list_entries select * from given_entries")


def asked(
    database: duckdb.DuckDBPyConnection,
    given: Sequence[Row],
    values: Any,
    version: int = 7,
    compiled: Compiled = COMPILED,
) -> list[Row]:
    known = pa.Table.from_pylist([{**row, "event_id": f"e{n}"} for n, row in enumerate(given)], SCHEMA)
    thresholds = compiled.threshold_row(values, version).append_column("ruleset", pa.array([PACK.name]))
    database.register("decision_input", known)
    database.register("rule_thresholds", thresholds)
    found = database.sql(compiled.sql).to_arrow_table().to_pylist()
    return sorted(found, key=lambda row: int(row["event_id"][1:]))


@settings(max_examples=30)
@given(rows, entries, values)
def test_decides_as_the_reference(
    database: duckdb.DuckDBPyConnection, given: list[Row], entries: list[ListEntry], values: Any
) -> None:
    lists = Lists.of(listed(database, entries))
    found = asked(database, given, values)
    assert len(found) == len(given)
    for row, got in zip(given, found, strict=True):
        expected = decide(CHECKED, row, values, lists)
        assert {name: got[name] for name in vars(expected)} == vars(expected)
        assert {name: got[name] for name in KEEP} == {name: row[name] for name in KEEP}
        assert got["control_version"] == 7


@settings(max_examples=30)
@given(rows, entries, entries, values)
def test_lists_that_are_written_before_take_force_with_their_version(
    database: duckdb.DuckDBPyConnection,
    given: list[Row],
    before: list[ListEntry],
    later: list[ListEntry],
    values: Any,
) -> None:
    rows = {(e.list_name, e.value): EntryRow(e.expires_at) for e in before}
    wanted = {(e.list_name, e.value): WantedEntry(e.expires_at or NEVER) for e in later}
    write(database, {**rows, **written(staged(rows, wanted, now=7, version=8))})
    for version, of in ((7, before), (8, later)):
        kept = list({(e.list_name, e.value): e for e in of}.values())
        fired = [(row["action"], row["rule_ids"]) for row in asked(database, given, values, version)]
        told = [decide(CHECKED, row, values, Lists.of(kept)) for row in given]
        assert fired == [(each.action, each.rule_ids) for each in told]


def written(changes: Mapping[tuple[str, str], EntryRow | None]) -> dict[tuple[str, str], EntryRow]:
    """What is staged, which is never to delete."""
    assert None not in changes.values()
    return {key: row for key, row in changes.items() if row is not None}


def test_a_feed_decides_while_it_is_called_and_what_the_one_called_knew(database: duckdb.DuckDBPyConnection) -> None:
    compiled = compile_ruleset(PACK, dialect="duckdb", streaming=True, feed="one", keep=(*KEEP, "known_by"))
    listed(database, [])
    database.execute("create or replace temp table feeds_in_force (ruleset varchar, feed varchar, known_by varchar)")
    called = f"insert into feeds_in_force values ('{PACK.name}', 'one', 'a')"
    given = [{"known_by": "a"}, {"known_by": "b"}, {"known_by": None}]
    schema = SCHEMA.append(pa.field("known_by", pa.string()))

    def decided() -> list[str | None]:
        known = pa.Table.from_pylist([{**row, "event_id": f"e{n}"} for n, row in enumerate(given)], schema)
        thresholds = compiled.threshold_row({}, 7).append_column("ruleset", pa.array([PACK.name]))
        database.register("decision_input", known)
        database.register("rule_thresholds", thresholds)
        return [row[0] for row in database.sql(f"select known_by from ({compiled.sql}) order by event_id").fetchall()]

    assert decided() == []
    database.execute(called)
    assert decided() == ["a", None]
    database.execute("update feeds_in_force set known_by = null")
    assert decided() == ["a", "b", None]
    database.execute("update feeds_in_force set feed = 'another'")
    assert decided() == []


addresses = st.builds("{}.{}.{}.{}".format, *[st.sampled_from([0, 9, 10, 127, 128, 255])] * 4)


@settings(max_examples=40)
@given(st.lists(st.tuples(addresses, st.integers(0, 32)), min_size=1, max_size=4), st.lists(addresses, min_size=1))
def test_an_address_is_in_a_network_s_blocks_when_it_is_in_the_network(
    database: duckdb.DuckDBPyConnection, networks: list[tuple[str, int]], asked_for: list[str]
) -> None:
    masked = []
    for address, bits in networks:
        number = sum(int(part) << shift for part, shift in zip(address.split("."), (24, 16, 8, 0), strict=True))
        first = number >> (32 - bits) << (32 - bits)
        masked.append(list_entry("block_ip", f"{'.'.join(str(first >> s & 255) for s in (24, 16, 8, 0))}/{bits}"))
    # Written with host bits, a network is the same network.
    listed(database, [ListEntry("block_ip", f"{address}/{bits}") for address, bits in networks])
    given = [{"ip": ip, "event_ts": NOW} for ip in asked_for]
    fired = ["bad_ip" in row["rule_ids"] for row in asked(database, given, {})]
    lists = Lists.of(masked)
    assert fired == [lists.holds("block_ip", ip, NOW, address=True) for ip in asked_for]


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0/8", "300.0.0.0/8", "10.0.0.0", "::/0", "10.0.0.0/", "/8", "x"])
def test_what_is_no_network_has_no_blocks(database: duckdb.DuckDBPyConnection, text: str) -> None:
    listed(database, [ListEntry("block_ip", text)])
    assert database.sql("select low, high from int_list_entries").fetchall() == [(None, None)]
    assert database.sql("select * from list_blocks").fetchall() == []


def test_a_network_is_256_blocks_at_most(database: duckdb.DuckDBPyConnection) -> None:
    listed(database, [list_entry("block_ip", f"128.0.0.0/{bits}") for bits in range(1, 33)])
    blocks = dict(database.sql("select block >> 32, count(*) from list_blocks group by all").fetchall())
    assert blocks == {8: 128, 16: 128, 24: 128, 32: 128}
    listed(database, [list_entry("block_ip", "0.0.0.0/0", datetime(2026, 2, 1))])
    assert database.sql("select count(*), min(expires_at) from list_blocks").fetchall() == [(256, datetime(2026, 2, 1))]


def test_a_stream_looks_up_what_is_there_as_a_row_comes() -> None:
    compiled = compile_ruleset(PACK, dialect="risingwave", streaming=True, canary=Canary(OTHER, 0.5), shadows=[OTHER])
    joins = compiled.sql.count(" join ")
    assert joins == compiled.sql.count(" for system_time as of proctime() as ") > 0
    assert "cross join" not in compiled.sql


def test_a_statement_is_for_batches_or_for_a_stream() -> None:
    with pytest.raises(RiskwaveError, match="fast and streaming"):
        compile_ruleset(PACK, dialect="duckdb", fast=True, streaming=True)
