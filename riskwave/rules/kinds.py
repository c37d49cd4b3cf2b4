"""What may stand beside what: kinds and units, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from sqlglot import exp

from riskwave.errors import RiskwaveError
from riskwave.rules.columns import Kind
from riskwave.rules.sql_text import shown
from riskwave.rules.tree import Node

NUMERIC = ("integer", "number")


@dataclass
class Uses:
    """What a predicate does with its thresholds: kinds that are wider than their defaults, units they stand beside."""

    widened: set[str] = field(default_factory=set)
    units: dict[str, str] = field(default_factory=dict)


class Alike:
    """Brings nodes to one kind, or says why they have none in common; uses: noted of thresholds on the way."""

    def __init__(self, uses: Uses) -> None:
        self.uses = uses

    def number(self, node: Node) -> Node:
        """An integer as a number, a threshold by becoming one."""
        if node.kind == "number":
            return node
        if node.op == "literal":
            return Node("literal", "number", value=float(node.value))
        if node.op == "threshold":
            self.uses.widened.add(node.value)
            return Node("threshold", "number", value=node.value, unit=node.unit)
        return Node("number", "number", (node,), unit=node.unit)

    def alike(self, pairs: list[tuple[exp.Expr, Node]], what: str, *, units: bool = True) -> list[Node]:
        """The nodes in one kind. Raises when they are of different kinds, or measured in different units."""
        (first, one), *rest = pairs
        for other, node in rest:
            if node.kind != one.kind and not (node.kind in NUMERIC and one.kind in NUMERIC):
                raise RiskwaveError(self.unlike(first, one, other, node, what))
        nodes = [node for _, node in pairs]
        if one.kind in NUMERIC and units:
            self.same_unit(pairs, what)
        if one.kind in NUMERIC and any(node.kind == "number" for node in nodes):
            return [self.number(node) for node in nodes]
        return nodes

    def unlike(self, first: exp.Expr, one: Node, other: exp.Expr, node: Node, what: str) -> str:
        """Why two kinds do not go together."""
        said = f"{shown(first)} is {a_kind(one.kind)} and {shown(other)} is {a_kind(node.kind)}: {what} takes two alike"
        for mine, theirs in ((one, node), (node, one)):
            if mine.kind == "text" and theirs.op == "literal" and theirs.kind in NUMERIC:
                return f"{said}; write {str(theirs.value)!r} in quotes"
            if mine.kind in NUMERIC and theirs.op == "literal" and theirs.kind == "text":
                return f"{said}; write {theirs.value} without quotes"
            if mine.kind == "boolean":
                return f"{said}; a flag stands alone: write it, or not it"
        return f"{said}; compare what is alike"

    def same_unit(self, pairs: list[tuple[exp.Expr, Node]], what: str) -> None:
        """Raise unless all that have a unit have the same."""
        known = [(e, node) for e, node in pairs if node.unit]
        for (e, one), (f, two) in pairwise(known):
            if one.unit != two.unit:
                raise RiskwaveError(
                    f"{shown(e)} is in {one.unit} and {shown(f)} in {two.unit}: {what} needs one unit; "
                    "use another column, correct the threshold's unit, or multiply by a factor"
                )
        for _, node in pairs:
            if node.op == "threshold" and known:
                self.uses.units.setdefault(node.value, str(known[0][1].unit))


def a_kind(kind: Kind) -> str:
    """The kind in a message."""
    said = {"text": "text", "integer": "a number", "number": "a number", "boolean": "true or false"}
    return said.get(kind, "a timestamp")
