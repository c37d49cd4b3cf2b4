"""Rulesets, thresholds and lists on a server: read as `takeover` takes them, and its steps as statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from riskwave.control.snapshot import Snapshot, Value
from riskwave.errors import RiskwaveError
from riskwave.risingwave.changes import SCORED
from riskwave.risingwave.entries import NEVER, EntryRow, Key, WantedEntry
from riskwave.risingwave.lately import drop_unread, lately
from riskwave.risingwave.relations import SPAN, Relation, relations
from riskwave.risingwave.server import Server
from riskwave.risingwave.takeover import FEED, NEXT, QUERY, TABLE, Feed, Found, Step, Thresholds, Wanted
from riskwave.rules.compile import Compiled
from riskwave.rules.dbt import FEED as PLACE
from riskwave.rules.dbt import KEEP, PACK, structure
from riskwave.rules.stream import AS_IT_COMES

LOG = "decisions__log"
#: What a compiled ruleset reads, by the names that it has there; what is scored and thresholds are given with the feed.
READS = {
    "list_entries": "list_entries",
    "list_blocks": "int_list_blocks",
    "feeds_in_force": "feeds_in_force",
}
#: Relations that a feed reads and that may be made anew: their ids are in a feed's name, as dbt writes it.
BENEATH = (SCORED, "int_list_blocks")
_PLAIN = {
    "swap thresholds": "alter table {0} swap with {0}__next",
    "swap feed": "alter sink {0} swap with {0}__next",
    "rename feed": "alter sink {0}__next rename to {0}",
    "drop thresholds": "drop table {0}",
}
#: Thresholds that are filled in are there before the feed that is made over them: a statement is in the stream when it
#: returns, and what is made after it begins with a later barrier.
_ROWS_CHANGED = ("settle lists", "stage lists", "set thresholds", "take over")
#: Rows of a list in one statement.
ROWS = 500
_READ = re.compile(r"\b(from|join) (decision_input|rule_thresholds|list_entries|list_blocks|feeds_in_force)\b")
#: The columns that a compiled ruleset gives.
GIVEN = frozenset(
    (
        *("event_id", *KEEP, "ruleset_revision", "ruleset_channel", "action", "severity", "is_anomaly", "rule_ids"),
        *("reasons", "shadow_rule_ids", "rule_vector", "shadow_rulesets", "control_version"),
    )
)


def compiled(snapshot: Snapshot) -> Compiled:
    """What is in force as one statement over the stream; PLACE stands in it for its name.

    Raises RiskwaveError for a pack of another name than the deployment's.
    """
    found = snapshot.compiled("risingwave", scored=True, feed=PLACE, keep=KEEP)
    need_name(found.revision)
    return found


def need_name(revision: str) -> None:
    """Raises RiskwaveError unless a ruleset is of the pack that a deployment decides by."""
    if revision.rpartition("-")[0] != PACK.name:
        raise RiskwaveError(f"{revision}: RisingWave decides by packs named {PACK.name}; name its folder so")


def wanted(snapshot: Snapshot, statement: Compiled | None = None) -> Wanted:
    """What a version of the control store means there; statement: as `compiled` has it, where it is at hand."""
    statement = statement or compiled(snapshot)
    row = statement.threshold_row(snapshot.values, snapshot.control_version).to_pylist()[0]
    return Wanted(
        version=snapshot.control_version,
        structure=structure(statement),
        columns={column.column: column.sql_type for column in statement.thresholds},
        row={name: value for name, value in row.items() if name != "control_version"},
        entries={
            (entry.list_name, entry.value): WantedEntry(entry.expires_at or NEVER, entry.reason)
            for entry in snapshot.lists
        },
    )


def look(server: Server) -> Found:
    """What is in force. Raises RiskwaveError where there is no deployment, or one of an earlier Riskwave."""
    there = relations(server)
    need_deployed(server, there)
    tables = {name: _thresholds(server, there[name]) for name in (TABLE, TABLE + NEXT) if name in there}
    called = server.rows("select feed from feeds_in_force where ruleset = %s", [PACK.name])
    query = there.get(QUERY)
    return Found(
        feed=called[0][0] if called else None,
        feeds={name: Feed(there[name].feed, there[name].reads) for name in (FEED, FEED + NEXT) if name in there},
        thresholds=tables,
        query=query.feed if query else None,
        beneath=".".join(str(there[name].id) for name in BENEATH),
        entries=_entries(server),
    )


def need_deployed(server: Server, there: Mapping[str, Relation]) -> None:
    """Raises RiskwaveError unless all is there that rules are changed by."""
    needed = {LOG: "seen_at", TABLE: "control_version", "feeds_in_force": "known_by", SCORED: "known_by"}
    needed |= {"int_list_blocks": "next_version", "list_entries": "next_version", SPAN: "first_event_ts"}
    for name, column in needed.items():
        if name not in there:
            raise RiskwaveError(
                f"{server.address.shown}: schema {server.schema} has no relation {name}; deploy first: riskwave deploy"
            )
        if column not in there[name].columns:
            raise RiskwaveError(
                f"{server.address.shown}: {server.schema}.{name} has no column {column}: an earlier Riskwave deployed "
                "it; bring it up to date first: riskwave deploy"
            )


def span(server: Server) -> tuple[datetime | None, datetime | None]:
    """When the oldest and the newest payment there were made. Raises RiskwaveError as need_deployed does."""
    try:
        [(first, last)] = server.rows(f"select first_event_ts, last_event_ts from {SPAN}")
    except RiskwaveError:
        need_deployed(server, relations(server))
        raise
    return first, last


def take(server: Server, step: Step, goal: Wanted, statement: Compiled) -> None:
    """Take a step; what comes after it meets what it did."""
    name = step.relation
    match step.kind:
        case "settle lists" | "stage lists":
            _write(server, step.rows)
        case "make thresholds":
            columns = "".join(f"{column} {kind}, " for column, kind in goal.columns.items())
            server.run(f"create table {name} (ruleset varchar primary key, {columns}control_version bigint)")
        case "fill thresholds":
            values = {"ruleset": PACK.name, **goal.row, "control_version": goal.version}
            server.run(
                f"insert into {name} ({', '.join(values)}) values ({', '.join(['%s'] * len(values))})",
                list(values.values()),
            )
        case "set thresholds":
            values = {**goal.row, "control_version": goal.version}
            server.run(
                f"update {name} set {', '.join(f'{column} = %s' for column in values)} where ruleset = %s",
                [*values.values(), PACK.name],
            )
        case "make feed":
            _make_feed(server, step, statement)
        case "drop feed":
            server.run(f"drop sink {name}")
            drop_unread(server, relations(server))
        case "take over":
            server.run("update feeds_in_force set feed = %s where ruleset = %s", [step.feed, PACK.name])
        case "replace query":
            there = relations(server)
            replace_view(server, there, name, query_sql(statement, step.feed or "", _log_columns(there)))
        case _:
            server.run(_PLAIN[step.kind].format(name))
    if step.kind in _ROWS_CHANGED:
        server.flush()


def replace_view(server: Server, there: Mapping[str, Relation], name: str, query: str) -> None:
    """Put a view in the place of another in one moment, or where there is none."""
    if name not in there:
        server.run(f"create view {name} as {query}")
        return
    if name + NEXT in there:
        server.run(f"drop view {name}{NEXT}")
    server.run(f"create view {name}{NEXT} as {query}")
    server.run(f"alter view {name} swap with {name}{NEXT}")
    server.run(f"drop view {name}{NEXT}")


def feed_sql(
    statement: Compiled,
    feed: str,
    table: str,
    columns: Sequence[str],
    *,
    scored: str = SCORED,
    since: str | None = None,
) -> str:
    """The query of a feed into the log: its columns, from the rows of `scored` that were seen after a moment."""
    rows = _over(statement, feed, table, scored)
    later = f" where seen_at > '{since}'::timestamptz" if since else ""
    return f"select {', '.join(columns)} from ({rows}) as said{later}"


def query_sql(statement: Compiled, feed: str, columns: Sequence[str]) -> str:
    """The same over all rows at once, by what is looked up as it is now."""
    rows = _over(statement, feed, TABLE, SCORED).replace(AS_IT_COMES, "")
    return f"select {', '.join(columns)} from ({rows}) as said"


def _over(statement: Compiled, feed: str, table: str, scored: str) -> str:
    names = {**READS, "rule_thresholds": table, "decision_input": scored}
    return _READ.sub(lambda read: f"{read[1]} {names[read[2]]}", statement.sql).replace(PLACE, feed)


def _make_feed(server: Server, step: Step, statement: Compiled) -> None:
    """One that takes over sees what comes from now on; one that catches up begins after the last row of the log."""
    there = relations(server)
    columns, feed, table = _log_columns(there), step.feed or "", TABLE + NEXT
    if step.relation == FEED:
        since = server.rows(f"select max(seen_at)::varchar from {LOG}")[0][0]
        query = feed_sql(statement, feed, table, columns, since=since)
    else:
        query = feed_sql(statement, feed, table, columns, scored=lately(server, there))
    server.run(f"create sink {step.relation} into {LOG} ({', '.join(columns)}) as {query} with (type = 'append-only')")


def _log_columns(there: Mapping[str, Relation]) -> list[str]:
    return [name for name in there[LOG].columns if name in GIVEN]


def _thresholds(server: Server, table: Relation) -> Thresholds:
    columns = {
        name: kind.replace("character varying", "varchar")
        for name, kind in table.columns.items()
        if name not in ("ruleset", "control_version")
    }
    names = ["control_version", *columns]
    rows = server.rows(f"select {', '.join(names)} from {table.name} where ruleset = %s", [PACK.name])
    row: dict[str, Value] | None = dict(zip(columns, rows[0][1:], strict=True)) if rows else None
    return Thresholds(table.id, columns, row, int(rows[0][0] or 0) if rows else 0)


def _entries(server: Server) -> dict[Key, EntryRow]:
    rows = server.rows("select list_name, value, expires_at, reason, next_version, next_expires_at from list_entries")
    return {(name, text): EntryRow(*rest) for name, text, *rest in rows}


def _write(server: Server, rows: Mapping[Key, EntryRow | None]) -> None:
    """A row that is there already is written over, as the table's key has it."""
    kept = [(*key, row) for key, row in rows.items() if row is not None]
    for part in _parts(kept):
        values = [
            (name, text, row.expires_at, row.reason, row.next_version, row.next_expires_at) for name, text, row in part
        ]
        marks = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(values))
        server.run(
            "insert into list_entries (list_name, value, expires_at, reason, next_version, next_expires_at) "
            f"values {marks}",
            [each for row in values for each in row],
        )
    for part in _parts([key for key, row in rows.items() if row is None]):
        marks = " or ".join(["(list_name = %s and value = %s)"] * len(part))
        server.run(f"delete from list_entries where {marks}", [each for key in part for each in key])


def _parts(rows: list[Any]) -> Iterator[list[Any]]:
    for first in range(0, len(rows), ROWS):
        yield rows[first : first + ROWS]
