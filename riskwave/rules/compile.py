"""Rulesets to one SELECT: every predicate once, thresholds from one row, lists by one look-up a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from riskwave.errors import RiskwaveError
from riskwave.rules.check import CheckedRule, CheckedRuleset, check_ruleset
from riskwave.rules.columns import MODEL_COLUMNS, Kind, RuleColumn
from riskwave.rules.compiled import LIST_ENTRIES, Canary, Compiled, Lookup, ThresholdColumn, entries_table
from riskwave.rules.emit import NEVER, Dialect, Emitter, text
from riskwave.rules.outcome import Judged, Outcome, precedence
from riskwave.rules.pack import Rule, Ruleset
from riskwave.rules.reasons import Part
from riskwave.rules.stream import StreamLookups, ip_number

__all__ = ["LIST_ENTRIES", "Canary", "Compiled", "Lookup", "ThresholdColumn", "compile_ruleset", "entries_table"]


def compile_ruleset(
    ruleset: Ruleset,
    *,
    dialect: Dialect,
    canary: Canary | None = None,
    shadows: Sequence[Ruleset] = (),
    held: Mapping[str, Mapping[str, datetime]] | None = None,
    scored: bool = False,
    fast: bool = False,
    streaming: bool = False,
    feed: str | None = None,
    keep: Sequence[str] = (),
    columns: Mapping[str, RuleColumn] | None = None,
) -> Compiled:
    """The rulesets as one SELECT, a row per row of `decision_input`.

    canary: decides the events of its cards, in place of the live ruleset; shadows: decide nothing, what they would
    have done is in `shadow_rulesets`; held: by revision, rules that act on no event before a time, and are recorded
    as those in the shadow; scored: `decision_input` has the columns of MODEL_COLUMNS, which are NULL else; columns:
    what rules may name, decision_input's by default; fast (DuckDB): for statements that are executed thousands of
    times: `rule_thresholds` has a list a kind, `decision_input` what look-ups gave, as Compiled.threshold_row and
    Compiled.looked_up make them, and `list_entries` is not read; streaming: for `decision_input` as an append-only
    stream: each row meets the thresholds and entries that are there as it comes (riskwave.rules.stream has the
    relations); feed (streaming): the statement's name in `feeds_in_force`, which lets rows pass while it is there, so
    that one statement takes over from another; keep: columns of decision_input that are passed on, before the others.
    Raises RiskwaveError as check_ruleset does.
    """
    if fast and streaming:
        raise RiskwaveError("fast and streaming: a statement is for batches or for a stream; give one of them")
    if feed and not streaming:
        raise RiskwaveError("feed: names a statement of a stream; give streaming too, or leave it out")
    if fast and dialect != "duckdb":
        raise RiskwaveError(f"fast is for duckdb, and the dialect is {dialect}; leave it out")
    until = held or {}
    sides = [_Side("", check_ruleset(ruleset, columns), until.get(ruleset.revision, {}))]
    if canary:
        revision = canary.ruleset.revision
        sides.append(_Side("canary__", check_ruleset(canary.ruleset, columns), until.get(revision, {})))
    shadow_sides = [_Side(f"shadow{place}__", check_ruleset(each, columns)) for place, each in enumerate(shadows, 1)]
    statement = _Statement(dialect, sides, shadow_sides, canary, scored, fast, streaming, feed, keep)
    return Compiled(
        revision=ruleset.revision,
        revisions=tuple(side.revision for side in statement.sides),
        dialect=dialect,
        sql=statement.sql(),
        thresholds=tuple(column for side in statement.sides for column in side.thresholds),
        rules=tuple(rule.rule for rule in ruleset.rules),
        columns=tuple(statement.columns),
        lists=tuple(dict.fromkeys(name for name, _ in statement.looked_up)),
        lookups=tuple(
            Lookup(_lookup(name, column), name, column, column in statement.addresses)
            for name, column in statement.looked_up
        ),
        fast=fast,
    )


@dataclass(frozen=True)
class _Side:
    """One of the rulesets in the statement; prefix: of its columns; held: until when rules act on nothing."""

    prefix: str
    checked: CheckedRuleset
    held: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def revision(self) -> str:
        return self.checked.ruleset.revision

    @property
    def judged(self) -> list[tuple[int, CheckedRule]]:
        """The rules that are evaluated, with their places in the pack."""
        return [(place, rule) for place, rule in enumerate(self.checked.rules) if rule.rule.state != "draft"]

    @property
    def thresholds(self) -> list[ThresholdColumn]:
        return [
            ThresholdColumn(
                f"{self.prefix}{rule.rule.rule}__{t.name}",
                *(self.revision, rule.rule.rule, t.name, t.kind, t.sql_type, t.value, t.min, t.max, t.unit),
            )
            for _, rule in self.judged
            for t in rule.thresholds
        ]

    @property
    def trees(self) -> list[Any]:
        """Everything that is evaluated, reasons' values included."""
        trees = [rule.tree for _, rule in self.judged]
        trees += [part.node for _, rule in self.judged for part in rule.reason if part.node]
        return trees + [channel.tree for channel in self.checked.channels]

    def truth(self, place: int) -> str:
        return f"_{self.prefix}r{place}"

    def recorded(self, place: int) -> str:
        """The column of a held rule's truth where it does not act."""
        return f"_{self.prefix}h{place}"

    @property
    def channel(self) -> str:
        return f"_{self.prefix}channel"


class _Statement:
    """The CTEs: what lists hold, rows with thresholds and look-ups beside them, truths, and what follows from them."""

    def __init__(
        self,
        dialect: Dialect,
        sides: list[_Side],
        shadows: list[_Side],
        canary: Canary | None,
        scored: bool,
        fast: bool,
        streaming: bool,
        feed: str | None,
        keep: Sequence[str],
    ) -> None:
        self.dialect = dialect
        self.deciding = sides
        self.shadows = shadows
        self.sides = [*sides, *shadows]
        self.canary = canary
        self.scored = scored
        self.fast = fast
        self.words: dict[str, str] = {}
        self.named: dict[tuple[str, str], str] = {}
        nodes = [node for side in self.sides for tree in side.trees for node in tree.walk()]
        found = [(node.value, node.args[0]) for node in nodes if node.op == "in_list"]
        #: (list, column) pairs, each once, and which columns hold addresses.
        self.looked_up = list(dict.fromkeys((name, column.value) for name, column in found))
        self.addresses = list(dict.fromkeys(column.value for _, column in found if column.unit == "IPv4 or IPv6"))
        read = [node.value for node in nodes if node.op == "column"]
        held = any(side.held for side in sides)
        extra = [*(["event_ts"] if found or held else []), *(["card_id"] if canary else [])]
        named = dict.fromkeys(["event_id", *extra, *read])
        self.unscored = [] if scored else [column for column in MODEL_COLUMNS if column.name in named]
        self.columns = [name for name in named if name not in {column.name for column in self.unscored}]
        self.kept = [name for name in dict.fromkeys(keep) if name != "event_id"]
        pack = sides[0].checked.ruleset.name
        self.stream = StreamLookups(dialect, pack, self.looked_up, self.addresses, feed) if streaming else None

    def sql(self) -> str:
        outcome = Outcome(self.dialect)
        deciding = [self._outcome_of(side) for side in self.deciding]
        shadows = [self._outcome_of(side) for side in self.shadows]
        flags = [outcome.flag(judged, decides=True) for judged in deciding]
        flags += [outcome.flag(judged, decides=False) for judged in shadows]
        chosen = ["event_id", *self.kept, "control_version", *(["_is_canary"] if self.canary else [])]
        for judged in deciding:
            chosen += [judged.channel, *outcome.deciding(judged)]
        chosen += [outcome.shadowing(judged) for judged in shadows]
        ready = "rules_worded" if self.words else "rules_flagged"
        final = self.kept + outcome.final(deciding[0], deciding[1] if self.canary else None, shadows)
        ctes = [
            *([self._unpacked()] if self.fast else self._lists()),
            ("rules_known", self._known()),
            ("rules_judged", self._judged()),
            ("rules_flagged", f"select *, {', '.join(flags)} from rules_judged"),
            *(
                [("rules_worded", f"select *, {', '.join(self.words.values())} from rules_flagged")]
                if self.words
                else []
            ),
            ("rules_chosen", f"select {', '.join(chosen)} from {ready}"),
        ]
        head = ", ".join(f"{name} as ({body})" for name, body in ctes)
        return f"with {head} select {', '.join(final)} from rules_chosen"

    def _outcome_of(self, side: _Side) -> Judged:
        places = {rule.rule.rule: (place, rule) for place, rule in side.judged}
        rules = side.checked.ruleset.rules
        acting = precedence((place, rule.rule) for place, rule in side.judged if rule.rule.state == "live")
        silent = precedence(
            (place, rule.rule)
            for place, rule in side.judged
            if rule.rule.state == "shadow" or (rule.rule.state == "live" and rule.rule.rule in side.held)
        )
        return Judged(
            side.prefix,
            side.revision,
            side.channel,
            [(side.truth(place), rule) for place, rule in acting],
            [(side.truth(place) if rule.state == "shadow" else side.recorded(place), rule) for place, rule in silent],
            [_fired(side, place, rule) if rule.rule in places else "" for place, rule in enumerate(rules)],
            [self._sentence(side, places[rule.rule][1]) for _, rule in acting] if side in self.deciding else [],
        )

    def _sentence(self, side: _Side, rule: CheckedRule) -> str:
        emitter = self._emitter(side, rule.rule.rule)

        def word(part: Part) -> str:
            """A value is put in words once a row, however many rules say it, and only where a rule fired."""
            said = emitter.word(part)
            name = self.named.setdefault((side.prefix, said), f"_{side.prefix}w{len(self.named)}")
            self.words[name] = f"case when _{side.prefix}any then {said} end as {name}"
            return name

        return emitter.sentence(rule.reason, word)

    def _lists(self) -> list[tuple[str, str]]:
        """A row per value of the lists in use, a column of latest expiry per list; the same by range for addresses."""
        if not self.looked_up or self.stream:
            return []
        names = list(dict.fromkeys(name for name, _ in self.looked_up))
        latest = [
            f"max(case when e.list_name = {text(name)} then coalesce(e.expires_at, {NEVER}) end) as {_lookup(name)}"
            for name in names
        ]
        only = f"e.list_name in ({', '.join(map(text, names))})"
        ctes = [
            (
                "rules_listed",
                f"select e.value, {', '.join(latest)} from list_entries as e where {only} group by e.value",
            )
        ]
        for column in self.addresses:
            ctes.append((f"rules_addresses_{column}", self._addresses(column)))
            ranged = [name for name, of in self.looked_up if of == column]
            latest_here = [part for name, part in zip(names, latest, strict=True) if name in ranged]
            ctes.append(
                (
                    f"rules_ranged_{column}",
                    f"select a.address, {', '.join(latest_here)} from rules_addresses_{column} as a "
                    f"join list_entries as e on a.number >= e.low and a.number <= e.high "
                    f"where e.low is not null and e.list_name in ({', '.join(map(text, ranged))}) group by a.address",
                )
            )
        return ctes

    def _unpacked(self) -> tuple[str, str]:
        """Thresholds by name: on one row, a list of seventy is read several times faster than seventy columns."""
        counts: dict[Kind, int] = {}
        selected = ["p.control_version"]
        for side in self.sides:
            for threshold in side.thresholds:
                place = counts[threshold.kind] = counts.get(threshold.kind, 0) + 1
                selected.append(f"list_extract(p.{threshold.kind}s, {place}) as {threshold.column}")
        return "rules_thresholds", f"select {', '.join(selected)} from rule_thresholds as p"

    def _addresses(self, column: str) -> str:
        """The batch's IPv4 addresses as numbers, as `lists.ip_number` has them."""
        rows = f"select distinct {column} as address from decision_input"
        return f"select p.address, {ip_number('p.address', self.dialect)} as number from ({rows}) as p"

    def _known(self) -> str:
        selected = [f"d.{name}" for name in dict.fromkeys([*self.columns, *self.kept])]
        selected += [f"cast(null as {_sql_type(column)}) as {column.name}" for column in self.unscored]
        selected += [f"t.{column.column}" for side in self.sides for column in side.thresholds]
        selected.append("t.control_version")
        if self.stream:
            for place, pair in enumerate(self.looked_up):
                selected.append(f"{self.stream.until(place)} as {_lookup(*pair)}")
            return f"select {', '.join(selected)} from {self.stream.joined([*dict.fromkeys(self.columns + self.kept)])}"
        joins = [f"cross join {'rules_thresholds' if self.fast else 'rule_thresholds'} as t"]
        for column in [] if self.fast else dict.fromkeys(column for _, column in self.looked_up):
            joins.append(f"left join rules_listed as l_{column} on l_{column}.value = d.{column}")
            if column in self.addresses:
                joins.append(f"left join rules_ranged_{column} as n_{column} on n_{column}.address = d.{column}")
        for name, column in self.looked_up:
            field = _lookup(name, column)
            until = f"l_{column}.{_lookup(name)}"
            if column in self.addresses:
                until = f"greatest({until}, n_{column}.{_lookup(name)})"
            selected.append(f"d.{field}" if self.fast else f"{until} as {field}")
        return f"select {', '.join(selected)} from decision_input as d {' '.join(joins)}"

    def _judged(self) -> str:
        """Every truth once, and what reasons need; the layer below gives the channels, so that none is taken twice."""
        routed = ["k.*"]
        truths = ["k.event_id", "k.control_version"]
        needed = dict.fromkeys(self.kept)
        for side in self.sides:
            channels = side.checked.channels
            emitter = self._emitter(side, "", "k.")
            whens = "".join(f" when {emitter.sql(c.tree)} then {text(c.channel.channel)}" for c in channels[:-1])
            last = text(channels[-1].channel.channel)
            routed.append(f"{f'case{whens} else {last} end' if whens else last} as {side.channel}")
            truths.append(f"k.{side.channel}")
            for place, rule in side.judged:
                truth = self._emitter(side, rule.rule.rule, "k.").sql(rule.tree)
                if rule.rule.channels is not None:
                    truth += f" and k.{side.channel} in ({', '.join(map(text, rule.rule.channels))})"
                until = side.held.get(rule.rule.rule) if rule.rule.state == "live" else None
                if until is None:
                    truths.append(f"coalesce({truth}, false) as {side.truth(place)}")
                else:
                    at = f"timestamp '{until:%Y-%m-%d %H:%M:%S.%f}'"
                    truths.append(f"coalesce(({truth}) and k.event_ts >= {at}, false) as {side.truth(place)}")
                    truths.append(f"coalesce(({truth}) and k.event_ts < {at}, false) as {side.recorded(place)}")
                if side in self.deciding and rule.rule.state == "live":
                    needed |= dict.fromkeys(_named_in_reason(side, rule))
        truths += [f"k.{name}" for name in needed if name not in ("event_id", "control_version")]
        if self.canary:
            cut = self.canary.cut
            digest = f"md5({text(self.deciding[1].revision)} || k.card_id)"
            chosen = "k.card_id is not null" if cut is None else f"coalesce(left({digest}, 8) < {text(cut)}, false)"
            truths.append(f"{chosen} as _is_canary")
        return f"select {', '.join(truths)} from (select {', '.join(routed)} from rules_known as k) as k"

    def _emitter(self, side: _Side, rule: str, at: str = "") -> Emitter:
        return Emitter(
            self.dialect,
            column=lambda name: f"{at}{name}",
            threshold=lambda name: f"{at}{side.prefix}{rule}__{name}",
            expiry=lambda name, column: f"{at}{_lookup(name, column)}",
        )


def _fired(side: _Side, place: int, rule: Rule) -> str:
    """Whether a rule fired, acting or not."""
    held = rule.state == "live" and rule.rule in side.held
    return f"({side.truth(place)} or {side.recorded(place)})" if held else side.truth(place)


def _named_in_reason(side: _Side, rule: CheckedRule) -> Iterator[str]:
    for part in rule.reason:
        if part.node is not None:
            own = part.node.op == "threshold"
            yield f"{side.prefix}{rule.rule.rule}__{part.node.value}" if own else part.node.value


def _lookup(name: str, column: str = "") -> str:
    return f"_in_{name}__{column}" if column else f"_in_{name}"


def _sql_type(column: RuleColumn) -> str:
    return {"number": "double precision", "boolean": "boolean"}.get(column.kind, "varchar")
