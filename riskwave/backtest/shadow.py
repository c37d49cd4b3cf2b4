"""What recorded decisions say of rules and rulesets in the shadow: where they would have decided otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from riskwave.backtest.history import last_revisions, moment
from riskwave.batch.history import attach_state, columns_of, in_folder, whole
from riskwave.control import Control, control_path
from riskwave.control.asof import rulesets_by_version
from riskwave.errors import RiskwaveError

CATALOG = "riskwave_shadowed"
#: The ruleset that a shadow rule of a live pack is told under.
LIVE = "live"
EXAMPLES = 5


@dataclass
class ShadowRule:
    """A rule in the shadow. added, dropped: events that it fires for in the shadow alone, and in what decided alone;
    allowed: of those added, events that were allowed; examples: of what was added or dropped.
    """

    rule: str
    fired: int = 0
    added: int = 0
    added_frauds: int = 0
    allowed: int = 0
    dropped: int = 0
    dropped_frauds: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Compared:
    """A ruleset in the shadow beside what decided, over the events decided while it was there.

    ruleset: its revision, or `live` for the shadow rules of the rulesets that decide; more, less: events that it alone
    would flag, and would allow; other_action: events that both flag, with another action.
    """

    ruleset: str
    events: int
    flagged: int = 0
    live_flagged: int = 0
    more: int = 0
    more_frauds: int = 0
    less: int = 0
    less_frauds: int = 0
    other_action: int = 0
    more_examples: list[str] = field(default_factory=list)
    less_examples: list[str] = field(default_factory=list)
    rules: dict[str, ShadowRule] = field(default_factory=dict)

    def rule(self, name: str) -> ShadowRule:
        """The rule of that name, made where it is new."""
        return self.rules.setdefault(name, ShadowRule(name))


@dataclass(frozen=True)
class _Decided:
    event_id: str
    action: str
    rule_ids: Sequence[str]
    control_version: int
    silent: Sequence[str]
    shadows: Sequence[str]
    is_fraud: bool

    @property
    def is_flagged(self) -> bool:
        return self.action != "allow"


def compare_shadows(
    state: Path,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    revision: str | None = None,
    folder: Path | None = None,
    memory: str | None = None,
) -> list[Compared]:
    """Every ruleset that was in the shadow while decisions of the period were made, and the live packs' shadow rules.

    The last decision of each event counts. folder: a copy of the state's decisions and labels as Parquet, to be read in
    its place; memory: the most that DuckDB may take, such as 512MB. Raises RiskwaveError for a state without decisions
    or control store, and when nothing was in the shadow.
    """
    with duckdb.connect(config={"memory_limit": memory} if memory else {}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        labels: str | None = None
        if folder is None:
            attach_state(connection, state, CATALOG)
            said = whole(connection, CATALOG, state, "decisions")
            if columns_of(connection, CATALOG, "labels"):
                labels = f"select * from {CATALOG}.main.labels"
        else:
            said, labels = in_folder(folder, "decisions"), in_folder(folder, "labels")
        decided = _decisions(connection, state, said, start, end)
        with Control.open(control_path(state), read_only=True) as control:
            spells: dict[str, list[tuple[int, int]]] = {}
            for row in rulesets_by_version(control).to_pylist():
                if row["state"] == "shadow" and revision in (None, row["revision"]):
                    until = row["until_version"] or control.version + 1
                    spells.setdefault(row["revision"], []).append((row["control_version"], until))
        found = {name: Compared(name, _count(connection, decided, spell)) for name, spell in spells.items()}
        total = int(connection.execute(f"select count(*) from ({decided})").fetchall()[0][0])
        beside = Compared(LIVE, total)
        for one in _interesting(connection, decided, labels):
            _silent(beside, one)
            told = _told(one.shadows)
            for name, compared in found.items():
                if any(first <= one.control_version < until for first, until in spells[name]):
                    _held(compared, one, told.get(name))
    told_of = [each for each in found.values() if each.events]
    told_of += [beside] if beside.rules and revision is None else []
    if not told_of:
        said = "nothing was" if revision is None else f"{revision} was not"
        raise RiskwaveError(
            f"{state}: {said} in the shadow while payments were decided; publish a pack with --shadow, and come back "
            "when some were"
        )
    return told_of


def _decisions(
    connection: duckdb.DuckDBPyConnection, state: Path, said: str | None, start: datetime | None, end: datetime | None
) -> str:
    """A query for the last decisions of a period; said: for all of them, None where there are none."""
    columns = [str(row[0]) for row in connection.execute(f"describe {said}").fetchall()] if said else []
    if said is None or not {"shadow_rule_ids", "shadow_rulesets", "control_version"} <= set(columns):
        raise RiskwaveError(
            f"{state}: has no decisions that say what shadows would have done; run it with `riskwave run`"
        )
    if not control_path(state).is_file():
        raise RiskwaveError(f"{control_path(state)}: is not there; it says when a ruleset was in the shadow")
    period = [f"event_ts {mark} {moment(at)}" for mark, at in ((">=", start), ("<", end)) if at]
    last = last_revisions(connection, said, columns)
    return f"select * from ({last}) where control_version is not null{''.join(f' and {said}' for said in period)}"


def _count(connection: duckdb.DuckDBPyConnection, decided: str, spells: list[tuple[int, int]]) -> int:
    within = " or ".join(f"control_version between {first} and {until - 1}" for first, until in spells)
    return int(connection.execute(f"select count(*) from ({decided}) where {within}").fetchall()[0][0])


def _interesting(connection: duckdb.DuckDBPyConnection, decided: str, labels: str | None) -> Iterable[_Decided]:
    """Decisions that flag, or that a shadow says something of: for all others they agree."""
    frauds = "select null::varchar as event_id where false"
    if labels is not None:
        frauds = f"select event_id from ({labels}) group by event_id having arg_max(verdict, arrived_at) = 'fraud'"
    rows = connection.execute(
        "select d.event_id, d.action, coalesce(d.rule_ids, []), d.control_version, coalesce(d.shadow_rule_ids, []), "
        f"coalesce(d.shadow_rulesets, []), f.event_id is not null from ({decided}) as d "
        f"left join ({frauds}) as f on f.event_id = d.event_id where d.action <> 'allow' "
        "or len(d.shadow_rule_ids) > 0 or len(d.shadow_rulesets) > 0 order by d.event_ts desc, d.event_id"
    )
    while batch := rows.fetchmany(10_000):
        yield from (_Decided(*row) for row in batch)


def _told(shadows: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """What shadows said, by revision."""
    return {said["revision"]: said for said in map(json.loads, shadows)}


def _silent(beside: Compared, one: _Decided) -> None:
    """The shadow rules of the pack that decided: more flagged where it was allowed; no event is flagged less."""
    beside.live_flagged += one.is_flagged
    beside.flagged += one.is_flagged or bool(one.silent)
    if one.silent and not one.is_flagged:
        beside.more += 1
        beside.more_frauds += one.is_fraud
        _example(beside.more_examples, one)
    for name in one.silent:
        _added(beside.rule(name), one)


def _held(compared: Compared, one: _Decided, said: Mapping[str, Any] | None) -> None:
    action = said["action"] if said else "allow"
    flags = action != "allow"
    compared.flagged += flags
    compared.live_flagged += one.is_flagged
    if flags and not one.is_flagged:
        compared.more += 1
        compared.more_frauds += one.is_fraud
        _example(compared.more_examples, one)
    elif one.is_flagged and not flags:
        compared.less += 1
        compared.less_frauds += one.is_fraud
        _example(compared.less_examples, one)
    elif action != one.action:
        compared.other_action += 1
    held = said["rule_ids"] if said else ()
    for name in held:
        if name in one.rule_ids:
            compared.rule(name).fired += 1
        else:
            _added(compared.rule(name), one)
    for name in one.rule_ids:
        if name not in held:
            rule = compared.rule(name)
            rule.dropped += 1
            rule.dropped_frauds += one.is_fraud
            _example(rule.examples, one)


def _added(rule: ShadowRule, one: _Decided) -> None:
    rule.fired += 1
    rule.added += 1
    rule.added_frauds += one.is_fraud
    rule.allowed += not one.is_flagged
    _example(rule.examples, one)


def _example(kept: list[str], one: _Decided) -> None:
    if len(kept) < EXAMPLES:
        kept.append(one.event_id)
