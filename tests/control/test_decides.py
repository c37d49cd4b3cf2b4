"""What is in force decides: a snapshot's statement, thresholds and lists, run by DuckDB as the engine runs them."""

from __future__ import annotations

import duckdb

from riskwave.control import Control
from riskwave.control.lifecycle import publish, rollback
from riskwave.control.lists import add_entry
from riskwave.control.thresholds import set_threshold
from riskwave.rules.columns import rule_columns
from tests.control.packs import LISTED, VELOCITY, pack

GIVEN = {"event_id": "e1", "card_id": "c1", "card_txn_count_10m": 7, "card_amount_sum_10m": 20000, "ip": "10.1.2.3"}


def decide(control: Control) -> tuple[str, int]:
    """(action, control_version) of one payment by what is in force."""
    snapshot = control.snapshot()
    compiled = snapshot.compiled("duckdb")
    values = ", ".join(
        f"cast(${name} as {rule_columns()[name].type}) as {name}"
        if name in GIVEN
        else f"cast(null as {rule_columns()[name].type}) as {name}"
        for name in compiled.columns
    )
    given = {name: value for name, value in GIVEN.items() if name in compiled.columns}
    with duckdb.connect() as connection:
        connection.execute(f"create table decision_input as select {values}", given)
        connection.register("rule_thresholds", compiled.threshold_row(snapshot.values, snapshot.control_version))
        connection.register("list_entries", snapshot.list_table())
        ((action, version),) = connection.execute(f"select action, control_version from ({compiled.sql})").fetchall()
    return action, version


def test_edits_publishes_and_rollbacks_decide(empty: Control) -> None:
    publish(empty, pack(VELOCITY), why="first", author="ann")
    assert decide(empty) == ("challenge", 1)
    set_threshold(empty, "card_velocity", "max_count", "8", why="a sale", author="ann")
    assert decide(empty) == ("allow", 2)
    publish(empty, pack(VELOCITY, LISTED), why="lists", author="ann")
    assert decide(empty) == ("allow", 3)
    add_entry(empty, "block_ip", "10.1.0.0/16", reason="a botnet", author="ann")
    assert decide(empty) == ("block", 4)
    rollback(empty, why="too much", author="sre")
    assert decide(empty) == ("allow", 5)


def test_a_canary_of_nearly_all_decides_with_its_own_value(empty: Control) -> None:
    publish(empty, pack(VELOCITY), why="first", author="ann")
    canary = pack(VELOCITY, LISTED)
    publish(empty, canary, why="lists", author="ann", state="canary", share=0.999999)
    publish(empty, pack(LISTED), why="watch", author="ann", state="shadow")
    set_threshold(empty, "card_velocity", "max_count", "8", why="x", author="ann", revision=canary.ruleset.revision)
    assert decide(empty) == ("allow", 4)
