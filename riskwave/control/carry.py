"""Thresholds from one ruleset to the next: what is kept, what starts anew, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from riskwave.control.snapshot import Key, Value, stored, typed
from riskwave.rules.check import CheckedRuleset

_KINDS = {bool: "boolean", int: "integer", float: "number", str: "text"}


@dataclass(frozen=True)
class Spec:
    """What a pack says of a threshold: its kind, default, bounds of edits, unit."""

    rule: str
    name: str
    kind: str
    value: Value
    min: float | None
    max: float | None
    unit: str | None

    @property
    def key(self) -> Key:
        """(rule, threshold)"""
        return self.rule, self.name

    def holds(self, value: Value) -> bool:
        """Whether a value is of its kind and within its bounds."""
        if _KINDS[type(value)] != self.kind:
            return False
        if isinstance(value, int | float) and not isinstance(value, bool):
            return not ((self.min is not None and value < self.min) or (self.max is not None and value > self.max))
        return True

    @property
    def range(self) -> str:
        """Its bounds in words."""
        if self.min is None and self.max is None:
            return "any value"
        if self.max is None:
            return f"{self.min} at least"
        return f"{self.max} at most" if self.min is None else f"{self.min} to {self.max}"


@dataclass(frozen=True)
class Carried:
    """The value that a threshold takes when its ruleset is published, and why.

    how: kept (an edit that still holds), default (the pack's), new (the pack's, of a threshold there was none of),
    reset (the pack's, because the edited value is no longer allowed), restored (that of a rollback).
    """

    spec: Spec
    value: Value
    how: str
    before: Value | None = None

    def __str__(self) -> str:
        name = f"{self.spec.rule}.{self.spec.name}"
        if self.how == "kept":
            return f"{name}: keeps {stored(self.value)}, as edited (the pack says {stored(self.spec.value)})"
        if self.how == "restored":
            return f"{name}: {stored(self.value)}, as it was"
        if self.how == "reset":
            return (
                f"{name}: {stored(self.value)}, from the pack; the edited {_said(self.before)} is not allowed there "
                f"({self.spec.kind}, {self.spec.range})"
            )
        if self.how == "new":
            return f"{name}: {stored(self.value)}, new"
        return f"{name}: {stored(self.value)}, from the pack (it was {_said(self.before)})"

    @property
    def told(self) -> bool:
        """Whether it is worth a line: an edit kept or lost, a value that changes, a threshold that is new."""
        return self.how in ("kept", "new", "reset") or (self.before is not None and self.before != self.value)


def specs(checked: CheckedRuleset) -> tuple[Spec, ...]:
    """A ruleset's thresholds in the order of the pack."""
    return tuple(
        Spec(rule.rule.rule, told.name, told.kind, told.value, told.min, told.max, told.unit)
        for rule in checked.rules
        for told in rule.thresholds
    )


def carry(new: Iterable[Spec], defaults: Mapping[Key, Value], values: Mapping[Key, Value]) -> list[Carried]:
    """The values that new thresholds take after a ruleset with these defaults and values in force.

    An edited value is kept where it is still allowed. One that nobody edited follows the pack.
    """
    carried = []
    for spec in new:
        before = values.get(spec.key)
        before = None if before is None else _as(spec.kind, before)
        if before is None:
            carried.append(Carried(spec, spec.value, "new"))
        elif before == defaults.get(spec.key):
            carried.append(Carried(spec, spec.value, "default", before))
        elif spec.holds(before):
            carried.append(Carried(spec, before, "kept", before))
        else:
            carried.append(Carried(spec, spec.value, "reset", before))
    return carried


def restore(new: Iterable[Spec], values: Mapping[Key, Value]) -> list[Carried]:
    """The values that a ruleset had."""
    return [
        Carried(spec, values[spec.key], "restored") if spec.key in values else Carried(spec, spec.value, "new")
        for spec in new
    ]


def stored_specs(rows: Iterable[tuple[str, str, str, str, float | None, float | None, str | None]]) -> tuple[Spec, ...]:
    """Specs from rows of ruleset_thresholds: rule, name, kind, value, min, max, unit."""
    return tuple(
        Spec(rule, name, kind, typed(kind, value), low, high, unit) for rule, name, kind, value, low, high, unit in rows
    )


def _as(kind: str, value: Value) -> Value:
    """A whole number as the number it is, and the other way, where that changes nothing."""
    if kind == "number" and type(value) is int:
        return float(value)
    return int(value) if kind == "integer" and isinstance(value, float) and value.is_integer() else value


def _said(value: Value | None) -> str:
    return "nothing" if value is None else stored(value)
