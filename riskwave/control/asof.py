"""Every version as Arrow tables, for replays with what was in force at each decision's control_version."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from riskwave.control.snapshot import ACTIVE, Key, Snapshot, Value, addresses, moment, typed
from riskwave.control.store import Control
from riskwave.errors import RiskwaveError

if TYPE_CHECKING:
    from riskwave.rules.compile import Compiled

_TYPES = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "text": pa.string()}
_UTC = pa.timestamp("us")


def rulesets_by_version(control: Control) -> pa.Table:
    """When each ruleset was live, canary or shadow, in order of versions.

    One row a spell: revision, state, share, control_version (the first of the spell), until_version (the first after
    it, NULL while it lasts), valid_from, valid_to (UTC), text (the pack).
    """
    rows = control.query(
        "select v.revision, v.state, v.share, v.control_version, v.until_version, v.valid_from, v.valid_to, r.text "
        "from ruleset_versions as v join rulesets as r using (revision) "
        f"where v.state in ({', '.join('?' * len(ACTIVE))}) and v.until_version is not v.control_version order by v.id",
        ACTIVE,
    )
    schema = pa.schema(
        [
            ("revision", pa.string()),
            ("state", pa.string()),
            ("share", pa.float64()),
            ("control_version", pa.int64()),
            ("until_version", pa.int64()),
            ("valid_from", _UTC),
            ("valid_to", _UTC),
            ("text", pa.string()),
        ]
    )
    return _table([(*row[:5], moment(_text(row[5])), moment(_text(row[6])), row[7]) for row in rows], schema)


def thresholds_by_version(control: Control, revision: str) -> pa.Table:
    """A ruleset's values at every version that it was in force: one row a version.

    Columns: control_version, then `<rule>__<threshold>` in the pack's order (bigint, double, boolean or varchar).
    Raises RiskwaveError for a revision that the store does not have.
    """
    with control.reading() as connection:
        now = connection.execute("select control_version from control").fetchone()[0]
        if not connection.execute("select 1 from rulesets where revision = ?", [revision]).fetchone():
            raise RiskwaveError(f"{revision}: no such revision; `riskwave rules list` shows them")
        spells = connection.execute(
            "select control_version, coalesce(until_version, ?) from ruleset_versions "
            "where revision = ? and state in ('live', 'canary', 'shadow') order by id",
            [now + 1, revision],
        ).fetchall()
        versions = np.concatenate([np.arange(first, end) for first, end in spells] or [np.arange(0)]).astype(np.int64)
        values = _values(connection, revision, versions)
    columns = {f"{rule}__{name}": column for (rule, name), column in values.items()}
    return pa.table({"control_version": pa.array(versions), **columns})


@dataclass(frozen=True)
class Span:
    """Versions from control_version up to, not including, until_version with the same rulesets in force.

    snapshot: at the first of them; its `compiled()` is the statement of all.
    """

    control_version: int
    until_version: int
    snapshot: Snapshot


def spans(control: Control) -> list[Span]:
    """The versions since the first publish, cut where the rulesets in force changed."""
    active = "state in ('live', 'canary', 'shadow') and until_version is not control_version"
    rows = control.query(
        f"select control_version from ruleset_versions where {active} "
        f"union select until_version from ruleset_versions where {active} and until_version is not null order by 1"
    )
    cuts = [row[0] for row in rows]
    ends = [*cuts[1:], control.version + 1]
    found = [Span(first, end, control.snapshot(first)) for first, end in zip(cuts, ends, strict=True)]
    return [span for span in found if span.snapshot.live]


def threshold_rows(control: Control, compiled: Compiled, first: int, until: int) -> pa.Table:
    """`rule_thresholds` of a compiled statement at every version from `first` up to, not including, `until`.

    One row a version; all its rulesets must be in force in them, as they are within a span.
    """
    versions = np.arange(first, until, dtype=np.int64)
    with control.reading() as connection:
        values = {revision: _values(connection, revision, versions) for revision in compiled.revisions}
    columns = {c.column: values[c.revision][c.rule, c.threshold] for c in compiled.thresholds}
    return pa.table({**columns, "control_version": pa.array(versions)}, schema=compiled.threshold_schema)


def _values(connection: sqlite3.Connection, revision: str, versions: np.ndarray) -> dict[Key, pa.Array]:
    """By threshold, its value at each version."""
    history: dict[Key, list[tuple[Value, int]]] = {}
    kinds: dict[Key, str] = {}
    for rule, name, kind, value, first in connection.execute(
        "select t.rule, t.name, t.kind, v.value, v.control_version from ruleset_thresholds as t "
        "join threshold_versions as v using (revision, rule, name) "
        "where revision = ? and v.until_version is not v.control_version order by t.position, v.id",
        [revision],
    ):
        history.setdefault((rule, name), []).append((typed(kind, value), first))
        kinds[rule, name] = kind
    columns = {}
    for key, held in history.items():
        # A ruleset has all its thresholds in every version that it is in force: the last value begun is the one.
        begun = np.array([first for _, first in held], dtype=np.int64)
        at = np.searchsorted(begun, versions, side="right") - 1
        columns[key] = pa.array([value for value, _ in held], _TYPES[kinds[key]]).take(pa.array(at))
    return columns


def lists_by_version(control: Control) -> pa.Table:
    """Every entry that lists ever had.

    One row a spell: list_name, value, reason, expires_at (UTC), low, high (first and last address of an IPv4
    network as numbers, NULL for anything else), control_version (the first of the spell), until_version (the first
    after it, NULL while it lasts), valid_from, valid_to (UTC), author.
    """
    rows = control.query(
        "select list_name, value, reason, expires_at, control_version, until_version, valid_from, valid_to, author "
        "from list_versions where until_version is not control_version order by id"
    )
    return list_table_of(
        [
            (
                *row[:3],
                moment(_text(row[3])),
                *addresses(str(row[1])),
                *row[4:6],
                *map(moment, map(_text, row[6:8])),
                row[8],
            )
            for row in rows
        ]
    )


def list_table_of(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Rows of `lists_by_version` as an Arrow table."""
    schema = pa.schema(
        [
            ("list_name", pa.string()),
            ("value", pa.string()),
            ("reason", pa.string()),
            ("expires_at", _UTC),
            ("low", pa.int64()),
            ("high", pa.int64()),
            ("control_version", pa.int64()),
            ("until_version", pa.int64()),
            ("valid_from", _UTC),
            ("valid_to", _UTC),
            ("author", pa.string()),
        ]
    )
    return _table(rows, schema)


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
