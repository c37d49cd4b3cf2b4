"""Thresholds that are texts, against what the columns they are compared with may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskwave.rules.columns import RuleColumn
from riskwave.rules.reading import nearest
from riskwave.rules.tree import Node


def never_is(tree: Node, columns: Mapping[str, RuleColumn], thresholds: Mapping[str, Any]) -> str | None:
    """Which column of a predicate is never what a threshold's value says; None where all may be.

    A typo would not keep the rule from firing: `status <> :active` would fire on everything.
    """
    for node in tree.walk():
        for column in node.args:
            may_be = columns[column.value].values if column.op == "column" else ()
            for said in node.args:
                value = thresholds.get(said.value) if said.op == "threshold" else None
                if may_be and isinstance(value, str) and value not in may_be:
                    fix = nearest(value, may_be) or f"it is one of {', '.join(may_be)}"
                    return f"{column.value} is never {value!r}; {fix}"
    return None
