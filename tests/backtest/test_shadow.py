"""Shadows are compared with what decided, over the events decided while they were there."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskwave.backtest.given import lists_of
from riskwave.backtest.shadow import LIVE, compare_shadows
from riskwave.control import Control, control_path
from riskwave.control.lifecycle import publish, retire
from riskwave.errors import RiskwaveError
from riskwave.rules.reference import decide
from tests.backtest.conftest import Made
from tests.backtest.made import PACK, decided, frauds, labels, make_state, pack, rows

SHADOW = PACK.replace("value: 6", "value: 3").replace("km: 800.0", "km: 950.0").replace("declines\n", "refusals\n")


def test_a_shadow_is_compared_event_by_event(tmp_path: Path) -> None:
    path = tmp_path / "bank.duckdb"
    events = rows(300, seed=8)
    told = labels(events)
    shadow = pack(SHADOW)
    with Control.open(control_path(path)) as control:
        publish(control, pack(), why="first", author="ann")
        before = decided(control, events[:50])
        publish(control, shadow, why="watch", author="ann", state="shadow")
        during = decided(control, events[50:250])
        lists = lists_of(control.snapshot())
        retire(control, shadow.ruleset.revision, why="seen", author="ann")
        after = decided(control, events[250:])
    make_state(path, events, told, [*before, *during, *after])
    there = [decide(shadow, event, {}, lists) for event in events[50:250]]
    pairs = list(zip(during, there, strict=True))
    beside, own = compare_shadows(path)
    assert (beside.ruleset, beside.events) == (shadow.ruleset.revision, 200)
    more = [a for a, b in pairs if a["action"] == "allow" != b.action]
    less = [a for a, b in pairs if b.action == "allow" != a["action"]]
    assert (beside.more, beside.less) == (len(more), len(less))
    assert len(more) > 0 < len(less)
    assert beside.more_frauds == len([a for a in more if a["event_id"] in frauds(told)])
    assert set(beside.more_examples) <= {a["event_id"] for a in more}
    for name in ("velocity", "far"):
        added = [a for a, b in pairs if name in b.rule_ids and name not in a["rule_ids"]]
        dropped = [a for a, b in pairs if name not in b.rule_ids and name in a["rule_ids"]]
        assert (beside.rules[name].added, beside.rules[name].dropped) == (len(added), len(dropped))
    assert (own.ruleset, own.events) == (LIVE, 300)
    silent = [d for d in (*before, *during, *after) if "declines" in d["shadow_rule_ids"]]
    assert own.rules["declines"].fired == len(silent) > 0
    assert own.more == len([d for d in silent if d["action"] == "allow"])
    assert [each.ruleset for each in compare_shadows(path, revision=shadow.ruleset.revision)] == [beside.ruleset]


def test_nothing_in_the_shadow_is_said(made: Made, tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match="card-0123 was not in the shadow"):
        compare_shadows(made.path, revision="card-0123")
    bare = make_state(tmp_path / "bare.duckdb", rows(5))
    with pytest.raises(RiskwaveError, match="has no decisions that say what shadows would have done"):
        compare_shadows(bare)
