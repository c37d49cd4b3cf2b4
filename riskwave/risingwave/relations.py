"""What is on a server: a deployment's relations, what they are made of, and what reads what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from riskwave.risingwave.server import Server

#: One row: from when to when there are payments.
SPAN = "int_payments__span"
#: Of a definition: the name of the subquery that says what it was made of (macros/risingwave/made.sql).
_MADE = re.compile(r"\bas\s+\"?made_([0-9a-f]{12})\"?", re.IGNORECASE)
#: Of a feed's or its query's: what `feeds_in_force` must call (riskwave/rules/stream.py).
_FEED = re.compile(r"\bf\.feed\s*,\s*''\s*\)\s*=\s*'([^']+)'", re.IGNORECASE)
#: Of the feed of what is known: what it says it is (macros/risingwave/materialization_revisions.sql).
_KNOWN_BY = re.compile(r"'(now\.[0-9]+)'\s+as\s+\"?known_by", re.IGNORECASE)
_OPTION = re.compile(r"([\w.]+)\s*=\s*'([^']*)'")


@dataclass(frozen=True)
class Relation:
    """One relation. kind: table, view, materialized view, source, sink; made: of what, None where it does not say;
    feed, known_by: of a feed, its name; reads: the ids of what it reads; columns: name and type, in order.
    """

    name: str
    kind: str
    id: int
    made: str | None
    feed: str | None
    known_by: str | None
    reads: frozenset[int]
    columns: Mapping[str, str]


def relations(server: Server) -> dict[str, Relation]:
    """The deployment's relations by name."""
    rows = server.rows(
        "select r.id, r.name, r.relation_type, r.definition from rw_catalog.rw_relations as r "
        "join rw_catalog.rw_schemas as s on s.id = r.schema_id where s.name = %s",
        [server.schema],
    )
    reads: dict[int, set[int]] = {}
    for reader, read in server.rows("select objid, refobjid from rw_catalog.rw_depend"):
        reads.setdefault(int(reader), set()).add(int(read))
    columns: dict[str, dict[str, str]] = {}
    for relation, column, kind in server.rows(
        "select table_name, column_name, data_type from information_schema.columns where table_schema = %s "
        "order by table_name, ordinal_position",
        [server.schema],
    ):
        columns.setdefault(relation, {})[column] = kind
    return {
        name: Relation(
            *(name, kind, int(number), made_of(kind, definition or "")),
            *(_found(_FEED, definition), _found(_KNOWN_BY, definition)),
            *(frozenset(reads.get(int(number), ())), columns.get(name, {})),
        )
        for number, name, kind, definition in rows
    }


def made_of(kind: str, definition: str) -> str | None:
    """What a definition says it was made of: of a source, where its messages come from."""
    if kind == "source":
        return source_of(definition)
    return _found(_MADE, definition)


def source_of(definition: str) -> str:
    """Where a source's messages come from: its topic and broker, from its definition."""
    options = dict(_OPTION.findall(definition))
    return f"{options.get('topic', '')}@{options.get('properties.bootstrap.server', '')}"


def _found(pattern: re.Pattern[str], definition: str | None) -> str | None:
    found = pattern.search(definition or "")
    return found[1] if found else None
