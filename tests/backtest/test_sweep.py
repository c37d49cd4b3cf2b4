"""A sweep's point is the backtest with that value."""

from __future__ import annotations

import pytest

from riskwave.backtest.backtest import backtest
from riskwave.backtest.given import Given, given
from riskwave.backtest.history import open_history
from riskwave.backtest.sweep import Sweep, Target, find_threshold, read_values, split_name, sweep
from riskwave.errors import RiskwaveError
from tests.backtest.conftest import Made
from tests.backtest.made import PACK, pack


def swept(made: Made, name: str, values: list[float | int], **target: float) -> Sweep:
    with open_history(made.path) as history:
        return sweep(history, given("live", made.path), *split_name(name), values, target=Target(**target))


@pytest.mark.parametrize(
    ("name", "values"),
    [("velocity.max_count", list(range(1, 12))), ("far.km", [0.0, 450.5, 2_000.0]), ("blocked.least", [0, 5_000])],
)
def test_every_point_is_a_backtest_with_that_value(made: Made, name: str, values: list[float | int]) -> None:
    result = swept(made, name, values)
    rules = given("live", made.path)
    for point in result.points:
        with open_history(made.path) as history:
            other = Given("", rules.checked, {**rules.values, split_name(name): point.value}, rules.lists)
            told = backtest(history, other)
        assert point.ruleset == told.side.counted
        assert (point.stopped, point.saved) == (told.side.stopped, told.side.saved)
        assert point.attacks_caught == told.side.attacks_caught
        assert point.alone == next(rule.counted for rule in told.rules if rule.rule == result.rule)
    assert len({point.alone.flagged for point in result.points}) == len(values) or name == "velocity.max_count"


def test_more_values_than_bits_of_a_word(made: Made) -> None:
    result = swept(made, "velocity.min_amount", list(range(0, 20_000, 100)))
    fired = [point.alone.flagged for point in result.points]
    assert fired == sorted(fired, reverse=True)
    assert fired[0] > fired[70] > fired[150] > 0


def test_a_rule_in_the_shadow_is_swept_as_if_it_were_live(made: Made) -> None:
    result = swept(made, "declines.count", [1, 4])
    rules = Given("", pack(PACK.replace("    state: shadow\n", "")), {}, given("live", made.path).lists)
    with open_history(made.path) as history:
        told = backtest(history, rules)
    assert result.points[1].ruleset == told.side.counted


def test_the_best_value_catches_most_within_the_target(made: Made) -> None:
    result = swept(made, "velocity.max_count", list(range(1, 12)), max_fpr=0.3)
    met = [point for point in result.points if (point.ruleset.false_positive_rate or 0) <= 0.3]
    assert 0 < len(met) < len(result.points)
    assert result.best in met
    assert result.best.ruleset.flagged_frauds == max(point.ruleset.flagged_frauds for point in met)
    assert swept(made, "velocity.max_count", [1, 5], min_precision=0.99).best is None
    assert swept(made, "velocity.max_count", [1, 5]).best is None
    tight = swept(made, "velocity.max_count", [1, 11], max_alerts=0.1, min_recall=0.0)
    assert tight.best is None
    assert str(tight.target) == "recall at least 0.0%, at most 0.1 alerts a day"


def test_values_are_read_as_the_threshold_takes_them() -> None:
    assert read_values("3:6", "integer") == [3, 4, 5, 6]
    assert read_values("0.1:0.3:0.1", "number") == [0.1, 0.2, 0.3]
    assert read_values("9,3", "integer") == [9, 3]
    assert read_values("0:1", "number")[:2] == [0.0, 0.02]
    assert len(read_values("0:100000", "integer")) == 51
    for text, said in (
        ("3:", "is no range of values"),
        ("a,b", "is no range of values"),
        ("9:3", "is no range that grows"),
        ("1:2:0", "is no range that grows"),
        ("1:inf:1", "is no range that grows"),
        ("1:2:0.5", "takes whole numbers"),
        ("1:9000:1", "is more than 500 values; give a larger step"),
    ):
        with pytest.raises(RiskwaveError, match=said):
            read_values(text, "integer")


def test_what_cannot_be_swept_is_refused_with_the_nearest_name(made: Made) -> None:
    rules = given("live", made.path)
    for name, said in (
        ("velocitty.max_count", "did you mean velocity"),
        ("velocity.max_cont", "did you mean max_count"),
    ):
        with pytest.raises(RiskwaveError, match=said):
            find_threshold(rules, *split_name(name))
    with pytest.raises(RiskwaveError, match="expected a rule and its threshold"):
        split_name("velocity")
    with pytest.raises(RiskwaveError, match="0 is outside of its bounds, 1 to 100"):
        swept(made, "velocity.max_count", [0, 3])
