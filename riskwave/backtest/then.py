"""Thresholds and lists as each event met them when it was decided, for rules that may be others than decided it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from riskwave.backtest.given import Given, lists_of
from riskwave.backtest.history import History
from riskwave.control import Control
from riskwave.errors import RiskwaveError
from riskwave.rules.check import CheckedThreshold
from riskwave.rules.lists import Lists

_TYPES: Mapping[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "text": (str,), "boolean": (bool,)}


@dataclass(frozen=True)
class Then:
    """What was in force at the control versions that decisions name.

    versions: in order; values: of the live ruleset's thresholds, at each of them, None where there was none; lists:
    (first version, last version, what the lists held) in order.
    """

    versions: tuple[int, ...]
    values: Mapping[tuple[str, str], tuple[Any, ...]]
    lists: tuple[tuple[int, int, Lists], ...]

    def of(self, rule: str, threshold: CheckedThreshold, otherwise: Any) -> tuple[Any, ...]:
        """A threshold's value at each version; otherwise: where there was none of its kind."""
        told = self.values.get((rule, threshold.name), (None,) * len(self.versions))
        return tuple(value if _fits(value, threshold.kind) else otherwise for value in told)


def as_then(given: Given, then: Then) -> Given:
    """A ruleset with the thresholds and lists that each event met."""
    return replace(given, then=then)


def in_force_then(control: Control, history: History) -> Then:
    """What was in force when the events of a history were decided.

    Raises RiskwaveError when they do not name it, or the store has not been there.
    """
    if "control_version" not in history.columns:
        raise RiskwaveError(
            f"{history.name}: its decisions name no control_version; --as-of decision needs a state of `riskwave run`"
        )
    rows = history.connection.execute(
        f"select distinct control_version from ({history.events}) where control_version is not null order by 1"
    ).fetchall()
    versions = tuple(int(row[0]) for row in rows)
    if not versions or versions[-1] > control.version:
        raise RiskwaveError(
            f"{control.path}: has {control.version} versions, and decisions name others; name their --state"
        )
    values: dict[tuple[str, str], list[Any]] = {}
    lists: list[tuple[int, int, Lists]] = []
    seen = -1
    for place, version in enumerate(versions):
        snapshot = control.snapshot(version)
        for key, value in snapshot.thresholds.items():
            values.setdefault(key, [None] * len(versions))[place] = value
        if snapshot.lists_version == seen:
            lists[-1] = (lists[-1][0], version, lists[-1][2])
        else:
            lists.append((version, version, lists_of(snapshot)))
        seen = snapshot.lists_version
    return Then(versions, {key: tuple(told) for key, told in values.items()}, tuple(lists))


def _fits(value: Any, kind: str) -> bool:
    """Whether a value is of a threshold's kind: true is no whole number."""
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def changed(values: Iterable[Any]) -> bool:
    """Whether there is more than one value."""
    return len(set(values)) > 1
