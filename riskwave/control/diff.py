"""What differs between two rulesets, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from riskwave.control.snapshot import Value, stored
from riskwave.rules.pack import Rule, Ruleset, Threshold

#: What is compared of a rule, in the order it is said. Cases are tests: they decide nothing.
_FIELDS = ("when", "action", "severity", "state", "channels", "reason", "tags", "owner")


@dataclass(frozen=True)
class Difference:
    """One difference. what: added, removed, changed, threshold, channel, order; rule: or channel, None for order."""

    what: str
    rule: str | None
    said: str

    def __str__(self) -> str:
        return self.said


def differences(before: Ruleset, after: Ruleset) -> list[Difference]:
    """What was added, removed and changed from one ruleset to another, rules in the order of the second."""
    old = {rule.rule: rule for rule in before.rules}
    new = {rule.rule: rule for rule in after.rules}
    found = []
    for name, rule in new.items():
        if name not in old:
            values = ", ".join(f"{key} {stored(told.value)}" for key, told in rule.thresholds.items())
            beside = f" with {values}" if values else ""
            found.append(
                Difference("added", name, f"{name}: added, {rule.action} {rule.severity}: {_flat(rule.when)}{beside}")
            )
        else:
            found += _changed(old[name], rule)
    found += [
        Difference("removed", name, f"{name}: removed, it was {rule.action} {rule.severity}: {_flat(rule.when)}")
        for name, rule in old.items()
        if name not in new
    ]
    found += _channels(before, after)
    common = [name for name in old if name in new]
    if common != [name for name in new if name in old]:
        found.append(Difference("order", None, "the order of the rules changed"))
    return found


def _changed(old: Rule, new: Rule) -> list[Difference]:
    found = []
    for field in _FIELDS:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            said = f"{new.rule}: {field} {_said(before)} becomes {_said(after)}"
            found.append(Difference("changed", new.rule, said))
    for name in dict.fromkeys([*new.thresholds, *old.thresholds]):
        found += _threshold(new.rule, name, old.thresholds.get(name), new.thresholds.get(name))
    return found


def _threshold(rule: str, name: str, old: Threshold | None, new: Threshold | None) -> list[Difference]:
    head = f"{rule}.{name}"
    said = []
    if old is None and new is not None:
        said.append(f"{head}: new, {stored(new.value)}")
    elif new is None and old is not None:
        said.append(f"{head}: removed, it was {stored(old.value)}")
    elif old is not None and new is not None:
        if _differ(old.value, new.value):
            said.append(f"{head}: {stored(old.value)} becomes {stored(new.value)}")
        if (old.min, old.max) != (new.min, new.max):
            said.append(f"{head}: bounds {_bounds(old)} become {_bounds(new)}")
        if old.unit != new.unit:
            said.append(f"{head}: unit {_said(old.unit)} becomes {_said(new.unit)}")
    return [Difference("threshold", rule, line) for line in said]


def _channels(before: Ruleset, after: Ruleset) -> list[Difference]:
    old = {channel.channel: channel.when for channel in before.channels}
    new = {channel.channel: channel.when for channel in after.channels}
    said = [(name, f"channel {name}: added: {_flat(when)}") for name, when in new.items() if name not in old]
    said += [(name, f"channel {name}: removed") for name in old if name not in new]
    said += [
        (name, f"channel {name}: when {_said(old[name])} becomes {_said(when)}")
        for name, when in new.items()
        if name in old and old[name] != when
    ]
    found = [Difference("channel", name, line) for name, line in said]
    if [name for name in old if name in new] != [name for name in new if name in old]:
        found.append(Difference("order", None, "the order of the channels changed"))
    return found


def _differ(old: Value, new: Value) -> bool:
    return type(old) is not type(new) or old != new


def _bounds(told: Threshold) -> str:
    return f"{'…' if told.min is None else told.min} to {'…' if told.max is None else told.max}"


def _said(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return f"«{_flat(str(value))}»" if " " in str(value) else str(value)


def _flat(text: str) -> str:
    return " ".join(text.split())
