"""What RisingWave reads in place of windows over a card's payments is what they are."""

from __future__ import annotations

import duckdb
import pytest

from riskwave.project import compiled_project

pytestmark = pytest.mark.xdist_group("dbt_build")

#: Where windows say what no feature reads, and what lists and sums say there: payments without a merchant, country or
#: device count those without one too, a session without a start in sight counts others without.
UNREAD = {
    "card_same_merchant_count_30d": ("merchant_id", "0"),
    "card_same_country_count_30d": ("merchant_country", "0"),
    "card_same_device_count_30d": ("device_id", "0"),
    "card_session_window_count": ("card_session_started_at", "card_txn_count_24h"),
}
#: What windows are made of on the way.
WITHIN = ("previous_", "device_window_")


def columns(state: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    return [str(column[0]) for column in state.execute(f"select * from {name} limit 0").description]


@pytest.fixture(scope="module")
def viewed(built: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    # Views of a connection of its own: the state is other tests' too.
    state = built.cursor()
    for model in compiled_project().models.values():
        if model.name.startswith("int_payments__"):
            state.execute(f"create or replace temp view {model.name} as {model.sql}")
    return state


@pytest.mark.parametrize("other", ["int_payments__card_lists", "int_payments__card_sums"])
def test_lists_and_sums_are_the_windows(viewed: duckdb.DuckDBPyConnection, other: str) -> None:
    names = columns(viewed, other)
    said = [f"case when {key} is null then {says} else {name} end as {name}" for name, (key, says) in UNREAD.items()]
    by_other = f"select {', '.join(names)} from {other}"
    by_windows = f"select {', '.join(names)} from (select * replace ({', '.join(said)}) from int_payments__card_month)"
    assert viewed.sql(f"select count(*) from ({by_other})").fetchall() != [(0,)]
    assert viewed.sql(f"({by_other}) except ({by_windows})").fetchall() == []
    assert viewed.sql(f"({by_windows}) except ({by_other})").fetchall() == []


def test_each_window_is_in_lists_or_sums(viewed: duckdb.DuckDBPyConnection) -> None:
    known = {name for of in ("facts", "card_lists", "card_sums") for name in columns(viewed, f"int_payments__{of}")}
    windows = [name for name in columns(viewed, "int_payments__card_month") if not name.startswith(WITHIN)]
    assert [name for name in windows if name not in known] == []
