"""Decisions in plain Python: what the compiled SELECT gives for a row, rule by rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from riskwave.rules.check import CheckedRule, CheckedRuleset
from riskwave.rules.evaluate import Row, evaluate
from riskwave.rules.lists import Lists
from riskwave.rules.outcome import precedence
from riskwave.rules.reasons import written


@dataclass(frozen=True)
class Decision:
    """What one ruleset decides about one event; the fields are the compiled SELECT's columns."""

    ruleset_channel: str
    action: str
    severity: str | None
    is_anomaly: bool
    rule_ids: list[str]
    reasons: list[str]
    shadow_rule_ids: list[str]
    rule_vector: str


def decide(
    ruleset: CheckedRuleset,
    row: Row,
    values: Mapping[tuple[str, str], Any],
    lists: Lists,
    held: Mapping[str, datetime] = MappingProxyType({}),
) -> Decision:
    """The decision on a row; values: thresholds by (rule, threshold), defaults for those that are not there.

    held: rules that act on no event before a time, and are recorded as those in the shadow.
    """
    channel = next(c.channel.channel for c in ruleset.channels if evaluate(c.tree, row) is True)
    fired = [_fires(rule, channel, row, values, lists) for rule in ruleset.rules]
    true = [(place, rule.rule) for place, rule in enumerate(ruleset.rules) if fired[place]]
    silent = {
        rule.rule
        for _, rule in true
        if rule.state == "shadow" or (rule.rule in held and row["event_ts"] < held[rule.rule])
    }
    acting = precedence((place, rule) for place, rule in true if rule.rule not in silent)
    action = acting[0][1].action if acting else "allow"
    severities = [rule.severity for _, rule in acting if rule.action != "allow"]
    return Decision(
        ruleset_channel=channel,
        action=action,
        severity=min(severities) if action != "allow" else None,
        is_anomaly=action != "allow",
        rule_ids=[rule.rule for _, rule in acting],
        reasons=[reason(ruleset.rules[place], row, values) for place, _ in acting],
        shadow_rule_ids=[rule.rule for _, rule in precedence(true) if rule.rule in silent],
        rule_vector="".join(str(int(each)) for each in fired),
    )


def reason(rule: CheckedRule, row: Row, values: Mapping[tuple[str, str], Any]) -> str:
    """A rule's reason on a row, in words."""
    thresholds = _thresholds(rule, values)
    said = []
    for part in rule.reason:
        value = evaluate(part.node, row, thresholds) if part.node else None
        said.append(written(value, part.node.kind, part.form) if part.node else part.text)
    return "".join(said)


def _fires(rule: CheckedRule, channel: str, row: Row, values: Mapping[tuple[str, str], Any], lists: Lists) -> bool:
    if rule.rule.state == "draft" or (rule.rule.channels is not None and channel not in rule.rule.channels):
        return False
    return evaluate(rule.tree, row, _thresholds(rule, values), lists) is True


def _thresholds(rule: CheckedRule, values: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    return {name: values.get((rule.rule.rule, name), default) for name, default in rule.defaults.items()}
