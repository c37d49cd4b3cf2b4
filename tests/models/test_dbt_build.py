"""`dbt build` on DuckDB: every model, data test and unit test, over tables landed as the sources do."""

from __future__ import annotations

import duckdb
import pytest

from riskwave.catalogue import load_catalogue
from riskwave.project import compiled_project
from tests.models import landed

pytestmark = pytest.mark.xdist_group("dbt_build")


def _all(state: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return state.execute(query).fetchall()


def test_every_message_is_a_payment_a_repetition_or_rejected(built: duckdb.DuckDBPyConnection) -> None:
    made = landed.payments()
    [(messages,)] = _all(built, "select count(*) from payments")
    assert messages == len(made) + len(made[::10]) + len(landed.malformed())
    assert _all(built, "select count(*), count(distinct event_id) from stg_payments") == [(len(made), len(made))]
    assert _all(built, "select count(*), count(distinct event_id) from decisions") == [(len(made), len(made))]


def test_a_payment_is_what_was_delivered_first(built: duckdb.DuckDBPyConnection) -> None:
    rows = _all(built, "select event_id, amount_minor from decision_input order by event_id")
    assert rows == [(row["event_id"], row["amount_minor"]) for row in landed.payments()]


def test_rejected_messages_keep_reason_and_bytes(built: duckdb.DuckDBPyConnection) -> None:
    rows = _all(built, "select event_id, reject_reason, raw from rejected_events order by source_offset")
    spoilt = landed.malformed()
    assert rows == [
        (None, "not valid JSON: unexpected end", repr(spoilt[0]).encode()),
        ("without_amount", "amount_minor: missing", repr(spoilt[1]).encode()),
        (
            "far_ahead",
            'event_ts: "9999-12-31T00:00:00Z" is more than a day after it was received',
            repr(spoilt[2]).encode(),
        ),
    ]


def test_the_catalogue_gives_the_real_types(built: duckdb.DuckDBPyConnection) -> None:
    types = {name: kind.lower() for name, kind, *_ in _all(built, "describe decision_input")}
    assert {f.name: f.type for f in load_catalogue()} == {f.name: types[f.name] for f in load_catalogue()}


def test_every_rule_has_its_reason(built: duckdb.DuckDBPyConnection) -> None:
    assert _all(built, "select * from decisions where len(rule_ids) <> len(reasons)") == []
    assert _all(built, "select * from decisions where is_anomaly <> (action <> 'allow')") == []
    assert len(_all(built, "select distinct action from decisions")) >= 3


def test_a_kept_model_says_what_the_engine_does_with_it() -> None:
    for model in compiled_project().models.values():
        if model.materialized in {"table", "view"} and model.name != "stg_labels":
            assert model.role, f"{model.name}.yml has no meta: role"
        if model.role in {"tile", "window"}:
            assert {"entity", "lookback"} <= model.meta.keys(), model.name
        if model.role in {"tile", "ahead"}:
            assert model.meta["unit"] in {"minute", "hour", "day"}, model.name
