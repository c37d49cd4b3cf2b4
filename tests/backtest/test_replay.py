"""A replay gives every decision anew, and says which do not come out as they were recorded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from riskwave.backtest.replay import replay
from riskwave.control import Control, control_path
from riskwave.control.lifecycle import promote, publish, retire, rollback
from riskwave.control.lists import add_entry, remove_entry
from riskwave.control.thresholds import set_threshold
from riskwave.errors import RiskwaveError
from tests.backtest.made import PACK, Row, decided, labels, make_state, pack, rows

CANARY = PACK.replace("value: 6", "value: 3").replace("least: 1000", "least: 500")
SHADOW = PACK.replace("action: review", "action: challenge").replace("count: 4", "count: 2")


def turbulent(control: Control, events: list[Row]) -> Iterator[Row]:
    """Decisions on events, a few at a time, while thresholds, lists and rulesets change between them."""
    publish(control, pack(), why="first", author="ann")
    for place in range(0, len(events), 10):
        turn = place // 10
        if turn % 4 == 1:
            set_threshold(control, "velocity", "max_count", str(2 + turn % 7), why="tune", author="ann")
        elif turn % 4 == 2:
            add_entry(
                control,
                "block_ip",
                f"10.{turn // 4 % 4}.{turn}.0/24" if turn > 20 else f"10.{turn // 4}.0.0/16",
                reason="a botnet",
                author="ann",
            )
        elif turn == 7:
            publish(control, pack(SHADOW), why="watch", author="ann", state="shadow")
        elif turn == 11:
            publish(control, pack(CANARY), why="some", author="ann", state="canary", share=0.4)
        elif turn == 19:
            promote(control, why="good", author="ann")
        elif turn == 23:
            rollback(control, why="bad", author="ann")
        elif turn == 27:
            remove_entry(control, "block_ip", "10.0.0.0/16", why="over", author="ann")
            retire(control, pack(SHADOW).ruleset.revision, why="seen", author="ann")
        yield from decided(control, events[place : place + 10])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "bank.duckdb"
    events = rows(400, seed=5)
    # A late event makes new decisions of some, under what is in force later.
    events += [{**event, "card_txn_count_10m": 9, "version": 2} for event in events[100:130]]
    with Control.open(control_path(path)) as control:
        make_state(path, events, labels(events), list(turbulent(control, events)))
    return path


@pytest.fixture
def state(recorded: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    for file in recorded.parent.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path / recorded.name


def test_every_decision_comes_out_as_it_was_recorded(state: Path) -> None:
    result = replay(state)
    assert (result.decisions, result.differing, result.examples) == (430, 0, ())
    assert result.control_versions > 20
    with duckdb.connect(str(state)) as connection:
        seen = connection.execute(
            "select count(distinct ruleset_revision), count_if(len(shadow_rulesets) > 0), count_if(action <> 'allow'), "
            "count_if(len(shadow_rule_ids) > 0) from decisions"
        ).fetchall()[0]
    assert seen[0] == 2
    assert min(seen[1:]) > 20


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("action = 'review' where action = 'challenge'", "action"),
        ("reasons = ['another reason'] where action = 'block'", "reasons"),
        ("rule_vector = '00000' where action <> 'allow'", "rule_vector"),
        ("shadow_rulesets = [] where len(shadow_rulesets) > 0", "shadow_rulesets"),
        ("severity = null where severity is not null", "severity"),
    ],
)
def test_what_was_changed_afterwards_is_found(state: Path, change: str, column: str) -> None:
    with duckdb.connect(str(state)) as connection:
        changed = connection.execute(f"update decisions set {change}").fetchall()[0][0]
    result = replay(state, most=3)
    assert (result.differing, result.columns) == (changed, {column: changed})
    assert {example.column for example in result.examples} == {column}
    assert len(result.examples) == 3


def test_features_or_thresholds_of_another_version_differ(state: Path) -> None:
    with duckdb.connect(str(state)) as connection:
        connection.execute("update decision_input set card_txn_count_10m = 1 where card_txn_count_10m = 9")
    assert replay(state).columns["rule_ids"] > 10


def test_a_state_that_cannot_be_replayed_says_why(state: Path, tmp_path: Path) -> None:
    bare = make_state(tmp_path / "bare.duckdb", rows(5))
    with pytest.raises(RiskwaveError, match="has no decisions to replay"):
        replay(bare)
    with duckdb.connect(str(state)) as connection:
        connection.execute("update decisions set control_version = 9000 where event_id = 'e00007'")
    with pytest.raises(RiskwaveError, match="decisions name 1 to 9000; the store and the state do not belong together"):
        replay(state)
    control_path(state).unlink()
    with pytest.raises(RiskwaveError, match="is not there; a replay needs the control store"):
        replay(state)
