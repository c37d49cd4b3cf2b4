"""What RisingWave reads in place of windows over a card's payments is what they are."""

from __future__ import annotations

import duckdb
import pytest

from riskwave.project import compiled_project

pytestmark = pytest.mark.xdist_group("dbt_build")

#: What windows say where no feature reads it. Payments without a merchant, country or device count those without one too;
#: a session without a start in sight counts others without.
UNREAD = {
    "card_same_merchant_count_30d": "merchant_id is null",
    "card_same_country_count_30d": "merchant_country is null",
    "card_same_device_count_30d": "device_id is null",
    "card_session_window_count": "card_session_started_at is null",
}


@pytest.mark.parametrize("other", ["int_payments__card_lists", "int_payments__card_sums"])
def test_lists_and_sums_are_the_windows(built: duckdb.DuckDBPyConnection, other: str) -> None:
    # Views of a connection of its own: the state is other tests' too.
    state = built.cursor()
    for model in compiled_project().models.values():
        if model.name.startswith("int_payments__"):
            state.execute(f"create or replace temp view {model.name} as {model.sql}")
    names = [column[0] for column in state.execute(f"select * from {other} limit 0").description]
    read = ", ".join(
        f"case when {UNREAD[name]} then null else {other}.{name} end as {name}" if name in UNREAD else f"{other}.{name}"
        for name in names
    )
    by_other = f"select {read} from {other} join stg_payments using (event_id)"
    by_windows = f"select {read.replace(other, 'windows')} from int_payments__card_month as windows"
    assert state.sql(f"select count(*) from ({by_other})").fetchall() != [(0,)]
    assert state.sql(f"({by_other}) except ({by_windows})").fetchall() == []
    assert state.sql(f"({by_windows}) except ({by_other})").fetchall() == []
