"""Differences in words, one at a time."""

from __future__ import annotations

import pytest

from riskwave.control.diff import differences
from riskwave.rules.pack import Ruleset, parse_rules
from tests.control.packs import LISTED, SHARED, VELOCITY

CHANNELS = """\
channels:
  - {channel: cash, when: "transaction_type = 'cash_withdrawal'"}
  - {channel: other, when: true}
---
"""


def ruleset(*parts: str) -> Ruleset:
    return parse_rules("".join(parts), name="card")


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (VELOCITY, []),
        (
            VELOCITY + SHARED,
            ["ip_shared: added, review P2: ip_decline_rate_1h >= :rate with rate 0.4"],
        ),
        (VELOCITY.replace("action: challenge", "action: block"), ["card_velocity: action challenge becomes block"]),
        (VELOCITY.replace("value: 6", "value: 7"), ["card_velocity.max_count: 6 becomes 7"]),
        (VELOCITY.replace("value: 6", "value: 6.0"), ["card_velocity.max_count: 6 becomes 6.0"]),
        (VELOCITY.replace("max: 1000", "max: 10"), ["card_velocity.max_count: bounds 1 to 1000 become 1 to 10"]),
        (VELOCITY.replace(", unit: payments", ""), ["card_velocity.max_count: unit payments becomes none"]),
        (
            VELOCITY.replace(" and card_amount_sum_10m >= :min_amount", "").replace(
                "    min_amount: {value: 20000, min: 0}\n", ""
            ),
            [
                "card_velocity: when «card_txn_count_10m >= :max_count and card_amount_sum_10m >= :min_amount» becomes "
                "«card_txn_count_10m >= :max_count»",
                "card_velocity.min_amount: removed, it was 20000",
            ],
        ),
        (
            VELOCITY.replace("owner: card-risk", "owner: card-risk\n  state: shadow\n  tags: [a, b]"),
            ["card_velocity: state live becomes shadow", "card_velocity: tags none becomes a, b"],
        ),
        (VELOCITY.replace("expect: not fired", "expect: fired"), []),
    ],
)
def test_a_change_of_a_rule(after: str, said: list[str]) -> None:
    assert [str(one) for one in differences(ruleset(VELOCITY), ruleset(after))] == said


def test_removed_rules_and_order() -> None:
    before, after = ruleset(VELOCITY, SHARED, LISTED), ruleset(LISTED, VELOCITY)
    assert [(one.what, one.rule) for one in differences(before, after)] == [("removed", "ip_shared"), ("order", None)]


def test_channels() -> None:
    before, after = ruleset(CHANNELS, VELOCITY), ruleset(CHANNELS.replace("cash,", "atm,"), VELOCITY)
    assert [str(one) for one in differences(before, after)] == [
        "channel atm: added: transaction_type = 'cash_withdrawal'",
        "channel cash: removed",
    ]
    other = ruleset(CHANNELS.replace("cash_withdrawal", "purchase"), VELOCITY)
    assert [str(one) for one in differences(before, other)] == [
        "channel cash: when «transaction_type = 'cash_withdrawal'» becomes «transaction_type = 'purchase'»"
    ]
