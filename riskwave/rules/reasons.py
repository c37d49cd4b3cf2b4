"""Reasons: a sentence with the event's values and the rule's thresholds in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from riskwave.errors import RiskwaveError
from riskwave.rules.columns import RuleColumn
from riskwave.rules.reading import nearest
from riskwave.rules.tree import Node

FORMATS = ("money", "percent", "whole")
#: What stands for a value that is not known.
UNKNOWN = "unknown"
#: What stands for a number of which two decimals would say nothing.
HUGE = "very large"
LARGEST = 1e13
_PART = re.compile(r"\{(?P<mark>:?)(?P<name>[A-Za-z0-9_]+)(?::(?P<form>[A-Za-z0-9_.]+))?\}")


@dataclass(frozen=True)
class Part:
    """A piece of a reason: literal text (node None), or a column's or threshold's value in a form."""

    text: str = ""
    node: Node | None = None
    form: str = ""


def parse_reason(text: str, columns: Mapping[str, RuleColumn], thresholds: Mapping[str, Node]) -> tuple[Part, ...]:
    """The pieces of a reason. Raises RiskwaveError: `{what}: is wrong; what to do`."""
    parts: list[Part] = []
    at = 0
    for found in _PART.finditer(text):
        parts.append(_literal(text[at : found.start()]))
        parts.append(_value(found, columns, thresholds))
        at = found.end()
    parts.append(_literal(text[at:]))
    return tuple(part for part in parts if part.node or part.text)


def _literal(text: str) -> Part:
    if "{" in text or "}" in text:
        raise RiskwaveError(
            f"has a bracket that names nothing near {text.strip()[:30]!r}; write {{column}} or {{:threshold}}"
        )
    if not text.isprintable():
        raise RiskwaveError("is more than one line, or has characters that do not print; write one plain line")
    return Part(text)


def _value(found: re.Match[str], columns: Mapping[str, RuleColumn], thresholds: Mapping[str, Node]) -> Part:
    name, form = found["name"], found["form"] or ""
    if found["mark"]:
        if name not in thresholds:
            near = nearest(name, thresholds)
            raise RiskwaveError(f"{found[0]}: no such threshold; {near or 'define it or name another'}")
        node = thresholds[name]
    else:
        if name not in columns:
            near = nearest(name, columns)
            raise RiskwaveError(f"{found[0]}: no such column; {near or 'a threshold is written {:name}'}")
        node = Node("column", columns[name].kind, value=name, unit=columns[name].unit)
    if form and form not in FORMATS:
        raise RiskwaveError(f"{found[0]}: no such form; {nearest(form, FORMATS) or 'use one of ' + ', '.join(FORMATS)}")
    if form and node.kind not in ("integer", "number"):
        raise RiskwaveError(f"{found[0]}: {form} is for numbers, and {name} is none; write {{{found['mark']}{name}}}")
    if form == "money" and node.unit not in (None, "minor units"):
        raise RiskwaveError(f"{found[0]}: money is for minor units, and {name} is in {node.unit}; leave :money out")
    if form == "percent" and node.unit not in (None, "share", "score", "ratio"):
        raise RiskwaveError(f"{found[0]}: percent is for shares, and {name} is in {node.unit}; leave :percent out")
    return Part(node=node, form=form)


def written(value: Any, kind: str, form: str) -> str:
    """A value in a reason, as the compiled SQL writes it."""
    if value is None:
        return UNKNOWN
    if kind == "boolean":
        return "yes" if value else "no"
    if kind == "timestamp":
        return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value)
    if kind == "text" or (kind == "integer" and not form):
        return str(value)
    factor, places = scale(form)
    number = float(value)
    if not abs(number) < LARGEST:
        return HUGE
    whole = math.floor(abs(number) * factor + 0.5)
    sign = "-" if number < 0 else ""
    text = f"{whole // 100}.{whole % 100:02d}" if places else str(whole)
    return f"{sign}{text}{'%' if form == 'percent' else ''}"


def scale(form: str) -> tuple[float, bool]:
    """What a number is multiplied by before it is rounded, and whether the last two digits are decimals."""
    return {"money": (1.0, True), "percent": (100.0, False), "whole": (1.0, False)}.get(form, (100.0, True))
