"""From the truths of rules to a decision: the order of rules, and the columns of the outcome in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from riskwave.rules.emit import Dialect, text
from riskwave.rules.pack import Rule

#: What decides first. An allow list spares an event challenges and reviews, and no block.
PRECEDENCE = ("block", "allow", "challenge", "review")
NONE = "[]"


def precedence(rules: Iterable[tuple[int, Rule]]) -> list[tuple[int, Rule]]:
    """(place, rule) in the order in which they decide: by action, then severity, then as the pack has them."""
    return sorted(rules, key=lambda pair: (PRECEDENCE.index(pair[1].action), pair[1].severity, pair[0]))


@dataclass(frozen=True)
class Judged:
    """The rules of one ruleset in the statement.

    prefix: of its columns; acting, silent: (column of the truth, rule), in order of precedence; vector: the column of
    each rule of the pack, "" for one that is not evaluated; reasons: the SQL of each acting rule's; channel: column.
    """

    prefix: str
    revision: str
    channel: str
    acting: Sequence[tuple[str, Rule]]
    silent: Sequence[tuple[str, Rule]]
    vector: Sequence[str]
    reasons: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    """Writes what follows from truths, for one engine."""

    dialect: Dialect

    def flag(self, judged: Judged, *, decides: bool) -> str:
        """Whether any rule fired: few events have one, and only theirs is the rest worked out."""
        truths = [truth for truth, _ in (*judged.acting, *(judged.silent if decides else ()))]
        return f"{' or '.join(truths) or 'false'} as _{judged.prefix}any"

    def deciding(self, judged: Judged) -> list[str]:
        """Action, severity, rules, reasons, shadow rules and vector, of a ruleset that decides."""
        p, acting = judged.prefix, judged.acting
        strict = [(truth, rule) for truth, rule in acting if rule.action != "allow"]
        least = "list_min" if self.dialect == "duckdb" else "array_min"
        return [
            f"coalesce({self._if_any(p, self._first([(t, text(r.action)) for t, r in acting]), 'null')}, 'allow') "
            f"as _{p}action",
            f"{self._if_any(p, f'{least}({self._pick([(t, text(r.severity)) for t, r in strict])})', 'null')} "
            f"as _{p}severity",
            f"{self._if_any(p, self._pick(_names(acting)))} as _{p}rule_ids",
            f"{self._if_any(p, self._sentences(judged))} as _{p}reasons",
            f"{self._if_any(p, self._pick(_names(judged.silent)))} as _{p}shadow_rule_ids",
            f"{self._if_any(p, self._vector(judged.vector), text('0' * len(judged.vector)))} as _{p}rule_vector",
        ]

    def shadowing(self, judged: Judged) -> str:
        """What a ruleset in the shadow would have done, as JSON; NULL where nothing."""
        action = self._first([(truth, text(rule.action)) for truth, rule in judged.acting])
        between, rest, tail = (text(said) for said in ('", "', '", "rule_ids": ["', '"]}'))
        head = text(f'{{"revision": "{judged.revision}", "action": "')
        names = f"array_to_string({self._pick(_names(judged.acting))}, {between})"
        said = f"{head} || {action} || {rest} || {names} || {tail}"
        return f"case when _{judged.prefix}any then {said} end as _{judged.prefix}said"

    def final(self, live: Judged, canary: Judged | None, shadows: Sequence[Judged]) -> list[str]:
        """The columns of the statement."""

        def chosen(name: str) -> str:
            return f"case when _is_canary then _{canary.prefix}{name} else _{name} end" if canary else f"_{name}"

        channel, revision = live.channel, text(live.revision)
        if canary:
            channel = f"case when _is_canary then {canary.channel} else {live.channel} end"
            revision = f"case when _is_canary then {text(canary.revision)} else {revision} end"
        said = self._without_nulls([f"_{shadow.prefix}said" for shadow in shadows])
        return [
            "event_id",
            f"{revision} as ruleset_revision",
            f"{channel} as ruleset_channel",
            f"{chosen('action')} as action",
            f"case when {chosen('action')} <> 'allow' then {chosen('severity')} end as severity",
            f"{chosen('action')} <> 'allow' as is_anomaly",
            *(f"{chosen(name)} as {name}" for name in ("rule_ids", "reasons", "shadow_rule_ids", "rule_vector")),
            f"{said} as shadow_rulesets",
            "control_version",
        ]

    def _if_any(self, prefix: str, value: str, otherwise: str | None = None) -> str:
        return f"case when _{prefix}any then {value} else {otherwise or self._array([])} end"

    def _array(self, items: Sequence[str]) -> str:
        listed = ", ".join(items)
        return f"[{listed}]::varchar[]" if self.dialect == "duckdb" else f"array[{listed}]::varchar[]"

    def _pick(self, pairs: Sequence[tuple[str, str]]) -> str:
        """The values whose truth holds."""
        if not pairs:
            return self._array([])
        if self.dialect == "duckdb":
            values, truths = (", ".join(part) for part in zip(*((value, truth) for truth, value in pairs), strict=True))
            return f"list_where([{values}], [{truths}])"
        return self._without_nulls([f"case when {truth} then {value} end" for truth, value in pairs])

    def _first(self, pairs: Sequence[tuple[str, str]]) -> str:
        picked = self._pick(pairs)
        return f"list_extract({picked}, 1)" if self.dialect == "duckdb" else f"({picked})[1]"

    def _sentences(self, judged: Judged) -> str:
        pairs = zip(judged.acting, judged.reasons, strict=True)
        return self._without_nulls([f"case when {truth} then {reason} end" for (truth, _), reason in pairs])

    def _without_nulls(self, items: Sequence[str]) -> str:
        if not items:
            return self._array([])
        if self.dialect == "duckdb":
            return f"list_filter([{', '.join(items)}], lambda item: item is not null)"
        return f"array_remove({self._array(items)}, null)"

    def _vector(self, truths: Sequence[str]) -> str:
        if self.dialect == "duckdb":
            return f"array_to_string([{', '.join(truth or 'false' for truth in truths)}]::tinyint[], '')"
        return " || ".join(f"case when {truth} then '1' else '0' end" if truth else "'0'" for truth in truths)


def _names(pairs: Iterable[tuple[str, Rule]]) -> list[tuple[str, str]]:
    return [(truth, text(rule.rule)) for truth, rule in pairs]
