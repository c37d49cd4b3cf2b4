"""Edits of thresholds, and their history."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from difflib import get_close_matches

from riskwave.control.contradiction import stored_values, why_never, why_unknown
from riskwave.control.store import Control
from riskwave.errors import RiskwaveError

_NUMBERS = {
    "integer": ("a whole number", re.compile(r"-?(0|[1-9][0-9]{0,17})")),
    "number": ("a number", re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?")),
}


@dataclass(frozen=True)
class Live:
    """A threshold in force. since: UTC; author and why: of the last change."""

    rule: str
    name: str
    value: str
    kind: str
    min: float | None
    max: float | None
    unit: str | None
    default: str
    revision: str
    state: str
    since: str
    author: str
    why: str | None


@dataclass(frozen=True)
class Version:
    """A value that a threshold had. valid_to and until_version: None while it holds."""

    rule: str
    name: str
    value: str
    revision: str
    control_version: int
    until_version: int | None
    valid_from: str
    valid_to: str | None
    author: str
    why: str | None


@dataclass(frozen=True)
class Edit:
    """A threshold before and after an edit."""

    rule: str
    name: str
    before: str
    after: str
    revision: str
    control_version: int


def live_thresholds(control: Control, *, rule: str | None = None) -> list[Live]:
    """Every threshold of the rulesets that are live, canary or shadow, live first, in the order of their packs."""
    rows = control.query(
        "select t.rule, t.name, t.value, t.kind, t.min, t.max, t.unit, s.value, t.revision, r.state, v.valid_from, "
        "v.author, v.why from thresholds as t join ruleset_thresholds as s using (revision, rule, name) "
        "join rulesets as r using (revision) join threshold_versions as v "
        "on v.revision = t.revision and v.rule = t.rule and v.name = t.name and v.until_version is null "
        "order by r.state = 'live' desc, r.state, t.revision, s.position"
    )
    found = [Live(*row) for row in rows]
    if rule is None:
        return found
    if not any(one.rule == rule for one in found):
        raise RiskwaveError(f"{rule}: no rule in force with thresholds has that name{_nearest(rule, found)}")
    return [one for one in found if one.rule == rule]


def set_threshold(
    control: Control,
    rule: str,
    name: str,
    value: str,
    *,
    why: str,
    author: str | None = None,
    revision: str | None = None,
) -> list[Edit]:
    """Give a threshold another value, in every ruleset in force that has it, or in the revision named.

    Raises RiskwaveError for an unknown name, for a value of another kind or out of bounds, and for one with which the
    rule could never fire; then nothing changes.
    """
    with control.writing(why=why, author=author) as connection:
        known = live_thresholds(control)
        chosen = [one for one in known if (one.rule, one.name) == (rule, name) and revision in (None, one.revision)]
        if not chosen:
            raise RiskwaveError(_unknown(rule, name, revision, known))
        for one in chosen:
            _check(one, value)
            _check_possible(connection, one, value)
        for one in chosen:
            connection.execute(
                "update thresholds set value = ? where revision = ? and rule = ? and name = ?",
                [value, one.revision, rule, name],
            )
        version = connection.execute("select control_version from control").fetchone()[0]
        return [Edit(rule, name, one.value, value, one.revision, version) for one in chosen]


def threshold_history(control: Control, rule: str | None = None, name: str | None = None) -> list[Version]:
    """Every value that thresholds had, oldest first."""
    rows = control.query(
        "select rule, name, value, revision, control_version, until_version, valid_from, valid_to, author, why "
        "from threshold_versions where (?1 is null or rule = ?1) and (?2 is null or name = ?2) "
        "and until_version is not control_version order by id",
        (rule, name),
    )
    if not rows and rule is not None:
        raise RiskwaveError(f"{rule}{'.' + name if name else ''}: no threshold ever had that name")
    return [Version(*row) for row in rows]


def _check(one: Live, value: str) -> None:
    """The store's own checks, said with names and bounds."""
    where = f"{one.rule}.{one.name}: {value}"
    where += f" (in {one.state} {one.revision})" if one.state != "live" else ""
    if one.kind == "boolean" and value not in ("true", "false"):
        raise RiskwaveError(f"{where}: expected true or false")
    if one.kind not in _NUMBERS:
        return
    kind, pattern = _NUMBERS[one.kind]
    if not pattern.fullmatch(value):
        raise RiskwaveError(f"{where}: expected {kind}, as {one.value}")
    number = float(value)
    unit = f" {one.unit}" if one.unit else ""
    if one.min is not None and number < one.min:
        raise RiskwaveError(f"{where}: expected {one.min}{unit} or more")
    if one.max is not None and number > one.max:
        raise RiskwaveError(f"{where}: expected {one.max}{unit} or less")


def _check_possible(connection: sqlite3.Connection, one: Live, value: str) -> None:
    """Two thresholds of a rule may leave nothing between them. One that never fires as it is may be mended in steps."""
    values = stored_values(connection, one.revision, one.rule)
    unknown = why_unknown(connection, one.revision, one.rule, {**values, one.name: value})
    if unknown:
        raise RiskwaveError(f"{one.rule}.{one.name}: {value}: {unknown}")
    why = why_never(connection, one.revision, one.rule, {**values, one.name: value})
    if why and not why_never(connection, one.revision, one.rule, values):
        raise RiskwaveError(
            f"{one.rule}.{one.name}: {value}: with it the rule can never fire: {why}; choose another value, or retire "
            "the rule by publishing a pack without it"
        )


def _unknown(rule: str, name: str, revision: str | None, known: list[Live]) -> str:
    inside = f" in {revision}" if revision else ""
    own = sorted({one.name for one in known if one.rule == rule and revision in (None, one.revision)})
    if own:
        return f"{rule}.{name}: no such threshold{inside}; {rule} has {', '.join(own)}"
    return f"{rule}.{name}: no rule {rule} with thresholds is in force{inside}{_nearest(rule, known)}"


def _nearest(rule: str, known: list[Live]) -> str:
    near = get_close_matches(rule, {one.rule for one in known}, n=1)
    return f"; did you mean {near[0]}?" if near else "; `riskwave thresholds list` shows them"
