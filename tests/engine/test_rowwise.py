"""What one payment adds to a tile is read from the model's SQL, or left to the model's own GROUP BY."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from riskwave.engine.rowwise import rowwise

HOUR = "date_trunc('hour', coalesce(transmitted_ts, event_ts))"
KEYS = f"merchant_id, {HOUR} as tile"
FROM = f"from stg_payments where merchant_id is not null group by merchant_id, {HOUR}"


def adds(sql: str, member: str | None = None) -> tuple[str, ...] | None:
    statement = sqlglot.parse_one(sql, read="duckdb")
    assert isinstance(statement, exp.Select)
    return rowwise(statement, "merchant_id", member)


@pytest.mark.parametrize(
    ("measure", "one"),
    [
        ("count(*)", "1"),
        ("count(*)::bigint", "1"),
        ("count(ip)", "CASE WHEN ip IS NULL THEN 0 ELSE 1 END"),
        ("sum(billing_amount_minor)", "COALESCE(billing_amount_minor, 0)"),
        (
            "cast(sum(case when is_declined then 1 else 0 end) as bigint)",
            "COALESCE(CASE WHEN is_declined THEN 1 ELSE 0 END, 0)",
        ),
    ],
)
def test_a_measure_of_one_payment(measure: str, one: str) -> None:
    assert adds(f"select {KEYS}, {measure} as measure {FROM}") == (one,)


def test_a_member_adds_no_sum() -> None:
    assert adds(f"select {KEYS}, card_id {FROM}, card_id", member="card_id") == ()


MADE = (
    "with made as ("
    "select merchant_id, date_trunc('day', coalesce(transmitted_ts, event_ts)) as tile, 1 as n, 0 as frauds "
    "from stg_payments where merchant_id is not null), "
    "other as (select merchant_id, date_trunc('day', arrived_at) as tile, 0 as n, 1 as frauds "
    "from int_confirmed_frauds where merchant_id is not null), "
    "both_kinds as (select * from made union all select * from other) "
)
SUMS = "select merchant_id, tile, sum(n)::bigint as n, sum(frauds)::bigint as frauds from both_kinds group by all"


def test_what_else_adds_is_left_out() -> None:
    assert adds(MADE + SUMS) == ("COALESCE(1, 0)", "COALESCE(0, 0)")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("union all", "union"),
        ("from int_confirmed_frauds", "from stg_payments"),
        ("sum(n)", "max(n)"),
        ("sum(n)", "sum(n + 1)"),
        ("from both_kinds", "from made"),
        ("from both_kinds", "from both_kinds where n = 1"),
        ("coalesce(transmitted_ts, event_ts)", "received_at"),
    ],
)
def test_a_union_of_another_form_is_left_to_the_model(before: str, after: str) -> None:
    assert before in MADE + SUMS
    assert adds((MADE + SUMS).replace(before, after, 1)) is None


@pytest.mark.parametrize(
    "sql",
    [
        f"select {KEYS}, count(*) as n from int_confirmed_frauds where merchant_id is not null group by all",
        f"select {KEYS}, count(*) as n from stg_payments group by all",
        f"select {KEYS}, count(*) as n from stg_payments where merchant_id is not null and is_declined group by all",
        f"select {KEYS}, count(*) as n from stg_payments join labels using (event_id) where merchant_id is not null",
        f"select {KEYS}, count(*) as n {FROM} having count(*) > 1",
        f"with made as (select * from stg_payments) select {KEYS}, count(*) as n {FROM}",
        "select merchant_id, date_trunc('hour', received_at) as tile, count(*) as n "
        "from stg_payments where merchant_id is not null group by all",
        f"select {KEYS}, lower(card_id) as card_id {FROM}, card_id",
    ],
)
def test_another_form_is_left_to_the_model(sql: str) -> None:
    assert adds(sql, member="card_id") is None
