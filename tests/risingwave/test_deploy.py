"""`dbt run --target risingwave`: everything from nothing, and nothing the second time; edits of what rules look up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from riskwave.rules.lists import Lists, list_entry
from tests.risingwave.deployment import Deployment
from tests.support.processes import wait_until

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
    assert (made["rule_thresholds"], made["list_entries"], made["int_list_blocks"]) == (
        "table",
        "table",
        "materialized view",
    )
    assert (made["decisions__log"], made["decisions__feed"], made["decisions"]) == ("table", "sink", "view")
    assert (made["feeds_in_force"], made["int_scored"]) == ("table", "view")
    assert (made["decisions_out"], made["alerts_out"]) == ("sink", "sink")


def test_a_second_run_changes_nothing(deployed: Deployment) -> None:
    deployed.change("update rule_thresholds set card_velocity__max_count = 9, control_version = 2")
    deployed.change("insert into list_entries (list_name, value) values ('block_card', 'c9')")
    before, thresholds, entries = (
        _relations(deployed),
        _all(deployed, "rule_thresholds"),
        _all(deployed, "list_entries"),
    )
    deployed.dbt("run")
    assert _relations(deployed) == before
    assert (_all(deployed, "rule_thresholds"), _all(deployed, "list_entries")) == (thresholds, entries)
    assert (thresholds[0]["card_velocity__max_count"], len(thresholds), len(entries)) == (9, 1, 1)


def test_dbt_s_own_tests_pass_there(deployed: Deployment) -> None:
    said = deployed.dbt("build")
    assert "ERROR=0" in said
    assert int(said.split("PASS=")[1].split()[0]) > 100


def test_staged_payments_and_the_logs_are_append_only(deployed: Deployment) -> None:
    found = deployed.rows(
        "select r.name, append_only from rw_relations r join rw_schemas s on r.schema_id = s.id "
        "join (select id, append_only from rw_tables"
        " union all select id, append_only from rw_materialized_views) t "
        f"on t.id = r.id where s.name = '{deployed.schema}'"
    )
    kept = {row["name"] for row in found if row["append_only"]}
    assert {"stg_payments", "rejected_events", "decision_input", "decisions__log"} <= kept


def _all(deployed: Deployment, relation: str) -> list[dict[str, Any]]:
    return deployed.rows(f"select * from {relation}")


def _decided(deployed: Deployment, event_id: str, ip: str = "203.0.113.9", card_id: str = "c1") -> dict[str, Any]:
    """The decision on an event that says it is the sixth payment in ten minutes, as it is first made."""
    deployed.change(
        "insert into decision_input (event_id, event_ts, card_id, ip, card_txn_count_10m, card_amount_sum_10m,"
        " card_decline_count_10m, card_merchant_first_30d, revision)"
        f" values ('{event_id}', '2026-01-31 12:00:00', '{card_id}', '{ip}', 6, 20000, 1, true, 1)"
    )

    def found() -> list[dict[str, Any]]:
        return deployed.rows(f"select * from decisions where event_id = '{event_id}'")

    wait_until(lambda: bool(found()), limit_s=60, what=f"a decision on {event_id}")
    return found()[0]


def test_an_edit_decides_new_events_only(deployed: Deployment) -> None:
    deployed.change("update rule_thresholds set card_velocity__max_count = 6, control_version = 10")
    first = _decided(deployed, "first")
    assert (first["action"], first["rule_ids"], first["control_version"]) == ("challenge", ["card_velocity"], 10)
    assert first["reasons"] == ["6 payments of 200.00 on this card in 10 minutes, 1 declined"]

    deployed.change("update rule_thresholds set card_velocity__max_count = 7, control_version = control_version + 1")
    second = _decided(deployed, "second")
    assert (second["action"], second["rule_ids"], second["control_version"]) == ("allow", [], 11)

    deployed.change("insert into list_entries (list_name, value, reason) values ('block_ip', '203.0.113.0/24', 'why')")
    third = _decided(deployed, "third")
    assert (third["action"], third["reasons"]) == ("block", ["address 203.0.113.9 is on the block list"])
    assert _decided(deployed, "outside", ip="203.0.114.9")["action"] == "allow"

    deployed.change("insert into list_entries (list_name, value) values ('block_card', 'stolen')")
    assert _decided(deployed, "stolen", card_id="stolen")["rule_ids"] == ["blocked_card", "blocked_ip"]

    deployed.change("delete from list_entries where list_name = 'block_ip'")
    assert _decided(deployed, "fourth")["action"] == "allow"
    # An entry is given another end by inserting it again.
    deployed.change(
        "insert into list_entries (list_name, value, expires_at) values ('block_card', 'stolen', '2026-01-31 12:00:00')"
    )
    assert _decided(deployed, "found", card_id="stolen")["action"] == "allow"

    # Nothing that was said before is said again.
    assert deployed.rows("select * from decisions where event_id = 'first'") == [first]
    assert deployed.rows("select event_id from decisions where version > 1") == []


def test_another_feed_goes_on_where_the_last_one_stopped(deployed: Deployment) -> None:
    _decided(deployed, "before")
    said = _all(deployed, "decisions__log")
    deployed.change("drop sink decisions__feed")
    deployed.change("drop view decisions__query")
    deployed.change(
        "insert into decision_input (event_id, event_ts, card_id, revision)"
        " values ('between', '2026-01-31 12:00:00', 'c1', 1)"
    )
    deployed.dbt("run", "--select", "rule_thresholds", "decisions")
    assert _decided(deployed, "after")["version"] == 1
    rows = deployed.rows("select event_id, version from decisions")
    assert sorted(row["event_id"] for row in rows) == sorted([row["event_id"] for row in said] + ["between", "after"])


def test_an_address_is_in_networks_of_any_length(deployed: Deployment) -> None:
    networks = [f"{128 + bits}.0.0.0/{bits}" for bits in range(9, 33)]
    networks += ["0.0.0.0/7", "64.0.0.0/8", "250.1.2.3"]
    addresses = [f"{128 + bits}.0.0.0" for bits in range(9, 33)]
    addresses += [
        f"{128 + bits}.{b}.{c}.{d}" for bits in range(9, 33) for b, c, d in [(0, 0, 1), (0, 1, 0), (127, 0, 0)]
    ]
    addresses += ["0.0.0.1", "1.255.255.255", "2.0.0.0", "64.255.0.1", "65.0.0.0", "250.1.2.3", "250.1.2.4"]
    addresses += ["001.0.0.1", "256.0.0.0", "1.0.0", "::1", "x", ""]
    deployed.change("delete from list_entries")
    deployed.change(
        "insert into list_entries (list_name, value) values "
        + ", ".join(f"('block_ip', '{network}')" for network in networks)
    )
    deployed.change(
        "insert into decision_input (event_id, event_ts, card_id, ip, revision) values "
        + ", ".join(f"('ip {ip}', '2026-01-31 12:00:00', 'c2', '{ip}', 1)" for ip in addresses)
    )
    query = "select event_id, action from decisions where event_id like 'ip %'"
    wait_until(lambda: len(deployed.rows(query)) >= len(addresses), limit_s=60, what="a decision on each address")
    lists = Lists.of([list_entry("block_ip", network) for network in networks])
    blocked = {row["event_id"].removeprefix("ip ") for row in deployed.rows(query) if row["action"] == "block"}
    assert blocked == {ip for ip in addresses if lists.holds("block_ip", ip, datetime(2026, 1, 31, 12), address=True)}
    assert len(blocked) > len(networks)
