"""A whole ruleset checked: every predicate a tree, every threshold typed, every reason in pieces."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from riskwave.errors import RiskwaveError
from riskwave.rules.bounds import impossible
from riskwave.rules.columns import Kind, RuleColumn, rule_columns
from riskwave.rules.evaluate import evaluate
from riskwave.rules.lists import Lists, list_entry
from riskwave.rules.named import never_is
from riskwave.rules.pack import NAME, Case, Channel, Rule, Ruleset, Threshold
from riskwave.rules.predicate import INTEGERS, parse
from riskwave.rules.reading import nearest, read_files
from riskwave.rules.reasons import Part, parse_reason
from riskwave.rules.tree import Node

__all__ = ["CheckedChannel", "CheckedRule", "CheckedRuleset", "check_ruleset", "faults", "problems", "run_case"]

#: SQL's names of the kinds, the same on both engines.
SQL_TYPES: dict[Kind, str] = {
    "text": "varchar",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
    "timestamp": "timestamp",
}
SHADOWED = ("and", "or", "not", "in", "is", "null", "true", "false", "case", "when", "then", "else", "end", "like")


@dataclass(frozen=True)
class CheckedThreshold:
    """A threshold with its kind: `number` where it is compared with fractions, whatever its default looks like."""

    name: str
    kind: Kind
    value: Any
    min: float | None
    max: float | None
    unit: str | None

    @property
    def sql_type(self) -> str:
        """Its type in SQL."""
        return SQL_TYPES[self.kind]


@dataclass(frozen=True)
class CheckedRule:
    """A rule that can be compiled and evaluated."""

    rule: Rule
    tree: Node
    thresholds: tuple[CheckedThreshold, ...]
    reason: tuple[Part, ...]

    @property
    def defaults(self) -> dict[str, Any]:
        """The thresholds' values as the pack gives them."""
        return {threshold.name: threshold.value for threshold in self.thresholds}

    @property
    def lists(self) -> list[str]:
        """The lists that it reads."""
        return self.tree.names("in_list")


@dataclass(frozen=True)
class CheckedChannel:
    """A channel whose predicate can be compiled and evaluated."""

    channel: Channel
    tree: Node


@dataclass(frozen=True)
class CheckedRuleset:
    """A ruleset in which everything was found to hold together."""

    ruleset: Ruleset
    rules: tuple[CheckedRule, ...]
    channels: tuple[CheckedChannel, ...]


def check_ruleset(ruleset: Ruleset, columns: Mapping[str, RuleColumn] | None = None) -> CheckedRuleset:
    """The ruleset checked against the columns (default: decision_input's). Raises RiskwaveError for the first fault."""
    return ruleset.checked if columns is None else check_by(ruleset, columns)


def check_by(ruleset: Ruleset, known: Mapping[str, RuleColumn]) -> CheckedRuleset:
    """The same, done anew."""
    channels = tuple(_channel(channel, known) for channel in ruleset.channels)
    _last_is_true(channels)
    named = [channel.channel.channel for channel in channels]
    return CheckedRuleset(ruleset, tuple(_rule(rule, known, named) for rule in ruleset.rules), channels)


def problems(path: Path | str, columns: Mapping[str, RuleColumn] | None = None) -> list[str]:
    """Every fault of a file or folder of rules, one line each: the first of each rule and channel."""
    try:
        ruleset = read_files(Path(path))
        known = rule_columns() if columns is None else columns
    except RiskwaveError as fault:
        return [str(fault)]
    return list(faults(ruleset, known))


def run_case(rule: CheckedRule, case: Case) -> bool:
    """Whether the rule fires on a case's values, by the reference."""
    lists = Lists.of(list_entry(name, value) for name, values in case.lists.items() for value in values)
    return evaluate(rule.tree, case.given, {**rule.defaults, **case.thresholds}, lists) is True


def faults(ruleset: Ruleset, columns: Mapping[str, RuleColumn]) -> Iterator[str]:
    """A line for the first fault of each rule and channel."""
    channels = []
    for channel in ruleset.channels:
        try:
            channels.append(_channel(channel, columns))
        except RiskwaveError as fault:
            yield str(fault)
    if len(channels) == len(ruleset.channels):
        try:
            _last_is_true(tuple(channels))
        except RiskwaveError as fault:
            yield str(fault)
    for rule in ruleset.rules:
        try:
            _rule(rule, columns, [channel.channel for channel in ruleset.channels])
        except RiskwaveError as fault:
            yield str(fault)


def _channel(channel: Channel, columns: Mapping[str, RuleColumn]) -> CheckedChannel:
    head = f"{channel.where}: channel {channel.channel}: when"
    try:
        tree, _ = parse(channel.when, columns, {}, constant=True)
    except RiskwaveError as fault:
        raise RiskwaveError(f"{head}: {fault}") from fault
    if any(node.op == "in_list" for node in tree.walk()):
        raise RiskwaveError(f"{head}: in_list is for rules; route by the event's own columns")
    why = impossible(tree, columns, {})
    if why:
        raise RiskwaveError(f"{head}: can never be true: {why}; correct it or remove the channel")
    return CheckedChannel(channel, tree)


def _last_is_true(channels: tuple[CheckedChannel, ...]) -> None:
    *before, last = channels
    for channel in before:
        if channel.tree.op == "literal":
            where = f"{channel.channel.where}: channel {channel.channel.channel}: when"
            raise RiskwaveError(
                f"{where}: {channel.tree.value} before the last leaves no event to the rest; put it last"
            )
    if last.tree != Node("literal", "boolean", value=True):
        where = f"{last.channel.where}: channel {last.channel.channel}: when"
        raise RiskwaveError(f"{where}: the last channel takes every event that is left; write when: true")


def _rule(rule: Rule, columns: Mapping[str, RuleColumn], channels: list[str]) -> CheckedRule:
    head = f"{rule.where}: rule {rule.rule}"
    given = {
        name: _declared(name, threshold, f"{head}: thresholds.{name}") for name, threshold in rule.thresholds.items()
    }
    tree, given = _tree(rule, columns, given, head)
    thresholds = tuple(_threshold(name, given[name], rule.thresholds[name], head) for name in rule.thresholds)
    for name in rule.channels or ():
        if name not in channels:
            near = nearest(name, channels)
            raise RiskwaveError(f"{head}: channels: {name}: no such channel; {near or 'one of ' + ', '.join(channels)}")
    if rule.channels == ():
        raise RiskwaveError(f"{head}: channels: is empty, so the rule decides nothing; leave it out for all")
    try:
        reason = parse_reason(rule.reason, columns, given)
    except RiskwaveError as fault:
        raise RiskwaveError(f"{head}: reason: {fault}") from fault
    used = {
        *tree.names("threshold"),
        *(part.node.value for part in reason if part.node and part.node.op == "threshold"),
    }
    in_predicate = tree.names("threshold")
    for name in rule.thresholds:
        if name not in in_predicate:
            said = "only the reason names it" if name in used else "nothing names it"
            raise RiskwaveError(f"{head}: thresholds.{name}: is unused, {said}; write :{name} in when, or remove it")
    checked = CheckedRule(rule, tree, thresholds, reason)
    fault_ = impossible(tree, columns, checked.defaults)
    if fault_:
        raise RiskwaveError(f"{head}: when: can never be true: {fault_}; correct the bounds or the thresholds")
    unknown = never_is(tree, columns, checked.defaults)
    if unknown:
        raise RiskwaveError(f"{head}: thresholds: {unknown}")
    for place, case in enumerate(rule.cases):
        _case(case, checked, columns, f"{head}: cases.{place}")
    return checked


def _tree(
    rule: Rule, columns: Mapping[str, RuleColumn], given: dict[str, Node], head: str
) -> tuple[Node, dict[str, Node]]:
    try:
        tree, uses = parse(rule.when, columns, given)
    except RiskwaveError as fault:
        raise RiskwaveError(f"{head}: when: {fault}") from fault
    for name, node in given.items():
        kind: Kind = "number" if name in uses.widened else node.kind
        given[name] = Node("threshold", kind, value=name, unit=node.unit or uses.units.get(name))
    return tree, given


def _declared(name: str, threshold: Threshold, head: str) -> Node:
    """A threshold as a node. Raises for a name, value, min or max that does not do."""
    if not re.match(NAME, name) or len(name) > 40 or name in SHADOWED:
        raise RiskwaveError(f"{head}: {name!r} is no name; use lower-case letters, digits and single underscores")
    value = threshold.value
    kind: Kind = "text"
    if isinstance(value, bool):
        kind = "boolean"
    elif isinstance(value, int):
        kind = "integer"
        if value not in INTEGERS:
            raise RiskwaveError(f"{head}: {value}: is too large for a whole number; at most {INTEGERS[-1]}")
    elif isinstance(value, float):
        kind = "number"
        if not math.isfinite(value):
            raise RiskwaveError(f"{head}: {value}: is no number that can be compared; write a finite one")
    low, high = threshold.min, threshold.max
    if kind in ("text", "boolean") and (low is not None or high is not None):
        raise RiskwaveError(f"{head}: min and max are for numbers, and {value!r} is none; remove them")
    if low is not None and high is not None and low > high:
        raise RiskwaveError(f"{head}: min {low} is above max {high}; swap them")
    if low is not None and not isinstance(value, str) and value < low:
        raise RiskwaveError(f"{head}: {value} is below its own min {low}; correct one")
    if high is not None and not isinstance(value, str) and value > high:
        raise RiskwaveError(f"{head}: {value} is above its own max {high}; correct one")
    return Node("threshold", kind, value=name, unit=threshold.unit)


def _threshold(name: str, node: Node, told: Threshold, head: str) -> CheckedThreshold:
    value = float(told.value) if node.kind == "number" else told.value
    low = None if told.min is None else float(told.min)
    high = None if told.max is None else float(told.max)
    if node.kind == "integer" and any(bound is not None and not bound.is_integer() for bound in (low, high)):
        raise RiskwaveError(f"{head}: thresholds.{name}: counts whole numbers, but its min or max is none; round it")
    return CheckedThreshold(name, node.kind, value, low, high, node.unit)


_TAKEN: dict[Kind, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "timestamp": (datetime,),
}
_NAMED: dict[Kind, str] = {
    "text": "text, in quotes",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "timestamp": "a timestamp, as 2026-01-31 18:00:00",
}


def _case(case: Case, rule: CheckedRule, columns: Mapping[str, RuleColumn], head: str) -> None:
    for name, value in case.given.items():
        if name not in columns:
            near = nearest(name, columns)
            raise RiskwaveError(f"{head}: given.{name}: no such column; {near or 'riskwave features lists them'}")
        _fits(value, columns[name].kind, f"{head}: given.{name}")
    kinds = {threshold.name: threshold.kind for threshold in rule.thresholds}
    for name, value in case.thresholds.items():
        if name not in kinds:
            raise RiskwaveError(f"{head}: thresholds.{name}: no such threshold; {nearest(name, kinds) or 'remove it'}")
        _fits(value, kinds[name], f"{head}: thresholds.{name}")
    for name, values in case.lists.items():
        if name not in rule.lists:
            raise RiskwaveError(
                f"{head}: lists.{name}: the rule reads no such list; {nearest(name, rule.lists) or 'remove it'}"
            )
        for value in values:
            try:
                list_entry(name, value)
            except RiskwaveError as fault:
                raise RiskwaveError(f"{head}: {fault}") from fault


def _fits(value: Any, kind: Kind, head: str) -> None:
    if value is None:
        return
    right = isinstance(value, _TAKEN[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if not right:
        said = str(value).lower() if isinstance(value, bool) else repr(value)
        raise RiskwaveError(f"{head}: {said} is not {_NAMED[kind]}; correct it")
