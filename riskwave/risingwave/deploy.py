"""Deploys: what is there compared with what should be, and the steps taken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from riskwave.control.store import Control
from riskwave.errors import RiskwaveError
from riskwave.project import run_dbt
from riskwave.risingwave import takeover
from riskwave.risingwave.changes import KNOWN, NOW, Found, Project, Step, chosen, next_step, plan
from riskwave.risingwave.project import dbt_environment
from riskwave.risingwave.relations import Relation, relations
from riskwave.risingwave.rules import look as look_at_rules
from riskwave.risingwave.rules import wanted as wanted_rules
from riskwave.risingwave.server import Server
from riskwave.risingwave.sync import sync
from riskwave.risingwave.takeover import NEXT
from riskwave.rules.dbt import PACK

#: As macros/risingwave/filled_at_once.sql has it.
FILLED_AT_ONCE = "set streaming_use_snapshot_backfill = false"
#: More steps than any change takes.
MOST_STEPS = 500
#: Rows that the log has before a new feed begins: of each partition, to which offset.
_LOGGED = (
    "select source, source_partition, max(source_offset) from decision_input "
    "where source_offset is not null group by source, source_partition"
)


@dataclass(frozen=True)
class Planned:
    """A step and what it costs. rows: that are read to fill what is made; None where nothing is."""

    step: str
    rows: int | None


def look(server: Server, control: Control | None) -> Found:
    """What is there; control: the store whose rulesets should be in force, None before there is anything."""
    there = relations(server)
    known_by, rules = None, None
    if "feeds_in_force" in there:
        called = server.rows("select known_by from feeds_in_force where ruleset = %s", [PACK.name])
        known_by = called[0][0] if called else None
    if control and has_rules(there):
        found = look_at_rules(server)
        rules = None if takeover.plan(found, wanted_rules(control.snapshot())) else found.beneath
    return Found(there, known_by, rules)


def planned(server: Server, control: Control | None, project: Project) -> list[Planned]:
    """What a deploy would do, and what each step would read. Nothing is changed."""
    found = look(server, control)
    counts = {int(number): int(rows) for number, rows in server.rows("select id, total_key_count from rw_table_stats")}
    told: list[Planned] = []
    models = {model.name: model for model in project.models}
    for step in plan(found, project):
        model = models.get(step.relation.removesuffix(NEXT))
        rows: int | None = None
        if step.kind in ("create", "build beside") and model and model.kind == "materialized view":
            read = [found.relations.get(name) for name in model.reads]
            rows = sum(counts.get(each.id, 0) for each in read if each)
        elif step.kind.startswith("make feed") and NOW in found.relations:
            rows = counts.get(found.relations[NOW].id, 0)
        told.append(Planned(str(step), rows))
    return told


def deploy(
    server: Server,
    project: Project,
    variables: Mapping[str, Any],
    *,
    store: Callable[[], Control | None],
    say: Callable[[str], None],
) -> int:
    """Take the steps that are left; gives how many there were. Interrupted, the next one does what is left.

    store: opens the control store, once there is a deployment that it can govern. Raises RiskwaveError where a step
    fails; what is done stays done.
    """
    before: Step | None = None
    for taken in range(MOST_STEPS):
        control = store()
        found = look(server, control)
        step = next_step(found, project)
        if step is None:
            return taken
        if step == before:
            raise RiskwaveError(f"{server.address.shown}: {step}: is not done by doing it; look at that relation")
        before = step
        say(str(step))
        if step.kind == "put rules in force":
            if control is None:
                raise RiskwaveError(f"{server.address.shown}: no control store to take rules from; name one by --state")
            sync(control, server, say=lambda inner: say(f"  {inner}"))
        else:
            _take(server, step, found, project, variables)
    raise RiskwaveError(f"{server.address.shown}: {MOST_STEPS} steps and no end; somebody else deploys there")


def _take(server: Server, step: Step, found: Found, project: Project, variables: Mapping[str, Any]) -> None:
    name = step.relation
    there = found.relations.get(name)
    match step.kind:
        case "run dbt":
            _run_dbt(server, variables)
        case "create" | "build beside":
            _make(server, step, found, project, variables)
        case "swap" | "swap feed":
            kind = there.kind if there else "sink"
            swapped = f"alter {kind} {name} swap with {name}{NEXT}"
            server.run(swapped if there else f"alter {kind} {name}{NEXT} rename to {name}")
        case "widen":
            for column in step.columns:
                server.run(f"alter table {name} add column {column} {found.relations[NOW].columns[column]}")
        case "call feed":
            server.run("update feeds_in_force set known_by = %s where ruleset = %s", [step.feed, PACK.name])
            server.flush()
        case "make feed" | "make feed beside":
            server.run(known_feed_sql(name, step.feed or "", found.relations[NOW], server.rows(_LOGGED)))
        case _:
            server.run(f"drop {there.kind if there else 'sink'} {name}")


def _run_dbt(server: Server, variables: Mapping[str, Any]) -> None:
    arguments = ["run", "--target", "risingwave", "--vars", json.dumps(dict(variables))]
    run_dbt(arguments, environment=dbt_environment(server.address))


def _make(server: Server, step: Step, found: Found, project: Project, variables: Mapping[str, Any]) -> None:
    model = next(each for each in project.models if each.name == step.relation.removesuffix(NEXT))
    names = {name: chosen(found, project, name) for name in model.reads}
    if model.kind in ("source", "sink"):
        sql = renamed(model.sql, server.schema, {**names, model.name: step.relation})
        if model.kind == "sink":
            # What was decided before has been said before.
            now = server.rows("select now()::varchar")[0][0]
            sql = re.sub(r"(\bas made_[0-9a-f]{12}\b)", rf"\1 where decided_at > '{now}'::timestamptz", sql)
        server.run(sql)
        return
    if model.kind == "materialized view":
        server.run(FILLED_AT_ONCE)
        server.run(f"set streaming_parallelism = {parallelism_of(model.name, variables)}")
    # Joins stay in the order they are written in: what is narrow is joined before it meets the events.
    if model.name == NOW:
        server.run("set enable_join_ordering = false")
    query = f"select * from (\n{renamed(model.sql, server.schema, names)}\n) as made_{model.made}"
    server.run(f"create {model.kind} {step.relation} as {query}")
    if model.name == NOW:
        server.run("set enable_join_ordering = default")


def parallelism_of(name: str, variables: Mapping[str, Any]) -> str:
    """The parts that a view is made in, as the variable `parallelism` has it. Raises RiskwaveError for no such."""
    told = variables.get("parallelism") or {}
    parts = told.get(name, told.get("default", "default")) if isinstance(told, Mapping) else str(told)
    if parts != "default" and not (isinstance(parts, int) and parts > 0):
        raise RiskwaveError(
            f"--vars parallelism: {parts!r} for {name}: expected numbers by view, such as "
            "{int_bin_minutes: 4, default: 16}"
        )
    return str(parts)


def renamed(sql: str, schema: str, names: Mapping[str, str]) -> str:
    """SQL with relations of the schema by other names."""

    def other(found: re.Match[str]) -> str:
        return f'{found[1]}"{names.get(found[2], found[2])}"'

    return re.sub(rf'("{re.escape(schema)}"\.)"(\w+)"', other, sql)


def known_feed_sql(name: str, feed: str, now: Relation, logged: list[tuple[Any, ...]]) -> str:
    """The feed of what is known, of events that come after those that the log has; logged: source, partition, offset.

    Of the events before, the log keeps what was known of them last.
    """
    columns = ", ".join(now.columns)
    whens = "".join(
        f" when source = {_text(source)} and source_partition = {int(partition)} then {int(offset)}"
        for source, partition, offset in sorted(logged)
    )
    later = f" and coalesce(source_offset > case{whens} end, true)" if whens else ""
    return (
        f"create sink {name} into {KNOWN} ({columns}, revision, known_by) as "
        f"with changes as changelog from {now.name} "
        f"select {columns}, _changelog_row_id::bigint as revision, '{feed}' as known_by from changes "
        f"where changelog_op in (1, 3){later} with (type = 'append-only')"
    )


def has_rules(there: Mapping[str, Relation]) -> bool:
    """Whether rulesets can be looked at: all that a feed of decisions reads is there, as this Riskwave makes it."""
    needed = {"int_scored": "known_by", "int_list_blocks": "next_version", "list_entries": "next_version"}
    needed |= {"decisions__log": "seen_at", "rule_thresholds": "control_version", "feeds_in_force": "known_by"}
    return all(name in there and column in there[name].columns for name, column in needed.items())


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
