"""An engine's last word held against a batch's."""

from __future__ import annotations

import math
from typing import Any

import duckdb

from riskwave.engine.engine import Engine
from tests.engine.batch import rows_of

#: What a revision says of itself, not of the event.
OWN = frozenset({"version", "supersedes", "decided_at"})


def assert_same(
    engine: Engine, wanted: duckdb.DuckDBPyConnection, *, where: str = "true", ignore: frozenset[str] = frozenset()
) -> None:
    """The last decision_input and decisions of an engine's events are the batch's, in every column."""
    for table, every in engine.relations().items():
        last = f"select * from {every} qualify row_number() over (partition by event_id order by version desc) = 1"
        found = rows_of(engine.connection, f"select * from ({last}) where {where}")
        expected = rows_of(wanted, f"select * from {table}")
        assert found.keys() == expected.keys(), table
        differing = [
            f"{event} {name}: {found[event][name]!r} and in one batch {value!r}"
            for event, row in expected.items()
            for name, value in row.items()
            if name not in OWN | ignore and not _same(found[event][name], value)
        ]
        assert not differing, f"{table}:\n" + "\n".join(differing[:20])


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-9)
    return bool(left == right)
