"""How rulesets, thresholds and lists come into force on a stream: the steps, from what is there to what should be.

Two feeds never decide the same row: of those there are, the one row of `feeds_in_force` names the one that does. So a
new ruleset's feed is made beside the old one, with thresholds of its own, and takes over with the update of that row,
as an edit takes force with the update of the thresholds' row. Each step is taken from what is found, not from what was
planned: interrupted anywhere, the same question asked again gives the steps that are left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from riskwave.errors import RiskwaveError
from riskwave.risingwave.entries import EntryRow, Key, WantedEntry, settled, staged

FEED = "decisions__feed"
QUERY = "decisions__query"
TABLE = "rule_thresholds"
#: What is made beside a relation, to take its name.
NEXT = "__next"

T = TypeVar("T")
#: A threshold's value.
Value = int | float | bool | str
Kind = Literal[
    "settle lists",
    "stage lists",
    "make thresholds",
    "fill thresholds",
    "set thresholds",
    "make feed",
    "take over",
    "swap thresholds",
    "swap feed",
    "rename feed",
    "replace query",
    "drop feed",
    "drop thresholds",
]


@dataclass(frozen=True)
class Thresholds:
    """A table of thresholds: its columns with their types, and its row (None: it has none yet)."""

    id: int
    columns: Mapping[str, str]
    row: Mapping[str, Value] | None
    control_version: int


@dataclass(frozen=True)
class Feed:
    """A sink into the log of decisions. feed: what must be called for it to decide (None: it always does); reads: the
    ids of what it reads.
    """

    feed: str | None
    reads: frozenset[int]


@dataclass(frozen=True)
class Found:
    """What is there. feed: what `feeds_in_force` calls; query: what `decisions__query` says it evaluates; beneath: the
    ids of relations which a feed reads and which may be made anew, as a feed's name has them.
    """

    feed: str | None
    feeds: Mapping[str, Feed]
    thresholds: Mapping[str, Thresholds]
    query: str | None
    beneath: str
    entries: Mapping[Key, EntryRow] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """What should be in force: a version of the control store, compiled.

    structure: what the statement is called; columns: of its thresholds with their types; row: their values.
    """

    version: int
    structure: str
    columns: Mapping[str, str]
    row: Mapping[str, Value]
    entries: Mapping[Key, WantedEntry]


@dataclass(frozen=True)
class Step:
    """One change. relation: the name of what is changed; rows: of lists to write (None: to delete); feed: the name that
    is called from then on, or that a feed is made with; version: the control_version written.
    """

    kind: Kind
    relation: str
    feed: str | None = None
    version: int | None = None
    rows: Mapping[Key, EntryRow | None] = field(default_factory=dict)

    def __str__(self) -> str:
        said = f"{self.kind}: {self.relation}"
        if self.rows:
            said += f", {len(self.rows)} rows"
        if self.feed:
            said += f", {self.feed}"
        return said if self.version is None else f"{said}, control_version {self.version}"


def name_of(wanted: Wanted, found: Found) -> str:
    """What the wanted feed is called, over what lies beneath it now."""
    return f"{wanted.structure}.{found.beneath}"


def in_force(found: Found) -> str | None:
    """The relation of the feed that decides; None while none does."""
    return next((name for name, feed in found.feeds.items() if feed.feed and feed.feed == found.feed), None)


def version_in_force(found: Found) -> int:
    """The control_version that decisions name now; 0 where nothing decides."""
    deciding = in_force(found)
    reads = found.feeds[deciding].reads if deciding else frozenset()
    tables = [table for table in found.thresholds.values() if table.id in reads]
    if not tables and deciding is None and TABLE in found.thresholds:
        tables = [found.thresholds[TABLE]]
    return max((table.control_version for table in tables), default=0)


def plan(found: Found, wanted: Wanted) -> list[Step]:
    """The steps that are left, in order. Raises RiskwaveError where a later version is in force than is wanted."""
    steps: list[Step] = []
    while (step := next_step(found, wanted)) is not None:
        steps.append(step)
        found = after(found, wanted, step)
    return steps


def next_step(found: Found, wanted: Wanted) -> Step | None:
    """The next step, None when all is as wanted."""
    now = version_in_force(found)
    if now > wanted.version:
        raise RiskwaveError(
            f"control_version {now} is in force on RisingWave, and the control store is at {wanted.version}: another "
            "store governs that deployment; name its state with --state"
        )
    return (
        _finish(found)
        or _clear(found, wanted)
        or (_same_structure(found, wanted, now) if _is_current(found, wanted) else _new_structure(found, wanted, now))
    )


def _is_current(found: Found, wanted: Wanted) -> bool:
    return FEED in found.feeds and found.feeds[FEED].feed == found.feed == name_of(wanted, found)


def _finish(found: Found) -> Step | None:
    """A feed that has taken over takes the names."""
    deciding = in_force(found)
    beside = found.thresholds.get(TABLE + NEXT)
    if deciding and beside and beside.id in found.feeds[deciding].reads:
        return Step("swap thresholds", TABLE)
    if deciding == FEED + NEXT:
        return Step("swap feed" if FEED in found.feeds else "rename feed", FEED)
    return None


def _clear(found: Found, wanted: Wanted) -> Step | None:
    """What neither decides nor is about to goes."""
    deciding = in_force(found)
    if FEED in found.feeds and deciding != FEED:
        return Step("drop feed", FEED)
    beside = found.feeds.get(FEED + NEXT)
    if beside and (deciding is None or _is_current(found, wanted) or beside.feed != name_of(wanted, found)):
        # The old query reads what the old feed read.
        if _is_current(found, wanted) and found.query != found.feed:
            return Step("replace query", QUERY, found.feed)
        return Step("drop feed", FEED + NEXT)
    return None


def _new_structure(found: Found, wanted: Wanted, now: int) -> Step | None:
    table = found.thresholds.get(TABLE + NEXT)
    feed = name_of(wanted, found)
    made = found.feeds.get(FEED + NEXT)
    if table and dict(table.columns) != dict(wanted.columns):
        return Step("drop feed", FEED + NEXT) if made else Step("drop thresholds", TABLE + NEXT)
    if table is None:
        return Step("drop feed", FEED + NEXT) if made else Step("make thresholds", TABLE + NEXT)
    if table.row != wanted.row or table.control_version != wanted.version:
        return Step("fill thresholds", TABLE + NEXT, version=wanted.version)
    lists = _lists(found, wanted, now)
    if lists:
        return lists
    if in_force(found) is None:
        # Rows wait: called first, the feed decides what has come since the last that was decided.
        return Step("take over", FEED, feed) if found.feed != feed else Step("make feed", FEED, feed)
    return Step("take over", FEED + NEXT, feed) if made else Step("make feed", FEED + NEXT, feed)


def _same_structure(found: Found, wanted: Wanted, now: int) -> Step | None:
    if found.query != found.feed:
        return Step("replace query", QUERY, found.feed)
    if TABLE + NEXT in found.thresholds:
        return Step("drop thresholds", TABLE + NEXT)
    lists = _lists(found, wanted, now)
    if lists:
        return lists
    table = found.thresholds[TABLE]
    if table.row != wanted.row or table.control_version != wanted.version:
        return Step("set thresholds", TABLE, version=wanted.version)
    return None


def _lists(found: Found, wanted: Wanted, now: int) -> Step | None:
    left = settled(found.entries, now)
    if left:
        return Step("settle lists", "list_entries", rows=left)
    changed = staged(found.entries, wanted.entries, now, wanted.version)
    return Step("stage lists", "list_entries", version=wanted.version, rows=changed) if changed else None


def after(found: Found, wanted: Wanted, step: Step) -> Found:
    """What is there once a step is taken: what the server does, without one."""
    feeds, thresholds, entries = dict(found.feeds), dict(found.thresholds), dict(found.entries)
    ids = [table.id for table in thresholds.values()] + [one for feed in feeds.values() for one in feed.reads]
    name = step.relation
    match step.kind:
        case "settle lists" | "stage lists":
            for key, row in step.rows.items():
                if row is None:
                    del entries[key]
                else:
                    entries[key] = row
        case "make thresholds":
            thresholds[name] = Thresholds(max(ids, default=0) + 1, wanted.columns, None, 0)
        case "fill thresholds" | "set thresholds":
            thresholds[name] = replace(thresholds[name], row=wanted.row, control_version=wanted.version)
        case "make feed":
            feeds[name] = Feed(step.feed, frozenset({thresholds[TABLE + NEXT].id}))
        case "take over":
            found = replace(found, feed=step.feed)
        case "swap thresholds":
            thresholds = _swapped(thresholds, name)
        case "swap feed" | "rename feed":
            feeds = _swapped(feeds, name)
        case "replace query":
            found = replace(found, query=step.feed)
        case "drop feed" | "drop thresholds":
            feeds.pop(name, None) if step.kind == "drop feed" else thresholds.pop(name)
    return replace(found, feeds=feeds, thresholds=thresholds, entries=entries)


def _swapped(relations: Mapping[str, T], name: str) -> dict[str, T]:
    """With the two names changed; one that is not there stays away."""
    other = {name: name + NEXT, name + NEXT: name}
    return {other.get(one, one): relation for one, relation in relations.items()}
