"""A predicate as a typed tree: what the checker makes, and the compiler and the reference read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from riskwave.rules.columns import Kind


@dataclass(frozen=True)
class Node:
    """One operation, typed.

    op: `column`, `threshold`, `literal`, `and`, `or`, `not`, `=`, `<>`, `<`, `<=`, `>`, `>=`, `between`, `in`,
    `is null`, `is true`, `is false`, `number` (an integer as a number), `+`, `-`, `*`, `/`, `negative`, a function's
    name, `case` (condition, value, …, else), `like`, `regex`, `in_list`.
    value: a literal's value, a column's, threshold's or list's name, a pattern; unit: None where there is none.
    """

    op: str
    kind: Kind
    args: tuple[Node, ...] = ()
    value: Any = None
    unit: str | None = None

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for arg in self.args:
            yield from arg.walk()

    def names(self, op: str) -> list[str]:
        """What the nodes of an operation (column, threshold, in_list) name, each once, in order."""
        return list(dict.fromkeys(node.value for node in self.walk() if node.op == op))


TRUE = Node("literal", "boolean", value=True)
