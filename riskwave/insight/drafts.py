"""Draft rules for what was found: a few conditions that hold for a cluster and for little else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from riskwave.errors import RiskwaveError
from riskwave.rules.check import check_ruleset
from riskwave.rules.columns import MODEL_COLUMNS, RuleColumn, rule_columns
from riskwave.rules.pack import parse_rules
from riskwave.scoring.history import History
from riskwave.scoring.values import Flags
from riskwave.watch.spread import Ints

#: Conditions of a draft at most, and the gain of a further one below which it is left out.
MOST, LEAST_GAIN = 4, 0.02
#: How much more a wrong alert counts than an event of the cluster that is missed (beta of F, squared).
BETA_2 = 0.25
#: Columns that a draft never names: they tell who or when, not what.
_UNITS = {"id", "IPv4 or IPv6", "digits", "UTC", "event codes", "degrees", "score", "hours"}


@dataclass(frozen=True)
class Condition:
    """A comparison of one column; value: a number, a text or True."""

    column: RuleColumn
    operator: str
    value: Any

    @property
    def threshold(self) -> str | None:
        """The name of its threshold; None where it has none."""
        if self.operator not in (">=", "<="):
            return None
        return f"{'min' if self.operator == '>=' else 'max'}_{self.column.name}"

    @property
    def said(self) -> str:
        """In the language of rules."""
        if self.value is True:
            return self.column.name
        if self.threshold:
            return f"{self.column.name} {self.operator} :{self.threshold}"
        return f"{self.column.name} = '{self.value}'"


@dataclass(frozen=True)
class Draft:
    """A rule as text, in state draft, and what it does on the whole history: figures by all labels that are there."""

    rule: str
    text: str
    flagged: int
    of_cluster: int
    precision: float | None
    recall: float | None
    false_positive_rate: float | None


def draft(history: History, cluster: Ints, name: str, why: str) -> Draft | None:
    """The draft for rows of a history; None when no condition sets them apart, or the rule would be refused."""
    inside = np.zeros(len(history), np.bool_)
    inside[cluster] = True
    holds, chosen = np.ones(len(history), np.bool_), list[Condition]()
    reached = _f(holds, inside)
    candidates = list(_conditions(history.events, cluster))
    while len(chosen) < MOST:
        named = {condition.column.name for condition in chosen}
        tried = [
            (_f(holds & flags, inside), condition, flags)
            for condition, flags in candidates
            if condition.column.name not in named
        ]
        best = max(tried, key=lambda each: each[0], default=None)
        if best is None or best[0] < reached + LEAST_GAIN:
            break
        reached, holds = best[0], holds & best[2]
        chosen.append(best[1])
    if not chosen:
        return None
    text = _text(name, chosen, why, history.events, int(cluster[np.argmax(holds[cluster])]))
    try:
        check_ruleset(parse_rules(text, name="insight"))
    except RiskwaveError:
        return None
    fraud = history.frauds()
    hits, legitimate = int((holds & fraud).sum()), int((~fraud).sum())
    return Draft(
        rule=name,
        text=text,
        flagged=int(holds.sum()),
        of_cluster=int((holds & inside).sum()),
        precision=hits / int(holds.sum()) if holds.any() and fraud.any() else None,
        recall=hits / int(fraud.sum()) if fraud.any() else None,
        false_positive_rate=int((holds & ~fraud).sum()) / legitimate if legitimate else None,
    )


def drafts_text(drafts: Sequence[Draft]) -> str:
    """Drafts as the text of a rule file."""
    return "# Drafts: proposed by `riskwave insight`, to be read, tested and published.\n\n" + "\n".join(
        each.text for each in drafts
    )


def _conditions(events: pa.Table, cluster: Ints) -> Iterator[tuple[Condition, Flags]]:
    """What most of a cluster's events have in common, a condition each, with the events it holds for."""
    skipped = {column.name for column in MODEL_COLUMNS}
    for column in rule_columns().values():
        if column.name in skipped or column.unit in _UNITS or column.name not in events.column_names:
            continue
        values = events[column.name]
        if column.kind == "boolean":
            flags = np.asarray(values.fill_null(False).to_numpy(), np.bool_)
            if flags[cluster].mean() >= 0.8:
                yield Condition(column, "", True), flags
        elif column.kind == "text":
            texts = np.array(values.to_pylist(), object)
            seen = [text for text in texts[cluster] if text is not None]
            if seen:
                common = max(sorted(set(seen)), key=seen.count)
                if seen.count(common) >= 0.8 * len(cluster) and "'" not in common:
                    yield Condition(column, "=", common), np.asarray(texts == common, np.bool_)
        elif column.kind in ("integer", "number"):
            yield from _bounds(column, np.asarray(values.cast(pa.float64()).to_numpy(), np.float64), cluster)


def _bounds(column: RuleColumn, numbers: np.ndarray, cluster: Ints) -> Iterator[tuple[Condition, Flags]]:
    known = numbers[cluster][~np.isnan(numbers[cluster])]
    if len(known) < 0.8 * len(cluster):
        return
    whole = column.kind == "integer"
    for share in (0.02, 0.1, 0.25):
        for operator, at in ((">=", share), ("<=", 1 - share)):
            value = float(np.quantile(known, at, method="lower" if operator == ">=" else "higher"))
            value = float(np.floor(value)) if whole else float(np.round(value, 4))
            with np.errstate(invalid="ignore"):
                flags = numbers >= value if operator == ">=" else numbers <= value
            yield Condition(column, operator, int(value) if whole else value), flags


def _f(holds: Flags, inside: Flags) -> float:
    hits = float((holds & inside).sum())
    return (1 + BETA_2) * hits / max(float(holds.sum()) + BETA_2 * float(inside.sum()), 1.0)


def _text(name: str, chosen: Sequence[Condition], why: str, events: pa.Table, example: int) -> str:
    thresholds = {
        condition.threshold: {"value": condition.value, **_range(condition)}
        for condition in chosen
        if condition.threshold
    }
    rule: dict[str, Any] = {
        "rule": name,
        "when": " and ".join(condition.said for condition in chosen),
        **({"thresholds": thresholds} if thresholds else {}),
        "action": "review",
        "severity": "P2",
        "reason": why,
        "owner": "card-risk",
        "tags": ["insight"],
        "state": "draft",
        "cases": [{"given": _given(chosen, events, example), "expect": "fired"}],
    }
    return yaml.safe_dump([rule], sort_keys=False, allow_unicode=True, width=110)


def _range(condition: Condition) -> Mapping[str, Any]:
    """Bounds of a threshold's edits: what values of the column lie between, else a wide margin."""
    column, value = condition.column, condition.value
    low = column.low if np.isfinite(column.low) else min(0.0, 10.0 * value)
    high = column.high if np.isfinite(column.high) else max(10.0 * value, 1_000.0)
    kind = int if column.kind == "integer" else float
    return {"min": kind(np.floor(low)), "max": kind(np.ceil(high))}


def _given(chosen: Sequence[Condition], events: pa.Table, row: int) -> dict[str, Any]:
    return {condition.column.name: events[condition.column.name][row].as_py() for condition in chosen}
