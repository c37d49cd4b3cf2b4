"""Thresholds, lists and rulesets on a stream by the commands of the embedded engine, with `--target risingwave`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from riskwave.cli import app
from riskwave.control.store import Control, control_path
from riskwave.errors import RiskwaveError
from riskwave.project import project_dir
from riskwave.risingwave import sync as syncing
from riskwave.risingwave.dsn import address_of
from riskwave.risingwave.rules import take
from riskwave.risingwave.server import connected
from riskwave.risingwave.sync import steps_left, sync
from riskwave.risingwave.takeover import Step
from tests.risingwave.deployment import Deployment
from tests.support.processes import wait_until

pytestmark = pytest.mark.xdist_group("risingwave")

Run = Callable[..., str]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("governed") / "bank.duckdb"


@pytest.fixture
def run(deployed: Deployment, state: Path) -> Run:
    """Run a command on the deployment, as ann; gives what it printed."""

    def call(*arguments: str) -> str:
        at = ["--state", str(state), "--target", deployed.target]
        done = CliRunner().invoke(app, [*arguments, *at], env={"RISKWAVE_USER": "ann", "COLUMNS": "240"})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return call


_asked = iter(range(1_000_000))


def decided(deployed: Deployment, **known: Any) -> dict[str, Any]:
    """The decision on an event of which this is known; six payments in ten minutes, unless it says otherwise."""
    event_id = f"asked-{next(_asked)}"
    row = {"event_id": event_id, "event_ts": "2026-01-31 12:00:00", "card_id": "c1", "revision": 1}
    row |= {"card_txn_count_10m": 6, "card_amount_sum_10m": 20000, "card_decline_count_10m": 1}
    row |= {"card_merchant_first_30d": True, **known}
    values = ", ".join(str(value) if not isinstance(value, str) else f"'{value}'" for value in row.values())
    deployed.change(f"insert into decision_input ({', '.join(row)}) values ({values})")

    def found() -> list[dict[str, Any]]:
        return deployed.rows(f"select * from decisions where event_id = '{event_id}'")

    wait_until(lambda: bool(found()), limit_s=60, what=f"a decision on {event_id}")
    assert len(found()) == 1
    return found()[0]


def feeds(deployed: Deployment) -> list[str]:
    """What is left of changes, beside what there is one of."""
    rows = deployed.rows(
        "select r.name from rw_catalog.rw_relations r join rw_catalog.rw_schemas s on r.schema_id = s.id "
        f"where s.name = '{deployed.schema}' and r.name like '%next'"
    )
    return [row["name"] for row in rows]


def test_a_store_begins_with_what_is_in_force(run: Run, deployed: Deployment, state: Path) -> None:
    deployed.change("update rule_thresholds set card_velocity__max_count = 9, control_version = 4")
    deployed.change("insert into list_entries (list_name, value, reason) values ('block_card', 'c9', 'stolen')")
    assert "card_velocity.max_count" in run("thresholds", "list", "card_velocity")
    with Control.open(control_path(state), read_only=True) as control:
        snapshot = control.snapshot()
    assert snapshot.thresholds["card_velocity", "max_count"] == 9
    assert [entry[:3] for entry in snapshot.lists] == [("block_card", "c9", "stolen")]
    assert snapshot.control_version >= 4
    run("control", "sync")
    assert decided(deployed)["control_version"] == snapshot.control_version


def test_a_threshold_is_live_and_named(run: Run, deployed: Deployment) -> None:
    run("thresholds", "set", "card_velocity", "max_count", "6", "--why", "as it was")
    first = decided(deployed)
    assert (first["action"], first["rule_ids"]) == ("challenge", ["card_velocity"])
    run("thresholds", "set", "card_velocity", "max_count", "7", "--why", "a sale")
    second = decided(deployed)
    assert (second["action"], second["control_version"]) == ("allow", first["control_version"] + 1)
    told = json.loads(run("thresholds", "history", "card_velocity", "max_count", "--json"))
    assert [one["value"] for one in told][-2:] == ["6", "7"]
    assert told[-2]["valid_to"] == told[-1]["valid_from"]

    with pytest.raises(RiskwaveError, match="expected"):
        run("thresholds", "set", "card_velocity", "max_count", "0", "--why", "a mistake")
    assert decided(deployed)["control_version"] == second["control_version"]


def test_lists_are_live_and_named(run: Run, deployed: Deployment) -> None:
    before = decided(deployed, ip="203.0.113.9", card_txn_count_10m=1)
    run("lists", "add", "block_ip", "203.0.113.0/24", "--reason", "card testing")
    blocked = decided(deployed, ip="203.0.113.9", card_txn_count_10m=1)
    assert (before["action"], blocked["action"]) == ("allow", "block")
    assert blocked["control_version"] == before["control_version"] + 1
    run("lists", "remove", "block_ip", "203.0.113.0/24", "--why", "over")
    assert decided(deployed, ip="203.0.113.9", card_txn_count_10m=1)["action"] == "allow"
    assert not [row for row in deployed.rows("select * from list_entries") if row["list_name"] == "block_ip"]


def test_rulesets_are_published_and_rolled_back(run: Run, deployed: Deployment, tmp_path: Path) -> None:
    run("thresholds", "set", "card_velocity", "max_count", "6", "--why", "as it was")
    first = decided(deployed)
    said = deployed.rows("select * from decisions__log order by event_id")
    run("rules", "publish", str(pack(tmp_path, "card_velocity", "review")), "--why", "only look")
    second = decided(deployed)
    assert (first["action"], second["action"]) == ("challenge", "review")
    assert second["ruleset_revision"] != first["ruleset_revision"]
    assert second["control_version"] > first["control_version"]
    assert feeds(deployed) == []
    run("rules", "rollback", "--why", "no")
    third = decided(deployed)
    assert (third["action"], third["ruleset_revision"]) == ("challenge", first["ruleset_revision"])
    # What was said is said once.
    kept = {row["event_id"]: row for row in deployed.rows("select * from decisions__log")}
    assert [kept[row["event_id"]] for row in said] == said
    assert len(kept) == deployed.count("decisions__log")


def test_a_pack_of_another_name_is_refused_and_not_kept(run: Run, state: Path, tmp_path: Path) -> None:
    other = pack(tmp_path, "card_velocity", "review").rename(tmp_path / "cards")
    with Control.open(control_path(state), read_only=True) as control:
        before = control.version
    with pytest.raises(RiskwaveError, match="packs named card"):
        run("rules", "publish", str(other), "--why", "a mistake")
    with Control.open(control_path(state), read_only=True) as control:
        assert control.version == before


def test_a_canary_decides_its_cards_and_a_shadow_none(run: Run, deployed: Deployment, tmp_path: Path) -> None:
    changed = pack(tmp_path, "card_velocity", "review")
    run("rules", "publish", str(changed), "--canary", "50%", "--why", "half")
    both = [decided(deployed, card_id=f"card-{number}") for number in range(8)]
    assert {row["action"] for row in both} == {"challenge", "review"}
    again = [decided(deployed, card_id=f"card-{number}") for number in range(8)]
    assert [row["action"] for row in again] == [row["action"] for row in both]
    revision = next(row["ruleset_revision"] for row in both if row["action"] == "review")
    run("rules", "retire", revision, "--why", "seen enough")
    run("rules", "publish", str(changed), "--shadow", "--why", "watch")
    row = decided(deployed)
    assert row["action"] == "challenge"
    assert [json.loads(told)["action"] for told in row["shadow_rulesets"]] == ["review"]
    run("rules", "retire", revision, "--why", "seen enough")


def test_a_sync_that_is_cut_off_is_finished_by_the_next(
    run: Run, deployed: Deployment, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = pack(tmp_path, "card_velocity", "review")
    run("rules", "publish", str(changed), "--why", "only look")
    run("rules", "rollback", "--why", "as before")
    with connected(address_of(deployed.target)) as server, Control.open(control_path(state)) as control:
        assert steps_left(control, server) == []
        for cut in range(1, 9):
            version = control.version
            name = "publish" if cut % 2 else "rollback"
            taken = 0

            def stopping(at: object, step: Step, *rest: object, cut: int = cut) -> None:
                nonlocal taken
                if taken == cut:
                    raise RiskwaveError("cut off")
                taken += 1
                take(at, step, *rest)  # type: ignore[arg-type]

            with monkeypatch.context() as patched:
                patched.setattr(syncing, "take", stopping)
                with pytest.raises(RiskwaveError, match="control sync does what is left"):
                    run("rules", name, *([str(changed)] if cut % 2 else []), "--why", f"try {cut}")
            assert control.version > version
            decided(deployed)
            sync(control, server)
            row = decided(deployed)
            assert (row["action"], row["control_version"]) == ("review" if cut % 2 else "challenge", control.version)
            assert feeds(deployed) == []


def pack(folder: Path, rule: str, action: str) -> Path:
    """The shipped pack with another action of a rule, without its cases."""
    import yaml

    changed = folder / "card"
    changed.mkdir(exist_ok=True)
    for path in (project_dir() / "rules" / "card").glob("*.yml"):
        told = yaml.safe_load(path.read_text())
        for each in told if isinstance(told, list) else []:
            if each.get("rule") == rule:
                each["action"] = action
        (changed / path.name).write_text(yaml.safe_dump(told, sort_keys=False))
    return changed
