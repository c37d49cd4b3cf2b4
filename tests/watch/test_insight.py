"""Looking back finds the attack that nobody knew, says what makes it, and drafts a rule for it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from riskwave.cli import app
from riskwave.errors import RiskwaveError
from riskwave.insight.insight import Acted, each_range, insight
from riskwave.rules.check import check_ruleset, problems
from riskwave.rules.pack import parse_rules
from riskwave.scoring.history import History
from tests.watch.conftest import DRIFTED, Kept
from tests.watch.test_watch import wallets

WEEK = np.timedelta64(6, "D")


def test_a_new_attack_is_a_cluster_with_a_draft(kept: Kept, attacked: History) -> None:
    part = attacked.between(DRIFTED, DRIFTED + WEEK)
    attack = set(np.array(part.events["event_id"].to_pylist())[(part.episode >= 0) & wallets(part)])
    found = insight(attacked, DRIFTED, DRIFTED + WEEK, scorer=kept.scorer)
    assert (found.events, found.before) == (len(part), len(attacked.between(None, DRIFTED)))
    assert found.projections
    assert found.clusters
    best = max(found.clusters, key=lambda each: len(attack & set(each.examples)))
    assert len(attack & set(best.examples)) >= 3
    assert best.missed == best.events
    assert any(made.column.startswith("device_card_count") for made in best.made_by)
    assert best.draft is not None
    rule = check_ruleset(parse_rules(best.draft.text, name="drafts")).rules[0].rule
    assert rule.state == "draft"
    assert best.draft.flagged >= best.draft.of_cluster > best.events / 2
    assert best.draft.precision is not None
    assert best.draft.precision > 0.5
    assert best.draft.false_positive_rate is not None
    assert best.draft.false_positive_rate < 0.01
    again = insight(attacked, DRIFTED, DRIFTED + WEEK, scorer=kept.scorer)
    assert again == found


def test_what_was_stopped_was_not_missed(attacked: History) -> None:
    ids = frozenset(attacked.events["event_id"].to_pylist())
    found = insight(attacked, DRIFTED, DRIFTED + WEEK, acted=Acted(ids, ids))
    assert {each.missed for each in found.clusters} == {0}
    assert {each.money for each in found.clusters} == {0}


def test_labels_that_came_later_are_not_told(attacked: History) -> None:
    until = DRIFTED + WEEK
    late = np.where(attacked.fraud_at > until, attacked.fraud_at, np.datetime64("NaT", "us"))
    found = insight(replace(attacked, fraud_at=late), DRIFTED, until)
    assert {each.frauds for each in found.clusters} == {0}


def test_too_little_before_is_said(attacked: History) -> None:
    first = attacked.at[100]
    with pytest.raises(RiskwaveError, match="100 events are before the range, at least 500 are needed"):
        insight(attacked, first, first + WEEK)


def test_ranges_follow_each_other() -> None:
    begin, end = np.datetime64("2026-03-01T00:00", "us"), np.datetime64("2026-03-03T12:00", "us")
    ranges = list(each_range(begin, end, 24))
    assert [stop for _, stop in ranges][:-1] == [start for start, _ in ranges][1:]
    assert (ranges[0][0], ranges[-1][1], len(ranges)) == (begin, end, 3)


def test_the_command_writes_drafts_that_are_sound(kept: Kept, attacked_state: Path, tmp_path: Path) -> None:
    out = tmp_path / "drafts.yml"
    result = CliRunner().invoke(
        app,
        [
            *("insight", "--state", str(attacked_state), "--since", "2026-02-28", "--until", "2026-03-04"),
            *("--each", "day", "--model", "online", "--registry", kept.registry, "--rules", str(out), "--json"),
        ],
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    looks = json.loads(result.stdout)
    assert [look["from_"][:10] for look in looks] == ["2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03"]
    assert any(look["clusters"] for look in looks)
    assert out.is_file()
    assert problems(out) == []
