"""A rule is warming until its longest window lies within the history."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from riskwave.backtest.warming import warming, warming_of_state, window_length, windows
from riskwave.errors import RiskwaveError
from tests.backtest.conftest import Made
from tests.backtest.made import START, make_state, pack


def test_a_rule_is_warming_until_its_window_has_passed() -> None:
    ruleset = pack()

    def cold(after: timedelta) -> list[str]:
        return [each.rule for each in warming(ruleset, START, START + after)]

    assert cold(timedelta(0)) == ["velocity", "far", "declines"]
    assert cold(timedelta(minutes=59)) == ["far", "declines"]
    assert cold(timedelta(hours=1)) == ["far"]
    assert cold(timedelta(days=30)) == []
    (far,) = warming(ruleset, START, START + timedelta(days=29))
    assert (far.feature, far.window, far.until) == ("card_km_from_last", "30d", START + timedelta(days=30))
    assert str(far) == "far: warming until 2026-01-31 00:00 UTC: card_km_from_last looks back 30d"


def test_a_state_is_as_warm_as_its_history_is_long(made: Made, tmp_path: Path) -> None:
    assert [each.rule for each in warming_of_state(made.path, pack())] == ["far"]
    assert warming_of_state(make_state(tmp_path / "empty.duckdb", []), pack()) == ()


def test_windows_are_those_of_the_catalogue() -> None:
    assert windows()["card_txn_count_10m"] == timedelta(minutes=10)
    assert windows()["card_events_30m"] == timedelta(minutes=30)
    assert "billing_amount_minor" not in windows()
    with pytest.raises(RiskwaveError, match="window 3 weeks: expected a number and m, h or d"):
        window_length("3 weeks")
