"""Rules tried with the thresholds and lists that each event met, and with those that publishing would keep."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from riskwave.control import Control, control_path
from riskwave.control.lifecycle import publish
from riskwave.control.lists import add_entry, remove_entry
from riskwave.control.thresholds import set_threshold
from riskwave.errors import RiskwaveError
from tests.backtest.conftest import Made
from tests.backtest.made import PACK, Row, decided, labels, make_state, pack, rows
from tests.backtest.test_cli import run, told

STRICTER = PACK.replace("card_txn_count_10m >= :max_count and ", "card_txn_count_10m > :max_count and ")


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    """A state whose thresholds and lists changed while it decided."""
    path = tmp_path_factory.mktemp("then") / "bank.duckdb"
    events = rows(400, seed=6)
    recorded: list[Row] = []
    with Control.open(control_path(path)) as control:
        publish(control, pack(), why="first", author="ann")
        for place in range(0, len(events), 50):
            turn = place // 50
            set_threshold(control, "velocity", "max_count", str(3 + turn), why="tune", author="ann")
            set_threshold(control, "far", "km", f"{700.5 - 50 * turn}", why="tune", author="ann")
            if turn % 3 == 1:
                add_entry(control, "block_ip", f"10.{turn % 4}.0.0/16", reason="a botnet", author="ann")
            if turn == 5:
                remove_entry(control, "block_ip", "10.1.0.0/16", why="over", author="ann")
            recorded += decided(control, events[place : place + 50])
        make_state(path, events, labels(events), recorded)
    return path, recorded


def fired(figures: dict[str, Any]) -> dict[str, int]:
    return {rule["rule"]: rule["counted"]["flagged"] for rule in figures["rules"]}


def test_the_same_rules_with_what_was_in_force_then_decide_as_then(
    edited: tuple[Path, list[Row]], tmp_path: Path
) -> None:
    path, recorded = edited
    (tmp_path / "card.yml").write_text(PACK)
    counts = Counter(rule for row in recorded for rule in (*row["rule_ids"], *row["shadow_rule_ids"]))
    actions = Counter(row["action"] for row in recorded)
    for rules in (tmp_path / "card.yml", "live"):
        figures = told("backtest", "--rules", rules, "--as-of", "decision", "--history", path)
        assert {rule: n for rule, n in fired(figures).items() if n} == counts
        assert {action: n for action, n in figures["side"]["actions"].items() if n} == actions
        now = told("backtest", "--rules", rules, "--history", path)
        assert fired(now) != fired(figures), "with what is in force now they decide otherwise"


def test_other_rules_meet_the_thresholds_of_then_beside_live(edited: tuple[Path, list[Row]], tmp_path: Path) -> None:
    path, recorded = edited
    (tmp_path / "card.yml").write_text(STRICTER)
    figures = told(
        *("backtest", "--rules", tmp_path / "card.yml", "--against", "live"),
        *("--as-of", "decision", "--history", path),
    )
    wanted = sum(row["card_txn_count_10m"] is not None for row in rows(400, seed=6))
    assert 0 < fired(figures)["velocity"] < wanted
    assert figures["caught"]["events"] == 0
    assert figures["released"]["events"] > 0
    flagged = sum(row["action"] != "allow" for row in recorded)
    assert figures["against"]["counted"]["flagged"] == flagged


def test_a_pack_is_tried_with_the_values_that_publishing_would_keep(
    edited: tuple[Path, list[Row]], tmp_path: Path
) -> None:
    path, _ = edited
    rules = tmp_path / "card.yml"
    rules.write_text(PACK)
    figures = told("backtest", "--rules", rules, "--against", "live", "--history", path)
    assert (figures["caught"]["events"], figures["released"]["events"]) == (0, 0)
    assert "velocity.max_count: keeps 10, as edited (the pack says 6)" in figures["side"]["kept"]
    assert "keeps 10, as edited" in run("backtest", "--rules", rules, "--history", path).stdout
    own = told("backtest", "--rules", rules, "--pack-thresholds", "--against", "live", "--history", path)
    assert own["caught"]["events"] > 0
    assert own["side"]["kept"] == []
    assert told("sweep", "velocity.max_count", "3:6", "--rules", rules, "--history", path)["now"] == 10
    swept = ("sweep", "velocity.max_count", "3:6", "--rules", rules, "--pack-thresholds", "--history", path)
    assert told(*swept)["now"] == 6


def test_what_says_nothing_of_then_is_refused(made: Made, edited: tuple[Path, list[Row]], tmp_path: Path) -> None:
    path, _ = edited
    with pytest.raises(RiskwaveError, match="--against live: a replay has nothing beside it"):
        run("backtest", "--as-of", "decision", "--against", "live", "--history", path)
    with pytest.raises(RiskwaveError, match="decisions name others; name their --state"):
        other = ("--rules", "live", "--as-of", "decision", "--history", path, "--state", made.path)
        run("backtest", *other)
    bare = make_state(tmp_path / "bare.duckdb", rows(20))
    with pytest.raises(RiskwaveError, match="its decisions name no control_version"):
        run("backtest", "--rules", "live", "--as-of", "decision", "--history", bare, "--state", made.path)
