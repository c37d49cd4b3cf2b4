"""Predicates that can never be true: bounds that leave nothing between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

from riskwave.rules.columns import RuleColumn
from riskwave.rules.evaluate import evaluate
from riskwave.rules.tree import Node

_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_NOT = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}
#: More ways to be true than this are not looked through: what is not refused may still never fire.
MOST_WAYS = 200


@dataclass
class _Term:
    """What one column or expression must be, so far."""

    name: str
    whole: bool
    low: tuple[Any, bool] | None = None
    high: tuple[Any, bool] | None = None
    one_of: set[Any] | None = None
    none_of: set[Any] = field(default_factory=set)
    null: bool = False
    known: bool = False

    def fault(self) -> str | None:
        if self.null and self.known:
            return f"{self.name} must be null and also compared, which is never both"
        if self.one_of is not None:
            left = {value for value in self.one_of - self.none_of if self.within(value)}
            if not left:
                return f"no value of {self.name} is left: {self.said()}"
        low, high = self.low, self.high
        if low and high and (low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1]))):
            return f"{self.said()}"
        return None

    def within(self, value: Any) -> bool:
        above = self.low is None or value > self.low[0] or (value == self.low[0] and not self.low[1])
        return above and (self.high is None or value < self.high[0] or (value == self.high[0] and not self.high[1]))

    def said(self) -> str:
        parts = []
        if self.low:
            parts.append(f"{'above' if self.low[1] else 'at least'} {_number(self.low[0])}")
        if self.high:
            parts.append(f"{'below' if self.high[1] else 'at most'} {_number(self.high[0])}")
        if self.one_of is not None:
            parts.append("one of " + ", ".join(sorted(map(str, self.one_of))) if self.one_of else "two values at once")
        if self.none_of:
            parts.append("none of " + ", ".join(sorted(map(str, self.none_of))))
        return f"{self.name} would have to be {' and '.join(parts)}"

    def at_least(self, value: Any, strict: bool) -> None:
        if self.whole and isinstance(value, int | float) and math.isfinite(value):
            value, strict = (math.floor(value) + 1 if strict else math.ceil(value)), False
        if self.low is None or (value, strict) > self.low:
            self.low = (value, strict)

    def at_most(self, value: Any, strict: bool) -> None:
        if self.whole and isinstance(value, int | float) and math.isfinite(value):
            value, strict = (math.ceil(value) - 1 if strict else math.floor(value)), False
        if self.high is None or value < self.high[0] or (value == self.high[0] and strict):
            self.high = (value, strict)

    def apply(self, op: str, value: Any) -> None:
        self.known = True
        if op in (">", ">="):
            self.at_least(value, op == ">")
        elif op in ("<", "<="):
            self.at_most(value, op == "<")
        elif op == "=":
            self.one_of = {value} if self.one_of is None else self.one_of & {value}
        else:
            self.none_of.add(value)


def impossible(node: Node, columns: Mapping[str, RuleColumn], thresholds: Mapping[str, Any]) -> str | None:
    """Why the predicate, or a part of it, can never be true with these thresholds; None when it may be."""
    for part in node.walk():
        if part.op == "between" and all(_constant(bound) for bound in part.args[1:]):
            low, high = (evaluate(bound, {}, thresholds) for bound in part.args[1:])
            if low > high:
                return f"between {_number(low)} and {_number(high)} has its bounds reversed"
        if part.kind == "boolean" and part.op not in ("column", "threshold", "literal", "not", "in_list"):
            fault = _impossible(part, columns, thresholds)
            if fault:
                return fault
    return None


def _impossible(node: Node, columns: Mapping[str, RuleColumn], thresholds: Mapping[str, Any]) -> str | None:
    fault: str | None = None
    ways = list(islice(_ways(node, True), MOST_WAYS + 1))
    if len(ways) > MOST_WAYS:
        return None
    for way in ways:
        found = _conflict(way, columns, thresholds)
        if found is None:
            return None
        fault = fault or found
    return fault


Fact = tuple[Node, bool]


def _ways(node: Node, holds: bool) -> Iterator[tuple[Fact, ...]]:
    """The ways in which a predicate holds (or does not): each a conjunction of simple facts."""
    if node.op == "not":
        yield from _ways(node.args[0], not holds)
    elif (node.op == "and") == holds and node.op in ("and", "or"):
        for combined in product(*(list(islice(_ways(arg, holds), MOST_WAYS)) for arg in node.args)):
            yield tuple(fact for way in combined for fact in way)
    elif node.op in ("and", "or"):
        for arg in node.args:
            yield from _ways(arg, holds)
    elif node.op == "between":
        value, low, high = node.args
        parts = (Node(">=", "boolean", (value, low)), Node("<=", "boolean", (value, high)))
        if holds:
            yield tuple((part, True) for part in parts)
        else:
            yield from (((part, False),) for part in parts)
    else:
        yield ((node, holds),)


class _Facts:
    """The facts of one way, gathered by the column or expression they are about."""

    def __init__(self, columns: Mapping[str, RuleColumn], thresholds: Mapping[str, Any]) -> None:
        self.columns = columns
        self.thresholds = thresholds
        self.terms: dict[Node, _Term] = {}

    def term(self, node: Node) -> _Term:
        bare = node.args[0] if node.op == "number" else node
        if bare not in self.terms:
            self.terms[bare] = made = _Term(_name(bare), bare.kind == "integer")
            column = self.columns.get(bare.value) if bare.op == "column" else None
            if column and math.isfinite(column.low):
                made.at_least(column.low, False)
            if column and math.isfinite(column.high):
                made.at_most(column.high, False)
        return self.terms[bare]

    def value(self, node: Node) -> Any:
        return evaluate(node, {}, self.thresholds)

    def add(self, node: Node, holds: bool) -> None:
        if node.op in _NOT:
            self.compare(node, holds)
        elif node.op == "in":
            self.member(node, holds)
        elif node.op == "is null":
            found = self.term(node.args[0])
            found.null, found.known = found.null or holds, found.known or not holds
        elif node.op in ("is true", "is false") and holds:
            self.term(node.args[0]).apply("=", node.op == "is true")
        elif node.op == "column":
            self.term(node).apply("=", holds)
        elif node.op in ("like", "regex", "in_list"):
            self.term(node.args[0]).known = True

    def compare(self, node: Node, holds: bool) -> None:
        one, two = node.args
        op = node.op if holds else _NOT[node.op]
        if _constant(one):
            one, two, op = two, one, _FLIP[op]
        if _constant(two):
            self.term(one).apply(op, self.value(two))
        else:
            self.term(one).known = self.term(two).known = True

    def member(self, node: Node, holds: bool) -> None:
        found = self.term(node.args[0])
        found.known = True
        members = {self.value(member) for member in node.args[1:]}
        if holds:
            found.one_of = members if found.one_of is None else found.one_of & members
        else:
            found.none_of |= members


def _conflict(way: tuple[Fact, ...], columns: Mapping[str, RuleColumn], thresholds: Mapping[str, Any]) -> str | None:
    facts = _Facts(columns, thresholds)
    for node, holds in way:
        if not _constant(node):
            facts.add(node, holds)
        elif facts.value(node) is not holds:
            return "it is never true with the default thresholds"
    return next((fault for term in facts.terms.values() if (fault := term.fault())), None)


def _constant(node: Node) -> bool:
    return all(part.op not in ("column", "in_list") for part in node.walk())


def _name(node: Node) -> str:
    if node.op in ("column", "threshold", "literal"):
        return str(node.value)
    names = node.names("column")
    return f"{node.op} of {', '.join(names)}" if names else node.op


def _number(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
