"""A chain of models gives what the models give one after another, and refuses one that loses rows."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from riskwave.engine.chain import Chain
from riskwave.errors import RiskwaveError

BATCH = pa.table({"_row": pa.array([0, 1, 2], pa.int32()), "amount": [5, 7, 9], "unread": ["a", "b", "c"]})


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def test_new_columns_are_put_beside_the_others_in_the_order_of_rows(duck: duckdb.DuckDBPyConnection) -> None:
    chain = Chain(duck, "batch", BATCH.schema)
    chain.add("doubled", "select *, amount * 2 as twice from batch order by amount desc", keeps=True)
    chain.add("more", "select *, twice + 1 as odd from doubled", keeps=True)
    chain.prepare()
    assert chain.source("select twice from more").schema.names == ["_row", "twice"]
    found = chain.run(BATCH, over=False)
    assert found.schema == chain.schema
    assert found.to_pydict() == {**BATCH.to_pydict(), "twice": [10, 14, 18], "odd": [11, 15, 19]}


def test_a_model_that_changes_its_columns_is_taken_whole(duck: duckdb.DuckDBPyConnection) -> None:
    chain = Chain(duck, "batch", BATCH.schema)
    chain.add("changed", "select * replace (amount + 1 as amount) from batch", keeps=False)
    chain.add("after", "select *, amount * 2 as twice from changed", keeps=True)
    chain.prepare()
    found = chain.run(BATCH, over=False)
    assert found.column("amount").to_pylist() == [6, 8, 10]
    assert found.column("twice").to_pylist() == [12, 16, 20]


def test_a_model_that_loses_rows_is_refused(duck: duckdb.DuckDBPyConnection) -> None:
    chain = Chain(duck, "batch", BATCH.schema)
    chain.add("every", "select *, amount * 2 as twice from batch", keeps=True)
    chain.add("fewer", "select * from every where amount > 5", keeps=True)
    chain.add("last", "select *, twice + 1 as odd from fewer", keeps=True)
    chain.prepare()
    with pytest.raises(RiskwaveError, match="model fewer: gives 2 rows for 3 payments"):
        chain.run(BATCH, over=False)


def test_models_that_read_nothing_of_each_other_run_beside_each_other(duck: duckdb.DuckDBPyConnection) -> None:
    chain = Chain(duck, "batch", BATCH.schema)
    chain.add("one", "select *, amount * 2 as twice from batch", keeps=True)
    chain.add("other", "select *, amount * 3 as thrice from one", keeps=True)
    chain.add("both", "select *, twice + thrice as sum from other", keeps=True)
    chain.prepare()
    found = chain.run(BATCH, over=False)
    assert found.column_names == [*BATCH.column_names, "twice", "thrice", "sum"]
    assert found.column("sum").to_pylist() == [25, 35, 45]
    chain.close()
