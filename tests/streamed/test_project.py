"""The project's own relations, as a deployment makes them, and the statements that make them beside what is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from riskwave.errors import RiskwaveError
from riskwave.risingwave.changes import NOW, Found, Project, chosen, plan
from riskwave.risingwave.deploy import known_feed_sql, parallelism_of, renamed
from riskwave.risingwave.project import fingerprint, project_of
from riskwave.risingwave.relations import Relation, made_of
from riskwave.risingwave.takeover import NEXT
from tests.snapshots.compiled import manifest
from tests.streamed.test_changes import NOTHING, done

pytestmark = pytest.mark.xdist_group("snapshots")


@pytest.fixture(scope="module")
def project() -> Project:
    return project_of(manifest("risingwave"))


def test_each_relation_comes_after_those_it_reads(project: Project) -> None:
    seen: set[str] = set()
    for model in project.models:
        assert set(model.reads) & {each.name for each in project.models} <= seen, model.name
        seen.add(model.name)
    kinds = {model.name: model.kind for model in project.models}
    assert (kinds["payments"], kinds["stg_payments"], kinds[NOW]) == (
        "source",
        "materialized view",
        "materialized view",
    )
    assert (kinds["int_scored"], kinds["decisions_out"]) == ("view", "sink")
    # What is part of another's statement is passed over: the chain of windows reads the tiles.
    assert "int_merchant_recent" in next(model.reads for model in project.models if model.name == NOW)


def test_deployed_once_there_is_nothing_to_do(project: Project) -> None:
    assert plan(done(NOTHING, project), project) == []


def test_a_changed_tile_makes_what_reads_it_anew(project: Project) -> None:
    found = done(NOTHING, project)
    models = [replace(m, made="other") if m.name == "int_ip_minutes" else m for m in project.models]
    told = [step for step in plan(found, replace(project, models=models)) if step.kind == "build beside"]
    assert [step.relation.removesuffix(NEXT) for step in told] == [*("int_ip_minutes", "int_ip_recent", NOW)]


def test_a_relation_says_what_it_was_made_of(project: Project) -> None:
    minutes = next(model for model in project.models if model.name == "int_merchant_minutes")
    definition = f"CREATE MATERIALIZED VIEW x AS SELECT * FROM ({minutes.sql}) AS made_{minutes.made}"
    assert made_of("materialized view", definition) == minutes.made == fingerprint(minutes.sql)
    assert made_of("view", "CREATE VIEW x AS SELECT 1") is None
    payments = next(model for model in project.models if model.name == "payments")
    kept = payments.sql.replace("'kafka:9092'", "'kafka:9092'").replace("\n", " ")
    assert made_of("source", kept) == payments.made == "payments@kafka:9092"


def test_what_is_built_reads_what_was_built_beside_it(project: Project) -> None:
    found = done(NOTHING, project)
    models = [replace(m, made="other") if m.name == "int_ip_minutes" else m for m in project.models]
    changed = replace(project, models=models)
    there = found.relations["int_ip_minutes"]
    beside = replace(there, name=there.name + NEXT, id=999, made="other")
    found = Found({**found.relations, beside.name: beside}, found.known_by, found.rules)
    assert chosen(found, changed, "int_ip_minutes") == "int_ip_minutes__next"
    assert chosen(found, changed, "int_bin_minutes") == "int_bin_minutes"
    sql = 'select * from "dev"."public"."int_ip_minutes" join "dev"."public"."int_ip_minutes_more" using (ip)'
    assert renamed(sql, "public", {"int_ip_minutes": "int_ip_minutes__next"}) == (
        'select * from "dev"."public"."int_ip_minutes__next" join "dev"."public"."int_ip_minutes_more" using (ip)'
    )


def test_the_next_feed_logs_what_comes_after_what_is_logged() -> None:
    now = Relation(NOW, "materialized view", 7, "x", None, None, frozenset(), {"event_id": "varchar"})
    logged = [("kafka://payments", 1, 20), ("kafka://pay'ments", 0, 9)]
    assert known_feed_sql("decision_input__feed__next", "now.7", now, logged) == (
        "create sink decision_input__feed__next into decision_input (event_id, revision, known_by) as "
        "with changes as changelog from decision_input__now "
        "select event_id, _changelog_row_id::bigint as revision, 'now.7' as known_by from changes "
        "where changelog_op in (1, 3) and coalesce(source_offset > case "
        "when source = 'kafka://pay''ments' and source_partition = 0 then 9 "
        "when source = 'kafka://payments' and source_partition = 1 then 20 end, true) with (type = 'append-only')"
    )


def test_a_view_is_made_in_the_parts_that_are_said_of_it() -> None:
    told = {"parallelism": {"int_bin_minutes": 4, "default": 16}}
    assert [parallelism_of(name, told) for name in ("int_bin_minutes", NOW)] == ["4", "16"]
    assert parallelism_of(NOW, {"parallelism": {"int_bin_minutes": 4}}) == parallelism_of(NOW, {}) == "default"
    for wrong in ({"default": 0}, {"default": "many"}, 4):
        with pytest.raises(RiskwaveError, match=r"--vars parallelism: .* expected numbers by view"):
            parallelism_of(NOW, {"parallelism": wrong})
