"""What would have let an event pass: the fewest values that are otherwise, each just on the other side of its bound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any

from riskwave.backtest.given import Given
from riskwave.backtest.plausible import Plausible
from riskwave.backtest.terms import COMPARISONS, Facts, conditions
from riskwave.rules.check import CheckedRule
from riskwave.rules.columns import rule_columns
from riskwave.rules.evaluate import Row
from riskwave.rules.reference import Decision, decide
from riskwave.rules.tree import Node

#: A text that no rule names: what stands for any other value.
OTHER = "(another)"
MOST = 5
#: Pairs are tried of so many changes at most: some thousand decisions.
_TRIED = 120


@dataclass(frozen=True)
class Change:
    """A column with another value; `value` OTHER is any that is not named; near: just above, just below, or empty."""

    column: str
    value: Any
    before: Any
    near: str = ""

    def __str__(self) -> str:
        return f"{self.column} {self.near}{_said(self.value)} instead of {_said(self.before)}"


def ways_to_pass(
    given: Given, row: Row, decision: Decision, alone: Mapping[str, Any] = MappingProxyType({})
) -> list[tuple[Change, ...]]:
    """The changes of one value, else of two, that turn a decision into allow; at most MOST, the smallest first.

    Only values that the event could have had: see riskwave.backtest.plausible, which also makes `alone`.
    """
    if decision.action == "allow":
        return []
    fired = [
        rule for rule in given.checked.rules if rule.rule.rule in decision.rule_ids and rule.rule.action != "allow"
    ]
    # A rule that two changes must end is ended by one of its own terms, so that the fired rules' terms are enough.
    changes = list(dict.fromkeys(change for rule in fired for change in _changes(rule, given, row)))
    plausible = Plausible(row, alone)
    for size in (1, 2):
        found = [
            together
            for together in combinations(changes[:_TRIED], size)
            if len({change.column for change in together}) == size and _passes(given, fired, plausible, together)
        ]
        if found:
            return sorted(found, key=lambda together: sum(map(_size, together)))[:MOST]
    return []


def _passes(given: Given, fired: list[CheckedRule], plausible: Plausible, changes: tuple[Change, ...]) -> bool:
    changed = plausible.changed({change.column: change.value for change in changes})
    if changed is None:
        return False
    # Most changes leave one of the fired rules as it is, which is seen sooner than what all rules decide.
    if any(Facts(changed, given.thresholds(rule), given.lists).value(rule.tree) is True for rule in fired):
        return False
    return decide(given.checked, changed, given.values, given.lists, given.held).action == "allow"


def _changes(rule: CheckedRule, given: Given, row: Row) -> Iterator[Change]:
    facts = Facts(row, given.thresholds(rule), given.lists)
    for leaf in conditions(rule.tree):
        before = facts.value(leaf)
        for column, value, near in _otherwise(leaf, facts):
            after = Facts({**row, column: value}, facts.thresholds, facts.lists).value(leaf)
            if after is not before and value != row.get(column):
                yield Change(column, value, row.get(column), near)


def _otherwise(leaf: Node, facts: Facts) -> Iterator[tuple[str, Any, str]]:
    """Columns of a term with values at which it may come out otherwise, and how near to what they are."""
    if leaf.op == "column":
        yield leaf.value, not facts.value(leaf), ""
    elif leaf.op in COMPARISONS:
        for one, two in (leaf.args, leaf.args[::-1]):
            column, bound = _bare(one), facts.value(two)
            if column is not None and bound is not None:
                yield from ((column.value, *value) for value in _around(column, bound))
    elif leaf.op == "between":
        column = _bare(leaf.args[0])
        for bound in (facts.value(arg) for arg in leaf.args[1:]):
            if column is not None and bound is not None:
                yield from ((column.value, *value) for value in _around(column, bound))
    elif leaf.op in ("in", "like", "regex", "in_list"):
        column = _bare(leaf.args[0])
        if column is not None and column.kind == "text":
            yield from ((column.value, value, "") for value in _texts(column.value))
    elif leaf.op in ("is true", "is false"):
        column = _bare(leaf.args[0])
        if column is not None and column.kind == "boolean":
            yield column.value, leaf.op == "is false", ""


def _bare(node: Node) -> Node | None:
    """The column that a side is, if it is nothing else."""
    inner = node.args[0] if node.op == "number" else node
    return inner if inner.op == "column" else None


def _around(column: Node, bound: Any) -> list[tuple[Any, str]]:
    """Values just below, at and just above a bound, that the column can have, and how near they are to it."""
    values: list[Any] = []
    if column.kind == "integer" and math.isfinite(bound):
        values = [math.floor(bound), math.ceil(bound), math.floor(bound) - 1, math.ceil(bound) + 1]
    elif column.kind == "number":
        near = [(math.nextafter(bound, -math.inf), "just below "), (math.nextafter(bound, math.inf), "just above ")]
        return [(bound, ""), *near]
    elif column.kind == "boolean":
        values = [True, False]
    elif column.kind == "text":
        values = _texts(column.value)
    return [(value, "") for value in values]


def _texts(column: str) -> list[str]:
    known = rule_columns().get(column)
    return [*known.values] if known and known.values else [OTHER]


def _size(change: Change) -> float:
    """How far a change goes: a share of the value for numbers, one for anything else."""
    numbers = [value for value in (change.before, change.value) if isinstance(value, int | float)]
    if len(numbers) < 2 or isinstance(change.before, bool):
        return 1.0
    return abs(change.value - change.before) / max(abs(change.before), abs(change.value), 1e-9)


def _said(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def as_json(ways: list[tuple[Change, ...]]) -> list[list[Mapping[str, Any]]]:
    """Ways to pass for machines; a value that is any other is null."""
    return [
        [
            {"column": each.column, "value": None if each.value == OTHER else each.value, "before": each.before}
            for each in way
        ]
        for way in ways
    ]
