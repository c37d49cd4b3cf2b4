"""Rules as text: one made of a form's fields, and what two texts have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

#: What a condition may be, by the kind of its column, as people say it and as SQL writes it.
OPERATORS: dict[str, dict[str, str]] = {
    "number": {"is at least": ">=", "is more than": ">", "is at most": "<=", "is less than": "<", "is": "="},
    "text": {"is": "=", "is not": "<>", "is one of": "in"},
    "boolean": {"is true": "is true", "is false": "is false"},
    "any": {"is not known": "is null", "is known": "is not null"},
}
KINDS = {"integer": "number", "number": "number", "text": "text", "boolean": "boolean"}


@dataclass(frozen=True)
class Condition:
    """One condition of a form. value: a number, a text, or several; threshold: its name, where it has one."""

    column: str
    operator: str
    value: Any = None
    threshold: str | None = None

    @property
    def sql(self) -> str:
        """As the language of rules has it."""
        if self.operator.startswith("is "):
            return f"{self.column} {self.operator}"
        if self.operator == "in":
            return f"{self.column} in ({', '.join(map(literal, self.value))})"
        return f"{self.column} {self.operator} {f':{self.threshold}' if self.threshold else literal(self.value)}"


def operators(kind: str) -> dict[str, str]:
    """The operators of a column of a kind."""
    return {**OPERATORS.get(KINDS.get(kind, ""), {}), **OPERATORS["any"]}


def literal(value: Any) -> str:
    """A value as SQL writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value) if isinstance(value, int) else quoted(str(value))


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def rule_text(fields: dict[str, Any], conditions: list[Condition], joined: str) -> str:
    """A rule of a form as the text that one would write."""
    rule: dict[str, Any] = {"rule": fields["rule"], "when": f" {joined} ".join(one.sql for one in conditions)}
    bounds = {one.threshold: one.value for one in conditions if one.threshold}
    if bounds:
        rule["thresholds"] = bounds
    rule |= {name: fields[name] for name in ("action", "severity", "reason", "owner")}
    if fields.get("channels"):
        rule["channels"] = fields["channels"]
    return yaml.safe_dump({"rules": [rule]}, sort_keys=False, allow_unicode=True, width=100)


def changes(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What differs between two rulesets, a row a rule: added and removed ones, then those with other fields."""
    old, new = ({rule["rule"]: rule for rule in rules} for rules in (before, after))
    rows = []
    for name in dict.fromkeys([*old, *new]):
        one, two = old.get(name), new.get(name)
        if one is None or two is None:
            rule = one or two or {}
            rows.append({"rule": name, "change": "removed" if two is None else "added", "when": str(rule.get("when"))})
            continue
        fields = [field for field in two if field != "thresholds" and one.get(field) != two[field]]
        values = one.get("thresholds", {}) | two.get("thresholds", {})
        fields += [
            f"{key} {one['thresholds'].get(key, '-')} → {two['thresholds'].get(key, '-')}"
            for key in values
            if one["thresholds"].get(key) != two["thresholds"].get(key)
        ]
        if fields:
            rows.append({"rule": name, "change": ", ".join(fields), "when": str(two["when"])})
    return sorted(rows, key=lambda row: row["change"] not in ("added", "removed"))
