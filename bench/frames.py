"""One rule after another in pandas, as an analyst would without a compiler: its columns are read, its terms evaluated.

A condition that is not known is NA, as NULL is in SQL, so that both come to the same.
"""

from __future__ import annotations

import re
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd

from riskwave.backtest.given import Given
from riskwave.rules.check import CheckedRule
from riskwave.rules.tree import Node


def fired(rule: CheckedRule, rules: Given, file: Path) -> tuple[int, int]:
    """How often a rule fired, and on frauds."""
    routing = rules.checked.channels if rule.rule.channels else ()
    trees = [rule.tree, *(channel.tree for channel in routing)]
    read = sorted({name for tree in trees for name in tree.names("column")})
    frame = pd.read_parquet(file, columns=[*read, "is_fraud"], dtype_backend="numpy_nullable")
    terms = Terms(frame, rules.thresholds(rule))
    truth = terms.truth(rule.tree)
    if rule.rule.channels:
        left = pd.Series(True, index=frame.index)
        here = pd.Series(False, index=frame.index)
        for channel in routing:
            taken = left & terms.truth(channel.tree)
            here |= taken if channel.channel.channel in rule.rule.channels else False
            left &= ~taken
        truth &= here
    return int(truth.sum()), int((truth & frame["is_fraud"].astype(bool)).sum())


class Terms:
    """The language over a frame's columns."""

    def __init__(self, frame: pd.DataFrame, thresholds: dict[str, Any]) -> None:
        self.frame = frame
        self.thresholds = thresholds

    def truth(self, tree: Node) -> pd.Series:
        """Whether a condition holds; what is not known is false."""
        return self._series(self.value(tree)).astype("boolean").fillna(value=False).astype(bool)

    def value(self, node: Node) -> Any:
        """A column, or a plain value."""
        if node.op == "column":
            return self.frame[node.value]
        if node.op in ("literal", "threshold"):
            value = self.thresholds[node.value] if node.op == "threshold" else node.value
            return pd.NA if value is None else value
        args = [self.value(arg) for arg in node.args]
        if node.op in _TWO:
            return reduce(_TWO[node.op], args)
        return getattr(self, f"_{_NAMED.get(node.op, node.op)}")(node, args)

    def _series(self, value: Any) -> pd.Series:
        return value if isinstance(value, pd.Series) else pd.Series(value, index=self.frame.index)

    def _not(self, _: Node, args: list[Any]) -> Any:
        return ~args[0]

    def _number(self, _: Node, args: list[Any]) -> Any:
        return args[0].astype("Float64") if isinstance(args[0], pd.Series) else float(args[0])

    def _in(self, _: Node, args: list[Any]) -> Any:
        return args[0].isin(args[1:]).astype("boolean").mask(args[0].isna())

    def _is_null(self, _: Node, args: list[Any]) -> Any:
        return args[0].isna()

    def _coalesce(self, _: Node, args: list[Any]) -> Any:
        return reduce(lambda one, two: one.fillna(two), args)

    def _between(self, _: Node, args: list[Any]) -> Any:
        return (args[0] >= args[1]) & (args[0] <= args[2])

    def _regex(self, node: Node, args: list[Any]) -> Any:
        pattern = re.compile(node.value)
        return args[0].map(lambda text: pattern.search(text) is not None, na_action="ignore").astype("boolean")

    def _like(self, node: Node, args: list[Any]) -> Any:
        pattern = re.escape(node.value).replace("%", ".*").replace("_", ".")
        return args[0].str.fullmatch(pattern)

    def _divide(self, _: Node, args: list[Any]) -> Any:
        by = self._series(args[1]).astype("Float64")
        return args[0] / by.mask(by == 0)

    def _case(self, _: Node, args: list[Any]) -> Any:
        value = self._series(args[-1])
        for test, then in reversed(list(zip(args[:-1:2], args[1:-1:2], strict=True))):
            value = value.mask(self._series(test).astype("boolean").fillna(value=False), then)
        return value

    def _abs(self, _: Node, args: list[Any]) -> Any:
        return abs(args[0])

    def _greatest(self, _: Node, args: list[Any]) -> Any:
        return pd.concat([self._series(arg) for arg in args], axis=1).max(axis=1)

    def _least(self, _: Node, args: list[Any]) -> Any:
        return pd.concat([self._series(arg) for arg in args], axis=1).min(axis=1)

    def _is_true(self, _: Node, args: list[Any]) -> Any:
        return args[0].fillna(value=False)

    def _is_false(self, _: Node, args: list[Any]) -> Any:
        return (~args[0]).fillna(value=False)


_TWO = {
    "and": lambda one, two: one & two,
    "or": lambda one, two: one | two,
    "=": lambda one, two: one == two,
    "<>": lambda one, two: one != two,
    "<": lambda one, two: one < two,
    "<=": lambda one, two: one <= two,
    ">": lambda one, two: one > two,
    ">=": lambda one, two: one >= two,
    "+": lambda one, two: one + two,
    "-": lambda one, two: one - two,
    "*": lambda one, two: one * two,
}
_NAMED = {"/": "divide", "is null": "is_null", "is true": "is_true", "is false": "is_false"}
