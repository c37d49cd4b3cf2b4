"""What RisingWave reads in place of windows over a card's payments is what they are."""

from __future__ import annotations

import duckdb
import pytest

from riskwave.project import compiled_project, project_dir

pytestmark = pytest.mark.xdist_group("dbt_build")

#: Where a payment has none, windows count those without one too, and no feature says so.
OWN = {"merchant": "merchant_id", "country": "merchant_country", "device": "device_id"}


def test_sums_by_a_join_are_the_windows(built: duckdb.DuckDBPyConnection) -> None:
    # Views of a connection of its own: the state is other tests' too.
    state = built.cursor()
    for model in compiled_project().models.values():
        if model.name.startswith("int_payments__"):
            state.execute(f"create temp view {model.name} as {model.sql}")
    names = [column[0] for column in state.execute("select * from int_payments__card_sums limit 0").description]
    listed = (project_dir() / "macros/risingwave/summed_columns.sql").read_text().splitlines()[2]
    assert listed.split(", ") == names[1:]
    known = ", ".join(
        f"case when {key} is null then 0 else card_same_{what}_count_30d end as card_same_{what}_count_30d"
        for what, key in OWN.items()
    )
    by_windows = f"select {', '.join(names)} from (select * replace ({known}) from int_payments__card_month)"
    by_join = f"select {', '.join(names)} from int_payments__card_sums"
    assert state.sql(f"select count(*) from ({by_join})").fetchall() != [(0,)]
    assert state.sql(f"({by_join}) except ({by_windows})").fetchall() == []
    assert state.sql(f"({by_windows}) except ({by_join})").fetchall() == []
