"""What counts as the same, and what is said of what is not."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskwave.errors import RiskwaveError
from riskwave.parity import Column, Example, OneSided, Report, compare
from riskwave.parity.compare import same
from tests.parity.sides import DECIDED, KNOWN, Rows, changed, state


@pytest.fixture
def left(tmp_path: Path) -> Path:
    return state(tmp_path / "left.duckdb")


def against(left: Path, known: Rows | None = KNOWN, decided: Rows | None = DECIDED) -> Report:
    return compare(left, state(left.parent / "right.duckdb", known, decided))


def found(report: Report) -> dict[str, int]:
    return {column.name: column.differing for column in report.differing}


def test_equal_sides(left: Path) -> None:
    report = against(left)
    assert report.equal
    assert (report.events, len(report.columns)) == (2, 7)
    assert report.line == "equal: 2 events, 7 columns"


def test_a_file_is_itself(left: Path) -> None:
    assert compare(left, left).line == "equal: 2 events, 7 columns"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", "101"),
        ("amount", "null::integer"),
        ("rate", "0.500001"),
        ("rate", "null::double"),
        ("rate", "'nan'::double"),
        ("place", "'Here'"),
        ("place", "null"),
        ("seen", "timestamp '2026-01-01 00:00:01.000001'"),
    ],
)
def test_a_value_that_differs_is_named(left: Path, name: str, value: str) -> None:
    report = against(left, changed(KNOWN, 0, **{name: value}))
    assert not report.equal
    assert found(report) == {name: 1}
    [column] = report.differing
    assert column.relation == "decision_input"
    assert [example.event_id for example in column.examples] == ["a"]


@pytest.mark.parametrize("rules", ["['two', 'one']", "['one']", "['one', null]", "null::varchar[]"])
def test_lists_are_compared_in_order(left: Path, rules: str) -> None:
    report = against(left, decided=changed(DECIDED, 1, rule_ids=rules))
    assert found(report) == {"rule_ids": 1}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate", "0.5000004"),
        ("rate", "0.5::decimal(9, 3)"),
        ("amount", "100::bigint"),
        ("amount", "100::hugeint"),
        ("seen", "timestamptz '2026-01-01 02:00:01+02'"),
    ],
)
def test_another_way_to_say_the_same_is_the_same(left: Path, name: str, value: str) -> None:
    kinds = {"rate": "null", "amount": "200", "seen": "timestamptz '2026-01-02 00:00:00+00'"}
    known = changed(KNOWN, 0, **{name: value})
    known = changed(known, 1, **{name: kinds[name]}) if name == "seen" else known
    assert against(left, known).equal


def test_numbers_and_texts_are_not_the_same_kind(left: Path) -> None:
    report = against(left, [row | {"rate": "'half'"} for row in KNOWN])
    examples = (Example("a", 0.5, "half"), Example("b", None, "half"))
    assert report.differing == (Column("decision_input", "rate", 2, examples),)


def test_examples_are_as_many_as_asked_in_order_of_event(tmp_path: Path) -> None:
    ours = [{"event_id": f"'e{number}'", "amount": f"{number}"} for number in range(9)]
    theirs = [row | {"amount": "-1"} for row in ours]
    sides = state(tmp_path / "l.duckdb", ours, None), state(tmp_path / "r.duckdb", theirs, None)
    report = compare(*sides, examples=2)
    assert report.columns == (Column("decision_input", "amount", 9, (Example("e0", 0, -1), Example("e1", 1, -1))),)
    assert compare(*sides, examples=0).columns == (Column("decision_input", "amount", 9, ()),)


def test_columns_with_most_differences_come_first(left: Path) -> None:
    known = [row | {"amount": "7"} for row in changed(KNOWN, 0, place="'there'")]
    assert list(found(against(left, known))) == ["amount", "place"]


def test_events_on_one_side_only(left: Path) -> None:
    more = [KNOWN[0], KNOWN[1] | {"event_id": "'c'"}]
    report = against(left, more)
    assert not report.equal
    assert report.only_left == (OneSided("decision_input", "events", 1, ("b",)),)
    assert report.only_right == (OneSided("decision_input", "events", 1, ("c",)),)


def test_columns_on_one_side_only(left: Path) -> None:
    report = against(left, [row | {"more": "1"} for row in KNOWN])
    assert not report.equal
    assert report.only_right == (OneSided("decision_input", "columns", 1, ("more",)),)
    assert report.only_left == ()


def test_when_and_how_often_it_was_said_is_not_compared(left: Path) -> None:
    own = {
        **{"version": "1", "supersedes": "null::integer", "decided_at": "timestamp '2026-01-01'"},
        **{"history_from": "timestamp '2025-12-01'", "warming_rule_ids": "['far']"},
    }
    report = against(left, [row | own for row in KNOWN], [row | own for row in DECIDED])
    assert report.equal
    assert len(report.columns) == 7


def test_the_last_version_counts(left: Path) -> None:
    first = changed([row | {"version": "1"} for row in KNOWN], 0, amount="-5")
    second = [KNOWN[0] | {"version": "2"}]
    assert against(left, first + second).equal


def test_where_it_was_read_is_compared_when_read_from_the_same(tmp_path: Path) -> None:
    def at(offset: int, source: str) -> Rows:
        place = {"source": f"'{source}'", "source_partition": "0"}
        return [row | place | {"source_offset": str(offset + n)} for n, row in enumerate(KNOWN)]

    ours = state(tmp_path / "ours.duckdb", at(0, "kafka://host/payments"))
    moved = compare(ours, state(tmp_path / "moved.duckdb", at(5, "kafka://host/payments")))
    assert found(moved) == {"source_offset": 2}
    other = compare(ours, state(tmp_path / "other.duckdb", at(5, "payments.csv")))
    assert other.equal
    assert other.skipped == ("source positions not compared: the sides were read from different sources",)
    assert other.line.endswith("columns; source positions not compared: the sides were read from different sources")


def test_what_one_side_lacks_altogether_is_said(left: Path) -> None:
    report = against(left, known=None)
    assert report.equal
    assert report.skipped == (f"decision_input not compared: {left.parent / 'right.duckdb'} has none",)


def test_sides_with_nothing_in_common_are_refused(tmp_path: Path) -> None:
    ours, theirs = state(tmp_path / "l.duckdb", KNOWN, None), state(tmp_path / "r.duckdb", None, DECIDED)
    with pytest.raises(RiskwaveError, match="no decision_input or decisions that both have"):
        compare(ours, theirs)


@pytest.mark.parametrize("other", ["batch", "decisions.parquet"])
def test_a_batch_needs_staged_payments(tmp_path: Path, other: str) -> None:
    with pytest.raises(RiskwaveError, match="has none; expected a state file"):
        compare("batch", other)


def test_names_with_quotes_and_brackets_are_no_trouble(left: Path) -> None:
    odd = state(left.parent / "it's [a] state.duckdb", changed(KNOWN, 0, place="'[bold]it''s[/bold]'"))
    report = compare(odd, left)
    assert report.differing[0].examples == (Example("a", "[bold]it's[/bold]", "here"),)


numbers = st.none() | st.floats() | st.sampled_from([0.0, 1e-9, 2e-9, -1e-9, 1.0, 1 + 1e-6, 1 + 2e-6, 1e300, math.inf])


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20))
def test_floats_are_the_same_within_a_millionth(pairs: list[tuple[float | None, float | None]]) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table l (n double); create table r (n double)")
        connection.executemany("insert into l values (?)", [[left] for left, _ in pairs])
        connection.executemany("insert into r values (?)", [[right] for _, right in pairs])
        predicate = same("n", "DOUBLE", "DOUBLE")
        told = connection.execute(f"select {predicate} from l positional join r").fetchall()
    for (left, right), (agree,) in zip(pairs, told, strict=True):
        assert agree is alike(left, right), (left, right)


def alike(left: float | None, right: float | None) -> bool:
    if left is None or right is None:
        return left is right
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    if math.isinf(left) or math.isinf(right):
        return left == right
    return abs(left - right) <= max(1e-9, 1e-6 * max(abs(left), abs(right)))
