"""A predicate as the terms it is made of, each with its value, what it is held against, and its truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from riskwave.rules.evaluate import Row, evaluate
from riskwave.rules.lists import Lists
from riskwave.rules.tree import Node

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_JOINED = ("and", "or", "not")


@dataclass(frozen=True)
class Part:
    """What a sum gets from one of its parts; said: the condition that holds, where it is a choice."""

    said: str
    value: float


@dataclass(frozen=True)
class Term:
    """One term on one event. truth: None is not known.

    said: as the rule has it; depth: how many brackets it stands in; joined: what it is a part of (and, or, not);
    value, operator, against: of a comparison, `against` the threshold's or the other side's value; else None;
    parts: of a sum of choices (points), those that gave something.
    """

    said: str
    depth: int
    joined: str
    truth: bool | None
    value: Any = None
    operator: str | None = None
    against: Any = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What a predicate is evaluated on."""

    row: Row
    thresholds: Mapping[str, Any]
    lists: Lists

    def value(self, node: Node) -> Any:
        """A tree's value."""
        return evaluate(node, self.row, self.thresholds, self.lists)


def terms(tree: Node, facts: Facts) -> list[Term]:
    """The terms of a predicate, in order."""
    return _terms(tree, facts, 0, "and")


def conditions(tree: Node) -> list[Node]:
    """All that is true or false in a predicate: its terms, and what its choices depend on."""
    return [node for node in tree.walk() if node.kind == "boolean" and node.op not in (*_JOINED, "literal")]


def _terms(tree: Node, facts: Facts, depth: int, joined: str) -> list[Term]:
    if tree.op in _JOINED and not (tree.op == "not" and tree.args[0].op not in _JOINED):
        deeper = depth if tree.op == joined else depth + 1
        return [term for arg in tree.args for term in _terms(arg, facts, deeper, tree.op)]
    truth = facts.value(tree)
    if tree.op in COMPARISONS:
        one, two = tree.args
        added = _added(one)
        if any(part.op == "case" for part in added):
            words = f"the sum of {len(added)} parts {tree.op} {said(two)}"
            parts = tuple(part for node in added for part in _part(node, facts))
            return [Term(words, depth, joined, truth, facts.value(one), tree.op, facts.value(two), parts)]
        return [Term(said(tree), depth, joined, truth, facts.value(one), tree.op, facts.value(two))]
    columns = tree.names("column")
    value = facts.row.get(columns[0]) if len(columns) == 1 else None
    return [Term(said(tree), depth, joined, truth, value)]


def _added(node: Node) -> list[Node]:
    """What a sum is made of."""
    inner = node.args[0] if node.op == "number" else node
    return [part for arg in inner.args for part in _added(arg)] if inner.op == "+" else [inner]


def _part(node: Node, facts: Facts) -> list[Part]:
    value = facts.value(node)
    if not value:
        return []
    if node.op == "case":
        for condition in node.args[:-1:2]:
            if facts.value(condition) is True:
                return [Part(said(condition), value)]
    return [Part(said(node), value)]


def said(node: Node) -> str:
    """A tree as a rule is written; a sequence is the pattern that it stands for."""
    args = [said(arg) for arg in node.args]
    op = node.op
    if op in _PLAIN:
        text = {"column": str(node.value), "threshold": f":{node.value}", "literal": _literal(node.value)}[op]
    elif op in (*COMPARISONS, "+", "-", "*", "/"):
        text = f"{args[0]} {op} {args[1]}"
    elif op in ("and", "or"):
        text = "(" + f" {op} ".join(args) + ")"
    elif op == "number":
        text = args[0]
    elif op in _FORMS:
        text = _FORMS[op].format(*args, value=node.value)
    elif op == "in":
        text = f"{args[0]} in ({', '.join(args[1:])})"
    elif op == "case":
        pairs = "".join(f" when {test} then {value}" for test, value in zip(args[:-1:2], args[1:-1:2], strict=True))
        text = f"case{pairs} else {args[-1]} end"
    else:
        text = f"{op}({', '.join(args)})"
    return text


_PLAIN = ("column", "threshold", "literal")
_FORMS = {
    "not": "not {0}",
    "negative": "-{0}",
    "is null": "{0} is null",
    "is true": "{0} is true",
    "is false": "{0} is false",
    "between": "{0} between {1} and {2}",
    "like": "{0} like '{value}'",
    "regex": "{0} ~ '{value}'",
    "in_list": "in_list('{value}', {0})",
}


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else f"{value}"
