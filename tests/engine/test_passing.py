"""What a query passes along is told from its text, and nothing that may be changed on the way is taken for it."""

from __future__ import annotations

import pytest

from riskwave.engine.passing import keeps_columns, parse, passed_along
from riskwave.errors import RiskwaveError

KEEPING = {
    "a star": "select *, 1 as one from up",
    "by CTEs": "with a as (select * from up), b as (select *, 1 as one from a) select *, 2 as two from b",
    "beside a left join": "select up.*, o.x from up left join o on up.k = o.k",
    "by another name": "select u.*, 1 as one from up as u",
}
CHANGING = {
    "columns left out": "select * exclude (k) from up",
    "columns changed": "select * replace (k + 1 as k) from up",
    "columns changed in a CTE": "with a as (select * replace (k + 1 as k) from up) select * from a",
    "rows left out": "select * from up where k > 1",
    "rows left out in a CTE": "with a as (select * from up qualify row_number() over (order by k) = 1) select * from a",
    "rows lost in a join": "select up.* from up inner join o on up.k = o.k",
    "columns of both sides": "select * from up left join o on up.k = o.k",
    "another relation": "select * from down",
    "columns one by one": "select k from up",
    "rows twice": "select * from up union all select * from up",
}


@pytest.mark.parametrize("sql", KEEPING.values(), ids=KEEPING)
def test_what_keeps_the_relation(sql: str) -> None:
    assert keeps_columns(parse(sql), "up")


@pytest.mark.parametrize("sql", CHANGING.values(), ids=CHANGING)
def test_what_changes_the_relation(sql: str) -> None:
    assert not keeps_columns(parse(sql), "up")


def test_columns_passed_along_are_those_selected_as_they_are() -> None:
    sql = "with a as (select *, k + 1 as more from up) select k, v as value, more, k + 2 as most from a"
    assert passed_along(parse(sql), "up", {"k", "v"}) == {"k": "k", "value": "v"}


def test_nothing_is_passed_along_by_a_query_that_may_lose_rows() -> None:
    assert passed_along(parse("select k from up where k > 1"), "up", {"k"}) == {}


def test_a_model_must_be_a_query() -> None:
    with pytest.raises(RiskwaveError, match="a model is a query"):
        parse("drop table up")
