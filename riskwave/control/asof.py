"""Every version as Arrow tables, for replays with what was in force at each decision's control_version."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from riskwave.control.snapshot import ACTIVE, addresses, moment, typed
from riskwave.control.store import Control
from riskwave.errors import RiskwaveError

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
        if not connection.execute("select 1 from rulesets where revision = ?", [revision]).fetchone():
            raise RiskwaveError(f"{revision}: no such revision; `riskwave rules list` shows them")
        now = connection.execute("select control_version from control").fetchone()[0]
        spells = connection.execute(
            "select control_version, coalesce(until_version, ?) from ruleset_versions "
            "where revision = ? and state in ('live', 'canary', 'shadow') order by id",
            [now + 1, revision],
        ).fetchall()
        specs = connection.execute(
            "select rule, name, kind from ruleset_thresholds where revision = ? order by position", [revision]
        ).fetchall()
        values = connection.execute(
            "select rule, name, value, control_version, coalesce(until_version, ?) from threshold_versions "
            "where revision = ? order by id",
            [now + 1, revision],
        ).fetchall()
    versions = np.concatenate([np.arange(first, end) for first, end in spells] or [np.arange(0)]).astype(np.int64)
    history: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
    for rule, name, value, first, end in values:
        if first < end:
            history.setdefault((rule, name), []).append((value, first, end))
    columns = {"control_version": pa.array(versions)}
    for rule, name, kind in specs:
        held = history.get((rule, name), [])
        # A ruleset has all its thresholds in every version that it is in force: the last value begun is the one.
        at = np.searchsorted(np.array([first for _, first, _ in held], dtype=np.int64), versions, side="right") - 1
        distinct = pa.array([typed(kind, value) for value, *_ in held], _TYPES[kind])
        columns[f"{rule}__{name}"] = distinct.take(pa.array(at))
    return pa.table(columns)


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
