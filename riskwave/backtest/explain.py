"""Why an event was decided as it was: what was known, each rule's terms, and what would have let it pass."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from riskwave.backtest.changes import Change, as_json, ways_to_pass
from riskwave.backtest.given import Given, lists_of
from riskwave.backtest.plausible import alone
from riskwave.backtest.terms import Facts, Term, terms
from riskwave.batch.history import attach_state, columns_of, literal, whole
from riskwave.catalogue import load_catalogue
from riskwave.control import Control, Snapshot, control_path
from riskwave.errors import RiskwaveError
from riskwave.rules.check import CheckedRule, check_ruleset
from riskwave.rules.columns import MODEL_COLUMNS, rule_columns
from riskwave.rules.outcome import precedence
from riskwave.rules.reference import Decision, decide, reason
from riskwave.rules.windows import reach

CATALOG = "riskwave_explained"


@dataclass(frozen=True)
class RuleExplained:
    """A rule on the event. fired: it holds in the event's channel; truth: of its condition, None is not known;
    reason: in words, where it fired; thresholds: its values then; warming: why it could not see enough, in words, else
    None; held: it was recorded for that, and acted on nothing.
    """

    rule: str
    action: str
    severity: str
    state: str
    fired: bool
    in_channel: bool
    truth: bool | None
    reason: str | None
    thresholds: dict[str, Any]
    terms: tuple[Term, ...]
    warming: str | None
    held: bool


@dataclass(frozen=True)
class Explanation:
    """One decision, explained by the rulesets and thresholds that its control version names.

    features: what was known, of the columns that rules may name; rules: those that fired first, in the order in which
    they decide; changes: what would have let it pass; agrees: whether evaluating it anew gives what was recorded;
    changed: of a decision that supersedes another, the features that differ, with the value before and now.
    """

    event_id: str
    version: int
    versions: int
    decision: dict[str, Any]
    features: dict[str, Any]
    rules: tuple[RuleExplained, ...]
    changes: tuple[tuple[Change, ...], ...]
    agrees: bool
    changed: dict[str, tuple[Any, Any]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "changes": as_json(list(self.changes))}


def explain(state: Path, event_id: str, *, version: int | None = None) -> Explanation:
    """Explain a state's decision about an event; version: of the event, the last by default.

    Raises RiskwaveError when there is no such decision, or nothing says what was in force when it was made.
    """
    row, decision, versions, least, before = _read(state, event_id, version)
    control_version = decision.get("control_version")
    if control_version is None:
        raise RiskwaveError(f"{event_id}: its decision names no control_version, so what was in force is not known")
    if not control_path(state).is_file():
        raise RiskwaveError(
            f"{control_path(state)}: is not there; it has the rules and thresholds of the decision: a batch keeps "
            "none, explain a state of `riskwave run` or `riskwave serve`"
        )
    with Control.open(control_path(state), read_only=True) as control:
        given = in_force(control.snapshot(int(control_version)), str(decision["ruleset_revision"]))
    return explained(given, row, decision, versions=versions, least=least, before=before)


def explained(
    given: Given,
    row: dict[str, Any],
    decision: dict[str, Any],
    *,
    versions: int,
    least: dict[str, Any] | None,
    before: dict[str, Any] | None = None,
) -> Explanation:
    """Explain a decision by what was in force.

    given: of its ruleset and control_version; row: of decision_input with the model's columns; versions: how many
    decisions there are of the event; least: what would be known of the event alone, for what would have let it pass,
    which is not looked for where it is None; before: the row of the decision that it supersedes.
    """
    event_id = str(decision["event_id"])
    decided = decide(given.checked, row, given.values, given.lists, given.held)
    order = {rule.rule: place for place, (_, rule) in enumerate(_ordered(given))}
    rules = sorted(
        (_rule(rule, given, row, decided, decision.get("history_from")) for rule in given.checked.rules),
        key=lambda rule: (not rule.fired, rule.state != "live", order[rule.rule]),
    )
    return Explanation(
        event_id=event_id,
        version=int(decision.get("version") or 1),
        versions=versions,
        decision=decision,
        features={name: row.get(name) for name in rule_columns() if name in row},
        rules=tuple(rules),
        changes=() if least is None else tuple(ways_to_pass(given, row, decided, least)),
        agrees=all(decision[name] == getattr(decided, name) for name in _AGREE if name in decision),
        changed=_changed(before or {}, row),
    )


def _changed(before: dict[str, Any], row: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = [feature.name for feature in load_catalogue() if feature.name in before and feature.name in row]
    return {name: (before[name], row[name]) for name in names if before[name] != row[name]}


_AGREE = ("action", "severity", "rule_ids", "reasons", "ruleset_channel", "shadow_rule_ids", "rule_vector")


def _ordered(given: Given) -> list[tuple[int, Any]]:
    return precedence((place, rule.rule) for place, rule in enumerate(given.checked.rules))


def in_force(snapshot: Snapshot, revision: str) -> Given:
    """A ruleset as it was then. Raises RiskwaveError when it was not in force."""
    held = snapshot.of(revision)
    if held is None:
        raise RiskwaveError(
            f"{revision}: was not in force at control_version {snapshot.control_version}; "
            "the control store and the state do not belong together"
        )
    return Given(revision, check_ruleset(held.ruleset), held.thresholds, lists_of(snapshot), held.held)


def _rule(
    rule: CheckedRule, given: Given, row: dict[str, Any], decided: Decision, first: datetime | None
) -> RuleExplained:
    facts = Facts(row, given.thresholds(rule), given.lists)
    told = rule.rule
    in_channel = told.channels is None or decided.ruleset_channel in told.channels
    truth = facts.value(rule.tree)
    fired = truth is True and in_channel and told.state != "draft"
    return RuleExplained(
        *(told.rule, told.action, told.severity, told.state),
        fired=fired,
        in_channel=in_channel,
        truth=truth,
        reason=reason(rule, row, given.values) if fired else None,
        thresholds=dict(facts.thresholds),
        terms=tuple(terms(rule.tree, facts)),
        warming=_warming(rule, row["event_ts"], first),
        held=told.rule in given.held and row["event_ts"] < given.held[told.rule],
    )


def _warming(rule: CheckedRule, at: datetime, first: datetime | None) -> str | None:
    """Why a rule could not see enough; first: the first event that was known then."""
    far = reach(rule)
    if first is None or far is None or at - far.length >= first:
        return None
    return (
        f"warming until {first + far.length:%Y-%m-%d %H:%M}: {far.feature} looks back {far.window}, and the history "
        f"began at {first:%Y-%m-%d %H:%M}"
    )


def _read(
    state: Path, event_id: str, version: int | None
) -> tuple[dict[str, Any], dict[str, Any], int, dict[str, Any], dict[str, Any] | None]:
    """What was known of an event, what was decided, how many decisions there are about it, what it is alone, and what
    was known when the decision before was made.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        attach_state(connection, state, CATALOG)
        known, decided = (whole(connection, CATALOG, state, name) for name in ("decision_input", "decisions"))
        if known is None or decided is None:
            raise RiskwaveError(f"{state}: has no decisions; expected a state made by `riskwave run`")
        decisions = _rows(connection, decided, event_id)
        if not decisions:
            raise RiskwaveError(f"{event_id}: {state} has no decision about it; `riskwave decisions` shows some")
        if "control_version" not in columns_of(connection, CATALOG, "decisions"):
            raise RiskwaveError(f"{state}: its decisions name no control_version; only those of `riskwave run` do")
        numbers = [int(row.get("version") or 1) for row in decisions]
        wanted = max(numbers) if version is None else version
        if wanted not in numbers:
            raise RiskwaveError(f"{event_id}: has no version {wanted}; expected {min(numbers)} to {max(numbers)}")
        decision = decisions[numbers.index(wanted)]
        rows = _rows(connection, known, event_id)
        before = next((row for row in rows if row.get("version") == wanted - 1), None)
        rows = [row for row in rows if int(row.get("version") or wanted) == wanted]
        if not rows:
            raise RiskwaveError(f"{event_id}: {state} has not kept what was known of it")
        least = alone(connection, CATALOG, state, event_id) if decision["action"] != "allow" else {}
    return with_scores(rows[0], decision), decision, len(decisions), least, before


def with_scores(known: dict[str, Any], decision: dict[str, Any]) -> dict[str, Any]:
    """A row of decision_input with what the model said, as rules see it."""
    return {**known, **{column.name: decision.get(column.name) for column in MODEL_COLUMNS}}


def _rows(connection: duckdb.DuckDBPyConnection, query: str, event_id: str) -> list[dict[str, Any]]:
    rows = connection.sql(f"select * from ({query}) where event_id = {literal(event_id)}")
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
