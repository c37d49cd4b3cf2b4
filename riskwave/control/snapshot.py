"""What is, or was, in force at one control_version."""

from __future__ import annotations

import sqlite3
from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from ipaddress import IPv4Network
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from riskwave.errors import RiskwaveError

if TYPE_CHECKING:
    from riskwave.rules.compile import Compiled
    from riskwave.rules.emit import Dialect
    from riskwave.rules.pack import Ruleset

#: A threshold's value, by its kind: integer, number, boolean, text.
Value = int | float | bool | str
#: (rule, threshold)
Key = tuple[str, str]
#: States that decide or watch: they have thresholds.
ACTIVE = ("live", "canary", "shadow")


class ListEntry(NamedTuple):
    """One entry of a list.

    expires_at: UTC without a zone, None never; low, high: first and last address of an IPv4 network, as numbers, None
    for anything else.
    """

    list_name: str
    value: str
    reason: str | None
    expires_at: datetime | None
    low: int | None
    high: int | None


@dataclass(frozen=True)
class RulesetInForce:
    """A ruleset that is live, canary or shadow, with its thresholds' values.

    share: of cards, between 0 and 1, for a canary; None else. held: rules that are warming, and until when (event
    time, UTC without a zone) they are recorded and act on nothing.
    """

    revision: str
    text: str
    state: str
    share: float | None
    thresholds: Mapping[Key, Value]
    held: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The pack's name: `card` of `card-0123456789ab`."""
        return self.revision.rpartition("-")[0]

    @cached_property
    def ruleset(self) -> Ruleset:
        """The rules, read from the text."""
        from riskwave.rules.pack import parse_rules

        return parse_rules(self.text, name=self.name)


@dataclass(frozen=True)
class Snapshot:
    """All that decisions depend on beside the events: what `control_version` names.

    lists: by list and value; `lists_version` changes only when they do, and then `lists` is another object.
    shadows: in the order they were published. live is None only in a store where nothing was ever published.
    """

    control_version: int
    live: RulesetInForce | None
    canary: RulesetInForce | None
    shadows: tuple[RulesetInForce, ...]
    lists: tuple[ListEntry, ...] = field(repr=False)
    lists_version: int

    @property
    def thresholds(self) -> Mapping[Key, Value]:
        """The live ruleset's values by (rule, threshold)."""
        return self.live.thresholds if self.live else {}

    @property
    def rulesets(self) -> tuple[RulesetInForce, ...]:
        """All that are in force: live, canary, shadows."""
        return tuple(ruleset for ruleset in (self.live, self.canary, *self.shadows) if ruleset)

    @property
    def structure(self) -> tuple[tuple[str, str, float | None, tuple[tuple[str, datetime], ...]], ...]:
        """Revision, state, share and held rules of what is in force: while they stay, what was compiled holds."""
        return tuple((each.revision, each.state, each.share, tuple(each.held.items())) for each in self.rulesets)

    @property
    def values(self) -> dict[tuple[str, ...], Value]:
        """The thresholds of all rulesets by (revision, rule, threshold), as `Compiled.threshold_row` takes them."""
        return {
            (ruleset.revision, *key): value for ruleset in self.rulesets for key, value in ruleset.thresholds.items()
        }

    def compiled(
        self,
        dialect: Dialect,
        *,
        scored: bool = False,
        fast: bool = False,
        feed: str | None = None,
        keep: Sequence[str] = (),
    ) -> Compiled:
        """The rulesets in force as one statement; feed: as one over a stream (else see `compile_ruleset`).

        Raises RiskwaveError when none is live.
        """
        from riskwave.rules.compile import Canary, compile_ruleset

        if self.live is None:
            raise RiskwaveError("no ruleset is live; publish one: riskwave rules publish rules/card --why …")
        canary = Canary(self.canary.ruleset, self.canary.share or 0.0) if self.canary else None
        return compile_ruleset(
            self.live.ruleset,
            dialect=dialect,
            canary=canary,
            shadows=[shadow.ruleset for shadow in self.shadows],
            held={each.revision: each.held for each in self.rulesets},
            scored=scored,
            fast=fast,
            streaming=feed is not None,
            feed=feed,
            keep=keep,
        )

    def list_table(self) -> pa.Table:
        """The lists as the compiled statement's relation `list_entries`."""
        from riskwave.rules.compile import entries_table

        return entries_table(self.lists)

    def of(self, revision: str) -> RulesetInForce | None:
        """The ruleset of that revision, when it is in force."""
        return next((ruleset for ruleset in self.rulesets if ruleset.revision == revision), None)


class Reader:
    """Reads snapshots, and keeps what seldom changes: texts, and the lists while they are the same."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._texts: dict[str, str] = {}
        self._lists: tuple[int, tuple[ListEntry, ...]] = (-1, ())

    def read(self, version: int | None) -> Snapshot:
        """What is in force now, or was at a version; within a transaction of the caller.

        Raises RiskwaveError for a version that has not been.
        """
        at, lists_version = self._connection.execute("select control_version, lists_version from control").fetchone()
        when, given = _in_force(version)
        if version is not None:
            if not 0 <= version <= at:
                raise RiskwaveError(f"control_version {version}: has not been; expected 0 to {at}")
            lists_version = self._connection.execute(
                "select coalesce(max(v), 0) from (select max(control_version) as v from list_versions "
                "where control_version <= :v union all select max(until_version) from list_versions "
                "where until_version <= :v)",
                given,
            ).fetchone()[0]
        rulesets = [
            RulesetInForce(
                *(revision, self._text(revision), state, share),
                thresholds=self._thresholds(revision, version),
                held=self._held(revision, version),
            )
            for revision, state, share in self._connection.execute(
                f"select revision, state, share from ruleset_versions where {when} "
                "and state in ('live', 'canary', 'shadow') order by id",
                given,
            ).fetchall()
        ]
        by_state = {ruleset.state: ruleset for ruleset in rulesets}
        return Snapshot(
            control_version=at if version is None else version,
            live=by_state.get("live"),
            canary=by_state.get("canary"),
            shadows=tuple(ruleset for ruleset in rulesets if ruleset.state == "shadow"),
            lists=self._entries(lists_version, version),
            lists_version=lists_version,
        )

    def _text(self, revision: str) -> str:
        if revision not in self._texts:
            self._texts[revision] = self._connection.execute(
                "select text from rulesets where revision = ?", [revision]
            ).fetchone()[0]
        return self._texts[revision]

    def _thresholds(self, revision: str, version: int | None) -> dict[Key, Value]:
        when, given = _in_force(version)
        rows = self._connection.execute(
            "select t.rule, t.name, t.kind, v.value from threshold_versions as v "
            "join ruleset_thresholds as t using (revision, rule, name) "
            f"where v.revision = :revision and {when} order by t.position",
            {**given, "revision": revision},
        )
        return {(rule, name): typed(kind, value) for rule, name, kind, value in rows}

    def _held(self, revision: str, version: int | None) -> Mapping[str, datetime]:
        from riskwave.control.warming import held_until

        return held_until(self._connection, revision, version)

    def _entries(self, lists_version: int, version: int | None) -> tuple[ListEntry, ...]:
        known, entries = self._lists
        if known == lists_version:
            return entries
        columns = "list_name, value, reason, expires_at"
        if version is not None:
            when, given = _in_force(version)
            rows = self._connection.execute(
                f"select {columns} from list_versions where {when} order by list_name, value", given
            )
            return tuple(map(_entry, rows))
        begun = self._connection.execute(
            f"select {columns} from list_versions where control_version > ? and until_version is null "
            "order by list_name, value",
            [known],
        )
        if known < 0:
            entries = tuple(map(_entry, begun))
        else:
            # Lists may be long and edits many: what changed is put in its place.
            ended = self._connection.execute(
                "select list_name, value from list_versions where until_version > ?", [known]
            ).fetchall()
            gone = set(ended)
            kept = [entry for entry in entries if entry[:2] not in gone] if gone else list(entries)
            for entry in map(_entry, begun):
                insort(kept, entry, key=itemgetter(0, 1))
            entries = tuple(kept)
        self._lists = (lists_version, entries)
        return entries


def _entry(row: tuple[str, str, str | None, str | None]) -> ListEntry:
    name, value, reason, expires_at = row
    return ListEntry(name, value, reason, moment(expires_at), *addresses(value))


def typed(kind: str, value: str) -> Value:
    """A stored value as its kind has it."""
    if kind == "integer":
        return int(value)
    if kind == "number":
        return float(value)
    return value == "true" if kind == "boolean" else value


def stored(value: Value) -> str:
    """A value as the store has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def moment(text: str | None) -> datetime | None:
    """A stored time, UTC without a zone."""
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def addresses(value: str) -> tuple[int, int] | tuple[None, None]:
    """First and last address of an IPv4 network as numbers; None, None for anything else."""
    if "." not in value or "/" not in value:
        return None, None
    try:
        network = IPv4Network(value, strict=False)
    except ValueError:
        return None, None
    return int(network.network_address), int(network.broadcast_address)


def _in_force(version: int | None) -> tuple[str, dict[str, int]]:
    if version is None:
        return "until_version is null", {}
    return "control_version <= :v and coalesce(until_version > :v, 1)", {"v": version}
