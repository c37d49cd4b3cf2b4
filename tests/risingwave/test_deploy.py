"""`dbt run --target risingwave`: everything from nothing, and nothing the second time."""

from __future__ import annotations

import pytest

from tests.risingwave.deployment import Deployment

pytestmark = pytest.mark.xdist_group("risingwave")


def _relations(deployed: Deployment) -> dict[str, tuple[str, int]]:
    found = deployed.rows(
        "select r.name, relation_type, r.id from rw_relations r join rw_schemas s on r.schema_id = s.id "
        f"where s.name = '{deployed.schema}'"
    )
    return {row["name"]: (row["relation_type"], row["id"]) for row in found}


def test_deploys_every_part_from_nothing(deployed: Deployment) -> None:
    made = {name: kind for name, (kind, _) in _relations(deployed).items()}
    assert made["payments"] == "source"
    assert made["stg_payments"] == "materialized view"
    assert made["rejected_events"] == "materialized view"
    assert made["int_merchant_recent"] == "materialized view"
    assert (made["decision_input__now"], made["decision_input"], made["decision_input__feed"]) == (
        "materialized view",
        "table",
        "sink",
    )
    assert (made["decisions__log"], made["decisions__feed"], made["decisions"]) == ("table", "sink", "view")


def test_a_second_run_changes_nothing(deployed: Deployment) -> None:
    before = _relations(deployed)
    deployed.dbt("run")
    assert _relations(deployed) == before


def test_staged_payments_and_the_logs_are_append_only(deployed: Deployment) -> None:
    found = deployed.rows(
        "select r.name, append_only from rw_relations r join rw_schemas s on r.schema_id = s.id "
        "join (select id, append_only from rw_tables"
        " union all select id, append_only from rw_materialized_views) t "
        f"on t.id = r.id where s.name = '{deployed.schema}'"
    )
    kept = {row["name"] for row in found if row["append_only"]}
    assert {"stg_payments", "rejected_events", "decision_input", "decisions__log"} <= kept
