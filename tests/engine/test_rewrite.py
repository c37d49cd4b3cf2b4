"""The join form says what the OVER form says; what it does not know stays in the OVER form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskwave.engine.plan import make_plan
from riskwave.engine.rewrite import Step, window_step
from riskwave.project import Model, compiled_project

HOUR = "partition by card_id order by event_ts range between interval '1 hour' preceding and current row"
DAY = "partition by card_id order by event_ts range between interval '24 hours' preceding and current row"
LAG = "partition by card_id order by event_ts, event_id"
SHOP = "partition by card_id, merchant_id order by event_ts range between interval '24 hours' preceding and current row"
#: Measures over windows that have a join form.
KNOWN = {
    "count": f"count(*) over ({HOUR})",
    "count of a column": f"count(amount) over ({HOUR})",
    "sum": f"sum(amount) over ({DAY})",
    "sum of a condition": f"sum(case when declined then 1 else 0 end) over ({HOUR})",
    "sum of squares": f"sum(amount::hugeint * amount::hugeint) over ({DAY})",
    "average": f"avg(amount) over ({DAY})",
    "deviation": f"stddev_samp(amount) over ({DAY})",
    "max": f"max(amount) over ({HOUR})",
    "min": f"min(amount) over ({HOUR})",
    "max of a time": f"max(case when amount > 2 then event_ts end) over ({DAY})",
    "distinct": f"count(distinct merchant_id) over ({DAY})",
    "codes": f"string_agg(code, '' order by event_ts, event_id) over ({HOUR})",
    "of the same merchant": f"count(*) over ({SHOP})",
    "of the same amount": f"count(*) over ({SHOP.replace('merchant_id', 'amount')})",
    "before": f"lag(event_ts) over ({LAG})",
    "before at the merchant": f"lag(amount) over ({LAG.replace('card_id', 'card_id, merchant_id')})",
    "key that may be missing": f"count(*) over ({HOUR.replace('card_id', 'coalesce(card_id, event_id)')})",
    "within an expression": f"(amount - avg(amount) over ({DAY})) / nullif(max(amount) over ({HOUR}), 0)",
    "named": "sum(amount) over named_day",
}
_BY_TIME = "partition by card_id order by event_ts"
_RANGE = "range between interval '1 hour' preceding and current row"
#: Measures that have none, but have one meaning, so that the OVER form over the scope gives it.
UNKNOWN = {
    "ROWS": f"sum(amount) over ({LAG} rows between 2 preceding and current row)",
    "FILTER": f"sum(amount) filter (where declined) over ({HOUR})",
    "no frame": f"count(*) over ({_BY_TIME})",
    "unbounded": f"count(*) over ({_BY_TIME} range between unbounded preceding and current row)",
    "months": f"count(*) over ({_BY_TIME} range between interval '1 month' preceding and current row)",
    "up to later": (
        f"count(*) over ({_BY_TIME} range between interval '1 hour' preceding and interval '1 hour' following)"
    ),
    "latest first": f"count(*) over (partition by card_id order by event_ts desc {_RANGE})",
    "key made of another": f"count(*) over (partition by lower(card_id) order by event_ts {_RANGE})",
    "row_number": f"row_number() over ({LAG})",
    "lag by two": f"lag(amount, 2) over ({LAG})",
    "lag with a default": f"lag(amount, 1, 0) over ({LAG})",
    "lag past NULL": f"lag(amount ignore nulls) over ({LAG})",
    "count_if": f"count_if(declined) over ({HOUR})",
    "median": f"median(amount) over ({HOUR})",
}
#: Measures that look like known ones and are not.
NEARLY_KNOWN = {
    "without the row itself": f"count(*) over ({HOUR} exclude current row)",
    "sum of distinct": f"sum(distinct amount) over ({HOUR})",
    "the two largest": f"max(amount, 2) over ({HOUR})",
    "codes, ties the other way": f"string_agg(code, '' order by event_ts, event_id desc) over ({HOUR})",
    "codes with the usual comma": f"string_agg(code order by event_ts, event_id) over ({HOUR})",
    "an hour and a half": f"count(*) over ({HOUR.replace('1 hour', '1 hour 30 minutes')})",
}
#: Measures whose result depends on the order of ties, which nothing gives.
UNDETERMINED = {
    "lag by time alone": f"lag(amount) over ({_BY_TIME})",
    "texts in no order": f"string_agg(code, '') over ({HOUR})",
    "texts in another order": f"string_agg(code, '' order by amount) over ({HOUR})",
}
SHAPES = {
    "where": f"select *, count(*) over ({HOUR}) as measure from up where amount > 1",
    "join": f"select up.*, count(*) over ({HOUR}) as measure from up join up as other using (event_id)",
    "distinct": f"select distinct *, count(*) over ({HOUR}) as measure from up",
    "limit": f"select *, count(*) over ({HOUR}) as measure from up limit 3",
    "without a column": f"select * exclude (code), count(*) over ({HOUR}) as measure from up",
    "with a column changed": f"select * replace (amount + 1 as amount), count(*) over ({HOUR}) as measure from up",
    "of another column it makes": f"select *, amount + 1 as more, sum(more) over ({HOUR}) as measure from up",
    "qualify": f"select *, count(*) over ({HOUR}) as measure from up qualify measure > 1",
    "two steps": (
        f"with first as (select *, count(*) over ({HOUR}) as before from up) "
        f"select *, sum(before) over ({DAY}) as measure from first"
    ),
    "not the relation as it is": (
        f"with some as (select * from up where declined) select *, count(*) over ({HOUR}) as measure from some"
    ),
}
#: Relations that are not the upstream one as it is, and one way to write that it is.
CHANGED = {
    "values changed on the way": (
        "with payments as (select * replace (amount * 2 as amount) from up) "
        f"select *, sum(amount) over ({HOUR}) as measure from payments"
    ),
    "rows left out on the way": (
        f"with payments as (select * from up qualify row_number() over ({LAG}) = 1) "
        f"select *, count(*) over ({HOUR}) as measure from payments"
    ),
    "the star of one relation": (
        "select u.*, count(*) over (partition by u.card_id order by u.event_ts "
        "range between interval '1 hour' preceding and current row) as measure from up as u"
    ),
}
START = datetime(2026, 1, 1)
MICROSECOND = timedelta(microseconds=1)


def model(sql: str) -> Model:
    return Model("steps", sql, "ephemeral", ("up",), {"role": "window", "entity": "card_id", "lookback": "24 hours"})


def measuring(measure: str) -> str:
    return (
        "with payments as (select * from up), windowed as ("
        f"select *, {measure} as measure from payments window named_day as ({DAY})) select * from windowed"
    )


@st.composite
def events(draw: st.DrawFn) -> pa.Table:
    """Events at the edges of an hour and a day, `late` those that are decided after the others."""
    rows = []
    for number in range(draw(st.integers(1, 14))):
        steps = draw(st.sampled_from([0, 0, 1, 30, 60, 61, 24 * 60]))
        off = draw(st.sampled_from([timedelta(0), timedelta(0), MICROSECOND, -MICROSECOND]))
        rows.append(
            {
                "event_id": f"{draw(st.sampled_from('ab'))}{number}",
                "event_ts": START + timedelta(minutes=steps) + off,
                "card_id": draw(st.sampled_from(["c0", "c0", "c1", None])),
                "merchant_id": draw(st.sampled_from(["m0", "m1", None])),
                "amount": draw(st.sampled_from([0, 1, 2, 50, None])),
                "declined": draw(st.sampled_from([True, False, None])),
                "code": draw(st.sampled_from("sml")),
                "late": draw(st.booleans()),
            }
        )
    kinds = {"event_ts": pa.timestamp("us"), "amount": pa.int64(), "declined": pa.bool_(), "late": pa.bool_()}
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kinds.get(name, pa.string())) for name in rows[0]]))


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def incremental(duck: duckdb.DuckDBPyConnection, step: Step, table: pa.Table) -> dict[str, Any]:
    """The measure of the late events, by the step, with the others as their past."""
    duck.register("landed", table)
    # What the engine gives a step: the batch numbered, with key and ordinal, and the keys' other rows.
    codes = [f"dense_rank() over (order by {name}) as _x_{name}" for name in step.same]
    numbered = "(row_number() over (partition by late order by event_id) - 1)::integer as _row"
    duck.execute(
        "create or replace temp table everything as select *, "
        "case when card_id is not null then dense_rank() over (order by card_id)::integer end as _key, "
        "row_number() over (order by card_id, event_ts, event_id) as _seq, "
        f"{', '.join([numbered, *codes])} from landed"
    )
    compared = "".join(f", _x_{name}" for name in step.same)
    columns = "event_id, event_ts, card_id, merchant_id, amount, declined, code"
    past = f"select _key, _seq, {columns}{compared} from everything where not late and _key is not null"
    own = f"select {columns}{compared}, _row, _key as _k_{step.name}, _seq as _s_{step.name} from everything where late"
    ctes = ", ".join(f"{name} as materialized ({sql})" for name, sql in step.ctes)
    over = f"select {columns} from everything where not late and _key is not null"
    head = f"scope_{step.name} as ({past}), over_{step.name} as ({over}), up as ({own})"
    return fetched(duck, f"with {head}, {ctes} select * from {step.name}")


def at_once(duck: duckdb.DuckDBPyConnection, sql: str, table: pa.Table) -> dict[str, Any]:
    """The measure of the late events, by the model as written over everything."""
    duck.register("landed", table)
    duck.execute(
        "create or replace temp view up as "
        "select event_id, event_ts, card_id, merchant_id, amount, declined, code from landed"
    )
    found = fetched(duck, sql)
    duck.execute("drop view up")
    late = {row["event_id"] for row in table.to_pylist() if row["late"]}
    return {event: value for event, value in found.items() if event in late}


def fetched(duck: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    rows = duck.sql(f"select event_id, measure from ({sql})").fetchall()
    return {event: pytest.approx(value, rel=1e-9) if isinstance(value, float) else value for event, value in rows}


QUICK = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
STAGED = frozenset({"event_id", "card_id", "merchant_id", "declined", "code"})


@pytest.mark.parametrize("measure", KNOWN.values(), ids=KNOWN)
@given(table=events())
@QUICK
def test_join_form_is_the_over_form(duck: duckdb.DuckDBPyConnection, measure: str, table: pa.Table) -> None:
    sql = measuring(measure)
    step = window_step(model(sql), staged=STAGED)
    assert step.form == "join"
    # An event without the key has no past: the join form leaves its measure NULL, for the model to give or hide.
    keyed = table.filter(pc.is_valid(table["card_id"]))
    assert incremental(duck, step, keyed) == at_once(duck, sql, keyed)


@pytest.mark.parametrize("measure", UNKNOWN.values(), ids=UNKNOWN)
@given(table=events())
@settings(QUICK, max_examples=5)
def test_what_is_not_known_is_computed_as_written(
    duck: duckdb.DuckDBPyConnection, measure: str, table: pa.Table
) -> None:
    sql = measuring(measure)
    step = window_step(model(sql), staged=STAGED)
    assert step.form == "over"
    keyed = table.filter(pc.is_valid(table["card_id"]))
    assert incremental(duck, step, keyed) == at_once(duck, sql, keyed)


@pytest.mark.parametrize("measure", NEARLY_KNOWN.values(), ids=NEARLY_KNOWN)
@given(table=events())
@settings(QUICK, max_examples=20)
def test_what_is_nearly_known_is_not_taken_for_it(
    duck: duckdb.DuckDBPyConnection, measure: str, table: pa.Table
) -> None:
    sql = measuring(measure)
    step = window_step(model(sql), staged=STAGED)
    keyed = table.filter(pc.is_valid(table["card_id"]))
    assert incremental(duck, step, keyed) == at_once(duck, sql, keyed)


@pytest.mark.parametrize("measure", UNDETERMINED.values(), ids=UNDETERMINED)
def test_what_depends_on_ties_stays_as_written(measure: str) -> None:
    assert window_step(model(measuring(measure)), staged=STAGED).form == "over"


@pytest.mark.parametrize("sql", SHAPES.values(), ids=SHAPES)
def test_a_select_that_does_more_stays_as_written(sql: str) -> None:
    assert window_step(model(sql), staged=STAGED).form == "over"


@pytest.mark.parametrize("sql", CHANGED.values(), ids=CHANGED)
@given(table=events())
@QUICK
def test_only_the_upstream_relation_as_it_is_is_rewritten(
    duck: duckdb.DuckDBPyConnection, sql: str, table: pa.Table
) -> None:
    step = window_step(model(sql), staged=STAGED)
    keyed = table.filter(pc.is_valid(table["card_id"]))
    assert incremental(duck, step, keyed) == at_once(duck, sql, keyed)


@given(table=events())
@QUICK
def test_many_windows_in_one_model(duck: duckdb.DuckDBPyConnection, table: pa.Table) -> None:
    exact = [sql for name, sql in KNOWN.items() if name not in {"average", "deviation", "within an expression"}]
    measures = ", ".join(f"({sql})::varchar as m{place}" for place, sql in enumerate(exact))
    row = ", ".join(f"m{place}" for place in range(len(exact)))
    sql = (
        f"with payments as (select * from up), windowed as (select *, {measures} from payments "
        f"window named_day as ({DAY})) select *, [{row}] as measure from windowed"
    )
    step = window_step(model(sql), staged=STAGED)
    assert step.form == "join"
    keyed = table.filter(pc.is_valid(table["card_id"]))
    assert incremental(duck, step, keyed) == at_once(duck, sql, keyed)


def test_asked_for_the_over_form_it_gives_that() -> None:
    assert window_step(model(measuring(KNOWN["count"])), staged=STAGED, form="over").form == "over"


def test_the_project_s_models_all_have_a_join_form() -> None:
    plan = make_plan(compiled_project())
    assert {step.form for step in plan.windows} == {"join"}
    assert {step.form for step in plan.windows_over} == {"over"}
