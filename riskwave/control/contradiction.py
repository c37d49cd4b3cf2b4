"""Values with which a rule makes no sense: a threshold may be within its own bounds and still leave nothing.

SQLite cannot tell: a plain UPDATE of this kind is taken, `thresholds list` and `rules show` say so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import lru_cache

import yaml

from riskwave.control.snapshot import Value, typed
from riskwave.control.store import Control
from riskwave.rules.bounds import impossible
from riskwave.rules.check import CheckedRule, check_ruleset
from riskwave.rules.columns import rule_columns
from riskwave.rules.named import never_is
from riskwave.rules.pack import parse_rules

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def why_never(connection: sqlite3.Connection, revision: str, rule: str, values: Mapping[str, str]) -> str | None:
    """Why a revision's rule can never fire with these stored values by threshold; None when it may."""
    checked, given = _given(connection, revision, rule, values)
    return impossible(checked.tree, rule_columns(), given)


def why_unknown(connection: sqlite3.Connection, revision: str, rule: str, values: Mapping[str, str]) -> str | None:
    """Which column is never what one of these values says; None where all may be."""
    checked, given = _given(connection, revision, rule, values)
    return never_is(checked.tree, rule_columns(), given)


def _given(
    connection: sqlite3.Connection, revision: str, rule: str, values: Mapping[str, str]
) -> tuple[CheckedRule, dict[str, Value]]:
    """A revision's rule, and what its thresholds are with these stored values."""
    (text,) = connection.execute("select text from rulesets where revision = ?", [revision]).fetchone()
    checked = _rule(str(text), rule)
    kinds = {threshold.name: threshold.kind for threshold in checked.thresholds}
    given: dict[str, Value] = {name: typed(kinds[name], value) for name, value in values.items()}
    return checked, {**checked.defaults, **given}


def contradictions(control: Control) -> dict[tuple[str, str], str]:
    """What is wrong with the values that rules in force have, by (revision, rule); only of edited ones."""
    found = {}
    with control.reading() as connection:
        edited = connection.execute(
            "select distinct t.revision, t.rule from thresholds as t "
            "join ruleset_thresholds as s using (revision, rule, name) where t.value <> s.value"
        ).fetchall()
        for revision, rule in edited:
            values = stored_values(connection, revision, rule)
            if why := why_never(connection, revision, rule, values):
                found[revision, rule] = f"can never fire with these values: {why}"
            elif why := why_unknown(connection, revision, rule, values):
                found[revision, rule] = f"decides by a value that is none: {why}"
    return found


def stored_values(connection: sqlite3.Connection, revision: str, rule: str) -> dict[str, str]:
    """The values in force of a rule's thresholds."""
    rows = connection.execute("select name, value from thresholds where revision = ? and rule = ?", [revision, rule])
    return dict(rows.fetchall())


@lru_cache(maxsize=256)
def _rule(text: str, rule: str) -> CheckedRule:
    """One rule of a pack: reading all of them takes many times longer."""
    said = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, in C
    alone = {"channels": said["channels"], "rules": [each for each in said["rules"] if each["rule"] == rule]}
    return check_ruleset(parse_rules(yaml.safe_dump(alone, sort_keys=False), name="one")).rules[0]
