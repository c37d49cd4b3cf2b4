"""A rule is warming until its longest window lies within the history."""

from __future__ import annotations

from datetime import timedelta

import pytest

from riskwave.backtest.warming import warming
from riskwave.errors import RiskwaveError
from riskwave.rules.windows import window_length, windows
from tests.backtest.made import START, pack


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


def test_windows_are_those_of_the_catalogue() -> None:
    assert windows()["card_txn_count_10m"] == timedelta(minutes=10)
    assert windows()["card_events_30m"] == timedelta(minutes=30)
    assert "billing_amount_minor" not in windows()
    # Made of whole tiles before the event's own, of which the first begins up to a tile earlier.
    assert windows()["merchant_txn_count_10m"] == timedelta(minutes=11)
    assert windows()["ip_fraud_rate_30d"] == timedelta(days=31)
    with pytest.raises(RiskwaveError, match="window 3 weeks: expected a number and m, h or d"):
        window_length("3 weeks")
