"""Small packs for tests."""

from __future__ import annotations

from typing import Any

import yaml

RULE: dict[str, Any] = {
    "rule": "card_velocity",
    "when": "card_txn_count_10m >= :max_count and card_amount_sum_10m >= :min_amount",
    "thresholds": {"max_count": 6, "min_amount": {"value": 20_000, "min": 0, "max": 100_000, "unit": "minor units"}},
    "action": "challenge",
    "severity": "P1",
    "reason": "{card_txn_count_10m} payments of {card_amount_sum_10m:money}, {:max_count} or more",
    "owner": "card-risk",
}
CHANNELS = [{"channel": "ecommerce", "when": "channel = 'ecommerce'"}, {"channel": "rest", "when": True}]


def rule(**changed: Any) -> dict[str, Any]:
    """The rule with some fields changed; a field changed to `...` is left out."""
    return {key: value for key, value in {**RULE, **changed}.items() if value is not ...}


def when(predicate: str, **thresholds: Any) -> dict[str, Any]:
    """A rule of that predicate."""
    return rule(when=predicate, thresholds=thresholds, reason="a reason")


def written(*rules: dict[str, Any], channels: list[dict[str, Any]] | None = None) -> str:
    """The pack as text."""
    return str(
        yaml.safe_dump(
            {"rules": list(rules), "channels": channels if channels is not None else CHANNELS}, sort_keys=False
        )
    )
