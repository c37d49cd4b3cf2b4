"""The language in plain Python, with three-valued logic: what the compiled SQL is held to."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from riskwave.rules.lists import Lists
from riskwave.rules.patterns import as_python
from riskwave.rules.tree import Node

Row = Mapping[str, Any]
_UP = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DOWN = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def evaluate(node: Node, row: Row, thresholds: Mapping[str, Any] | None = None, lists: Lists | None = None) -> Any:
    """The value of a tree on one row; None is "not known". Columns that the row lacks are not known."""
    return _Evaluation(row, thresholds or {}, lists or Lists()).value(node)


class _Evaluation:
    def __init__(self, row: Row, thresholds: Mapping[str, Any], lists: Lists) -> None:
        self.row = row
        self.thresholds = thresholds
        self.lists = lists

    def value(self, node: Node) -> Any:
        special = _SPECIAL.get(node.op)
        if special is not None:
            return special(self, node)
        args = [self.value(arg) for arg in node.args]
        if any(arg is None for arg in args):
            return None
        return _STRICT[node.op](*args)

    def column(self, node: Node) -> Any:
        return _typed(self.row.get(node.value), node)

    def threshold(self, node: Node) -> Any:
        return _typed(self.thresholds[node.value], node)

    def and_(self, node: Node) -> bool | None:
        known: list[bool | None] = [self.value(arg) for arg in node.args]
        return False if False in known else None if None in known else True

    def or_(self, node: Node) -> bool | None:
        known: list[bool | None] = [self.value(arg) for arg in node.args]
        return True if True in known else None if None in known else False

    def between(self, node: Node) -> bool | None:
        value, low, high = (self.value(arg) for arg in node.args)
        sides = [None if None in (value, low) else not _less(value, low)]
        sides.append(None if None in (value, high) else not _less(high, value))
        return False if False in sides else None if None in sides else True

    def in_(self, node: Node) -> bool | None:
        value, *members = (self.value(arg) for arg in node.args)
        if value is None:
            return None
        if any(member is not None and _equal(value, member) for member in members):
            return True
        return None if None in members else False

    def case(self, node: Node) -> Any:
        *pairs, otherwise = node.args
        for condition, result in zip(pairs[::2], pairs[1::2], strict=True):
            if self.value(condition) is True:
                return self.value(result)
        return self.value(otherwise)

    def known(self, node: Node) -> list[Any]:
        return [value for value in (self.value(arg) for arg in node.args) if value is not None]

    def coalesce(self, node: Node) -> Any:
        return next(iter(self.known(node)), None)

    def extreme(self, node: Node) -> Any:
        """NULLs are passed over, as both engines do."""
        best: Any = None
        for value in self.known(node):
            if best is None or (_less(best, value) if node.op == "greatest" else _less(value, best)):
                best = value
        return best

    def nullif(self, node: Node) -> Any:
        one, two = (self.value(arg) for arg in node.args)
        return None if one is not None and two is not None and _equal(one, two) else one

    def in_list(self, node: Node) -> bool | None:
        (column,) = node.args
        value = self.value(column)
        if value is None:
            return None
        address = column.unit == "IPv4 or IPv6"
        return self.lists.holds(node.value, value, self.row.get("event_ts"), address=address)


def _typed(value: Any, node: Node) -> Any:
    return float(value) if node.kind == "number" and value is not None else value


def _less(one: Any, two: Any) -> bool:
    """Order of values; NaN is above every number, texts are in order of code points."""
    if isinstance(one, float) and isinstance(two, float) and (math.isnan(one) or math.isnan(two)):
        return not math.isnan(one) and math.isnan(two)
    return bool(one < two)


def _equal(one: Any, two: Any) -> bool:
    return not _less(one, two) and not _less(two, one)


def _divided(one: float, two: float) -> float | None:
    return None if two == 0 else one / two


def _floor(value: float) -> float:
    return float(math.floor(value)) if math.isfinite(value) else value


def _round(value: float) -> float:
    """Half away from zero."""
    return -_floor(-value + 0.5) if value < 0 else _floor(value + 0.5)


@lru_cache(maxsize=1_000)
def _like(pattern: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(mark, re.escape(mark)) for mark in pattern), re.DOTALL)


_pattern = lru_cache(maxsize=1_000)(as_python)

_STRICT: dict[str, Callable[..., Any]] = {
    "not": lambda x: not x,
    "=": _equal,
    "<>": lambda x, y: not _equal(x, y),
    "<": _less,
    "<=": lambda x, y: not _less(y, x),
    ">": lambda x, y: _less(y, x),
    ">=": lambda x, y: not _less(x, y),
    "number": float,
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": _divided,
    "negative": lambda x: -x,
    "abs": abs,
    "floor": _floor,
    "ceil": lambda x: -_floor(-x),
    "round": _round,
    "lower": lambda x: x.translate(_DOWN),
    "upper": lambda x: x.translate(_UP),
    "length": len,
    "hour": lambda x: x.hour,
    "minute": lambda x: x.minute,
}
_SPECIAL: dict[str, Callable[[_Evaluation, Node], Any]] = {
    "literal": lambda _, node: node.value,
    "column": _Evaluation.column,
    "threshold": _Evaluation.threshold,
    "and": _Evaluation.and_,
    "or": _Evaluation.or_,
    "is null": lambda run, node: run.value(node.args[0]) is None,
    "is true": lambda run, node: run.value(node.args[0]) is True,
    "is false": lambda run, node: run.value(node.args[0]) is False,
    "between": _Evaluation.between,
    "in": _Evaluation.in_,
    "case": _Evaluation.case,
    "coalesce": _Evaluation.coalesce,
    "greatest": _Evaluation.extreme,
    "least": _Evaluation.extreme,
    "nullif": _Evaluation.nullif,
    "in_list": _Evaluation.in_list,
    "like": lambda run, node: _matched(run, node, lambda text: _like(node.value).fullmatch(text)),
    "regex": lambda run, node: _matched(run, node, lambda text: _pattern(node.value).search(text)),
}


def _matched(run: _Evaluation, node: Node, match: Callable[[str], object]) -> bool | None:
    text = run.value(node.args[0])
    return None if text is None else match(text) is not None
