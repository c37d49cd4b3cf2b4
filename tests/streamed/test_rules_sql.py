"""What a version of the control store means on a stream: names, columns, and statements that say which they are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from riskwave.control.checked import checked_pack
from riskwave.control.lifecycle import publish
from riskwave.control.lists import add_entry
from riskwave.control.store import Control
from riskwave.control.thresholds import set_threshold
from riskwave.control.thresholds_cli import set_command
from riskwave.errors import RiskwaveError
from riskwave.project import project_dir
from riskwave.risingwave.dsn import address_of, deployment_address
from riskwave.risingwave.entries import NEVER, WantedEntry
from riskwave.risingwave.relations import _FEED
from riskwave.risingwave.rules import compiled, feed_sql, query_sql, wanted
from riskwave.rules.check import check_ruleset
from riskwave.rules.dbt import FEED, PACK
from riskwave.rules.pack import parse_rules
from tests.control.packs import STRICTER, VELOCITY, pack
from tests.support.processes import free_port


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """A store with the shipped pack live."""
    store = Control.open(tmp_path / "bank.duckdb.control")
    publish(store, checked_pack(project_dir() / PACK, cases=False), why="to begin with")
    return store


def test_edits_keep_the_structure_and_rulesets_change_it(control: Control) -> None:
    first = wanted(control.snapshot())
    set_threshold(control, "card_velocity", "max_count", "7", why="try")
    add_entry(control, "block_ip", "203.0.113.0/24", reason="card testing", expires_at=datetime(2026, 12, 31))
    edited = wanted(control.snapshot())
    assert (edited.structure, edited.columns) == (first.structure, first.columns)
    assert {name for name, value in edited.row.items() if first.row[name] != value} == {"card_velocity__max_count"}
    assert edited.entries == {("block_ip", "203.0.113.0/24"): WantedEntry(datetime(2026, 12, 31), "card testing")}
    assert edited.version == first.version + 2

    macro = (project_dir() / "macros" / "ruleset" / "ruleset_structure.sql").read_text()
    assert f'"{first.structure}"' in macro, "dbt and the control store call the same statement otherwise"


def test_a_canary_and_a_shadow_are_part_of_the_structure(control: Control) -> None:
    live = wanted(control.snapshot())
    publish(control, pack(VELOCITY), why="some cards", state="canary", share=0.1)
    canary = wanted(control.snapshot())
    publish(control, pack(STRICTER), why="watch", state="shadow")
    both = wanted(control.snapshot())
    assert len({live.structure, canary.structure, both.structure}) == 3
    assert set(live.row) < set(canary.row) < set(both.row)
    assert (both.row["canary__card_velocity__max_count"], both.row["shadow1__card_velocity__max_count"]) == (6, 4)
    sql = compiled(control.snapshot()).sql
    assert "md5(" in sql
    assert "for system_time as of proctime()" in sql


def test_a_feed_is_called_by_its_name_and_reads_its_own_thresholds(control: Control) -> None:
    statement = compiled(control.snapshot())
    columns = ["event_id", "action", "seen_at"]
    sql = feed_sql(statement, "card.x.7.8", "rule_thresholds__next", columns, since="2026-01-31 12:00:00+00:00")
    assert FEED not in sql
    assert sql.startswith("select event_id, action, seen_at from (with rules_known as (select ")
    assert sql.endswith(") as said where seen_at > '2026-01-31 12:00:00+00:00'::timestamptz")
    found = _FEED.search(sql)
    assert found and found[1] == "card.x.7.8"
    for relation in ("int_scored", "list_entries", "int_list_blocks", "feeds_in_force", "rule_thresholds__next"):
        assert f" {relation} " in sql or f" {relation})" in sql, relation
    assert " decision_input" not in sql
    lately = feed_sql(statement, "card.x.7.8", "rule_thresholds__next", columns, scored="decisions__lately_1")
    assert "from decisions__lately_1" in lately
    assert "int_scored" not in lately
    assert lately.endswith(") as said")
    query = query_sql(statement, "card.x.7.8", columns)
    assert "system_time" not in query
    assert "join rule_thresholds as t" in query


def test_a_pack_of_another_name_is_refused(tmp_path: Path) -> None:
    with Control.open(tmp_path / "other.control") as store:
        publish(store, check_ruleset(parse_rules(VELOCITY, name="loan")), why="another")
        with pytest.raises(RiskwaveError, match="RisingWave decides by packs named card"):
            wanted(store.snapshot())


def test_where_no_server_answers_nothing_is_changed(control: Control) -> None:
    before = control.version
    with pytest.raises(RiskwaveError, match="no RisingWave answers"):
        set_command(
            "card_velocity",
            "max_count",
            "7",
            why="try",
            state=Path(str(control.path).removesuffix(".control")),
            target=f"risingwave://root@127.0.0.1:{free_port()}/dev",
        )
    assert control.version == before


def test_an_entry_without_an_end_never_ends(control: Control) -> None:
    add_entry(control, "block_card", "c1", reason="stolen")
    assert wanted(control.snapshot()).entries == {("block_card", "c1"): WantedEntry(NEVER, "stolen")}


def test_where_a_server_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = address_of("risingwave://ann:secret@host:4566/dev?schema=bank")
    assert (found.conninfo, found.schema) == ("postgresql://ann:secret@host:4566/dev", "bank")
    assert "secret" not in found.shown
    monkeypatch.setenv("RISINGWAVE_DSN", "risingwave://root@one:4566/dev?schema=bank")
    assert deployment_address(None).conninfo == "postgresql://root@one:4566/dev"
    monkeypatch.delenv("RISINGWAVE_DSN")
    for name, value in {"HOST": "rw", "USER": "ann", "PASSWORD": "p@ss", "SCHEMA": "bank"}.items():
        monkeypatch.setenv(f"RISINGWAVE_{name}", value)
    found = deployment_address(None)
    assert (found.conninfo, found.schema) == ("postgresql://ann:p%40ss@rw:4566/dev", "bank")
    with pytest.raises(RiskwaveError, match="expected a DSN such as risingwave://"):
        deployment_address("mysql://x")
