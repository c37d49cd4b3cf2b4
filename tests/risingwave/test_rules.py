"""Every rule of the shipped pack on a stream: its cases, in every channel, are decided as DuckDB decides them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from riskwave.project import compiled_project, project_dir
from riskwave.rules.columns import MODEL_COLUMNS, rule_columns
from riskwave.rules.dbt import PACK
from riskwave.rules.emit import Emitter
from riskwave.rules.pack import load_rules
from tests.risingwave.deployment import Deployment
from tests.support.processes import wait_until

pytestmark = pytest.mark.xdist_group("risingwave")

RULESET = load_rules(project_dir() / PACK)
COLUMNS = {name: column.type for name, column in rule_columns().items() if column not in MODEL_COLUMNS}
LITERAL = Emitter("risingwave", str, str, lambda name, column: name).literal
Row = dict[str, Any]


def _events() -> list[Row]:
    """A row a case and channel, the model's columns left out."""
    rows = []
    cases = [(rule.rule, case.given) for rule in RULESET.rules for case in rule.cases]
    for number, (rule, given) in enumerate(cases):
        for channel in (None, "card_present", "ecommerce", "transfer", "cash"):
            row: Row = {
                "event_id": f"{number} {rule} {channel}",
                "event_ts": datetime(2026, 1, 31, 12),
                "card_id": "c",
                "channel": channel,
            }
            row |= {name: value for name, value in given.items() if name in COLUMNS}
            rows.append(row)
    return rows


def _entries() -> list[tuple[str, str]]:
    listed = [case.lists for rule in RULESET.rules for case in rule.cases]
    return sorted({(name, value) for lists in listed for name, values in lists.items() for value in values})


def _values(rows: list[list[Any]]) -> str:
    return ", ".join(
        "(" + ", ".join("null" if value is None else LITERAL(value) for value in row) + ")" for row in rows
    )


def _by_duckdb(rows: list[Row], entries: list[tuple[str, str]]) -> dict[str, Row]:
    models = compiled_project("duckdb").models
    with duckdb.connect() as database:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        database.execute(f"create table decision_input ({columns})")
        for name in ("rule_thresholds", "list_entries"):
            database.execute(f"create table {name} as {models[name].sql}")
        database.execute(f"create view int_list_entries as {models['int_list_entries'].sql}")
        database.execute(f"insert into list_entries (list_name, value) values {_values([list(e) for e in entries])}")
        database.register("given_rows", pa.Table.from_pylist([{**dict.fromkeys(COLUMNS), **row} for row in rows]))
        database.execute("insert into decision_input by name select * from given_rows")
        database.execute(
            "create table int_scored as select event_id, null::double as model_score, null::varchar as model_version, "
            "false as degraded, []::varchar[] as shadow_scores from decision_input"
        )
        return {row["event_id"]: row for row in database.sql(models["int_ruled"].sql).to_arrow_table().to_pylist()}


def test_every_case_in_every_channel_is_decided_as_duckdb_decides_it(deployed: Deployment) -> None:
    rows, entries = _events(), _entries()
    deployed.change(f"insert into list_entries (list_name, value) values {_values([list(e) for e in entries])}")
    named = [name for name in COLUMNS if any(row.get(name) is not None for row in rows)]
    given = _values([[row.get(name) for name in named] for row in rows])
    deployed.change(f"insert into decision_input ({', '.join(named)}) values {given}")
    wait_until(lambda: deployed.count("decisions") >= len(rows), limit_s=120, what="a decision on every case")

    expected = _by_duckdb(rows, entries)
    names = [name for name in next(iter(expected.values())) if name != "event_id"]
    found = {row["event_id"]: row for row in deployed.rows("select * from decisions")}
    unlike = [
        (event_id, name, found[event_id][name], row[name])
        for event_id, row in expected.items()
        for name in names
        if found[event_id][name] != row[name]
    ]
    assert unlike == []
    assert len(found) == len(expected) == len(rows)
    # Without a model its rules say nothing; all others fire somewhere.
    fired = {rule for row in expected.values() for rule in (*row["rule_ids"], *row["shadow_rule_ids"])}
    silent = {rule.rule for rule in RULESET.rules} - fired
    assert all("model_score" in RULESET.rule(rule).when for rule in silent), silent  # type: ignore[union-attr]
