"""The reference and the compiled SQL say the same of any predicate and any row."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from riskwave.errors import RiskwaveError
from riskwave.rules.bounds import impossible
from riskwave.rules.emit import Dialect, Emitter
from riskwave.rules.evaluate import evaluate
from riskwave.rules.predicate import parse
from riskwave.rules.tree import Node
from tests.rules import written

SCHEMA = pa.schema(
    [
        ("n", pa.int64()),
        *((name, pa.string()) for name in ("t1", "t2", "codes")),
        *((name, pa.int64()) for name in ("i1", "i2")),
        *((name, pa.float64()) for name in ("n1", "n2")),
        *((name, pa.bool_()) for name in ("b1", "b2")),
        *((name, pa.timestamp("us")) for name in ("event_ts", "s1")),
    ]
)
Row = dict[str, Any]
Ask = Callable[[str, list[Row]], list[bool | None]]


def compiled(node: Node, dialect: Dialect, values: Row) -> str:
    literals = Emitter(dialect, str, str, lambda name, column: "null")
    kinds = {part.value: part.kind for part in node.walk() if part.op == "threshold"}

    def threshold(name: str) -> str:
        value = float(values[name]) if kinds[name] == "number" else values[name]
        return (
            f"cast({literals.literal(value)} as double precision)"
            if kinds[name] == "number"
            else literals.literal(value)
        )

    return Emitter(dialect, str, threshold, lambda name, column: "null").sql(node)


def read(text: str) -> Node:
    try:
        node, _ = parse(text, written.COLUMNS, written.THRESHOLDS)
    except RiskwaveError:
        assume(False)
        raise
    return node


@pytest.fixture(scope="module")
def ask_duckdb() -> Iterator[Ask]:
    with duckdb.connect() as connection:

        def ask(sql: str, rows: list[Row]) -> list[bool | None]:
            table = pa.Table.from_pylist([{**row, "n": n} for n, row in enumerate(rows)], SCHEMA)
            connection.register("rows_given", table)
            return [value for _, value in connection.execute(f"select n, {sql} from rows_given order by n").fetchall()]

        yield ask


@settings(max_examples=250, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(written.predicates, st.lists(written.rows(strange=True), min_size=1, max_size=8), written.thresholds())
def test_duckdb_agrees(ask_duckdb: Ask, text: str, rows: list[Row], values: Row) -> None:
    node = read(text)
    expected = [evaluate(node, row, values) for row in rows]
    assert ask_duckdb(compiled(node, "duckdb", values), rows) == expected


@pytest.fixture(scope="module")
def ask_risingwave(risingwave: str) -> Iterator[Ask]:
    with psycopg.connect(risingwave, autocommit=True) as connection:
        kinds = {pa.string(): "varchar", pa.int64(): "bigint", pa.float64(): "double precision", pa.bool_(): "boolean"}

        def ask(sql: str, rows: list[Row]) -> list[bool | None]:
            literals = Emitter("risingwave", str, str, lambda name, column: "null")
            said = []
            for n, row in enumerate(rows):
                cells = []
                for field in SCHEMA:
                    value = {**row, "n": n}[field.name]
                    literal = "null" if value is None else literals.literal(value)
                    cells.append(f"cast({literal} as {kinds.get(field.type, 'timestamp')})")
                said.append(f"({', '.join(cells)})")
            names = ", ".join(SCHEMA.names)
            query = f"select n, {sql} from (values {', '.join(said)}) as rows_given ({names}) order by n"
            return [value for _, value in connection.execute(query.encode()).fetchall()]

        yield ask


@pytest.mark.xdist_group("risingwave")
@settings(max_examples=150, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(written.predicates, st.lists(written.rows(strange=False), min_size=1, max_size=8), written.thresholds())
def test_risingwave_agrees(ask_risingwave: Ask, text: str, rows: list[Row], values: Row) -> None:
    node = read(text)
    expected = [evaluate(node, row, values) for row in rows]
    assert ask_risingwave(compiled(node, "risingwave", values), rows) == expected


FACTS = st.sampled_from(
    [
        *(
            f"{name} {op} {value}"
            for name in ("i1", "n1")
            for op in ("=", "<>", "<", "<=", ">", ">=")
            for value in (0, 1, 2)
        ),
        *("i1 between 1 and 2", "n1 between 0 and 1", "i1 in (0, 1)", "i1 not in (1, 2)", "not i1 between 1 and 2"),
        *("t1 = 'a'", "t1 <> 'a'", "t1 in ('a', 'b')", "t1 is null", "t1 is not null", "t1 ~ 'b'", "not t1 = 'a'"),
        *("b1", "not b1", "b1 is true", "b1 is false", "b1 is null", "b1 = b2", "i1 > n1", "i1 < :whole", ":flag"),
    ]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(FACTS, min_size=2, max_size=4), st.booleans())
def test_what_is_called_impossible_never_fires(facts: list[str], either: bool) -> None:
    """Nothing that can fire is refused: over every row of the values that the facts are about."""
    joined = f"({facts[0]} or {facts[1]})" if either else f"{facts[0]} and {facts[1]}"
    node = read(" and ".join([joined, *facts[2:]]))
    values = {"whole": 1, "part": 0.0, "word": "", "flag": True}
    if impossible(node, written.COLUMNS, values) is None:
        return
    small = itertools.product(
        (None, 0, 1, 2), (None, 0.0, 0.5, 2.5), (None, "a", "b"), (None, True, False), (True, False)
    )
    for i1, n1, t1, b1, b2 in small:
        assert evaluate(node, {"i1": i1, "n1": n1, "t1": t1, "b1": b1, "b2": b2}, values) is not True


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("i1 > 1 and b1", {"i1": 0}, False),
        ("i1 > 1 and b1", {"i1": 2}, None),
        ("i1 > 1 or b1", {"i1": 2}, True),
        ("i1 > 1 or b1", {"i1": 0}, None),
        ("not b1", {}, None),
        ("b1 is not true", {}, True),
        ("i1 in (1, 2)", {}, None),
        ("i1 / 2 = 2.5", {"i1": 5}, True),
        ("i1 / i2 > 0", {"i1": 5, "i2": 0}, None),
        ("round(n1) = 3", {"n1": 2.5}, True),
        ("round(n1) = -3", {"n1": -2.5}, True),
        ("i1 * i1 > 0", {"i1": 2**63 - 1}, True),
        ("greatest(n1, n2) = 1", {"n1": 1.0}, True),
        ("t1 ~ 'b$'", {"t1": "ab\n"}, False),
        ("lower(t1) = 'ä'", {"t1": "Ä"}, False),
        ("lower(t1) = 'ab'", {"t1": "AB"}, True),
        ("sequence(codes, 'decline{2,} small+ large')", {"codes": "mddssl"}, True),
        ("sequence(codes, 'decline{2,} small+ large')", {"codes": "ddsslm"}, False),
        ("sequence(codes, 'decline{2,} any*')", {"codes": "ddsslm"}, True),
    ],
)
def test_three_valued_logic_by_hand(ask_duckdb: Ask, text: str, row: Row, expected: bool | None) -> None:
    node = read(text)
    whole = {name: row.get(name) for name in SCHEMA.names}
    assert evaluate(node, whole) is expected
    assert ask_duckdb(compiled(node, "duckdb", {}), [whole]) == [expected]
