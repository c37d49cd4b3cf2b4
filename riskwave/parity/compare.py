"""The comparison: DuckDB joins the two sides by event_id and counts, column by column, what is not the same.

Whole numbers, booleans, texts, instants and lists are the same when they are equal; floating point when it differs by
at most a millionth of the larger, or by 1e-9. NULL is the same as NULL only.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from riskwave.batch.batch import batch_of_staged, batch_of_state
from riskwave.errors import RiskwaveError
from riskwave.parity.report import Column, Example, OneSided, Report
from riskwave.parity.side import RELATIONS, Side, is_state, open_side
from riskwave.parity.staged import stage

BATCH = "batch"
RELATIVE, ABSOLUTE = 1e-6, 1e-9
POSITION = ("source", "source_partition", "source_offset")
#: When and how often a run said something is its own: it says nothing on what was said last.
IGNORED = {
    *("event_id", "version", "supersedes", "decided_at", "seen_at", "revision", "day"),
    *("history_from", "warming_rule_ids", "known_by"),
}
AT_ONCE = 20  # columns a join carries: wider joins no longer fit in the processor's caches

_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|DECIMAL\(\d+,0\)$")
_FLOATING = re.compile(r"(DOUBLE|FLOAT|DECIMAL\(\d+,[1-9]\d*\))$")


def compare(
    left: str | Path,
    right: str | Path,
    *,
    archive: Path | None = None,
    examples: int = 3,
    say: Callable[[str], None] = lambda words: None,
) -> Report:
    """Compare the last features and decisions of two sides.

    A side is a state file, a Parquet file or folder, "batch" (a dbt batch over the other side's staged payments, or
    those of an archive), or the DSN of a RisingWave; `examples` is how many values a differing column gives. Raises
    RiskwaveError when a side cannot be used.
    """
    sides = (str(left), str(right))
    with tempfile.TemporaryDirectory() as scratch:
        opened = tuple(_made(side, sides, archive, Path(scratch), say) for side in sides)
        connection = duckdb.connect(config={"temp_directory": scratch, "autoinstall_known_extensions": False})
        try:
            connection.execute("set TimeZone = 'UTC'")
            say("reading both sides")
            ours, theirs = (
                open_side(connection, text, label) for text, label in zip(opened, ("left", "right"), strict=True)
            )
            return _Comparison(connection, sides, ours, theirs, examples, say).report()
        finally:
            connection.close()


def _made(side: str, sides: tuple[str, str], archive: Path | None, scratch: Path, say: Callable[[str], None]) -> str:
    """The side itself, or the file of a batch over the archive, or the other side."""
    if side != BATCH or Path(side).exists():
        return side
    other = str(archive) if archive else sides[1] if sides[0] == BATCH else sides[0]
    out = scratch / "batch.duckdb"
    if is_state(other):
        batch_of_state(Path(other), out, say=say)
    else:
        batch_of_staged(partial(stage, of=other), out, name=other, say=say)
    return str(out)


class _Comparison:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: tuple[str, str],
        left: Side,
        right: Side,
        examples: int,
        say: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._names = names
        self._left, self._right = left, right
        self._examples = examples
        self._say = say
        self._skipped: list[str] = []

    def report(self) -> Report:
        columns: list[Column] = []
        only: dict[str, list[OneSided]] = {"left": [], "right": []}
        events = 0
        for relation in RELATIONS:
            left, right = self._left.relations.get(relation), self._right.relations.get(relation)
            if left is None or right is None:
                if left or right:
                    lacking = self._names[1] if left else self._names[0]
                    self._skipped.append(f"{relation} not compared: {lacking} has none")
                continue
            self._say(f"comparing {relation}")
            kinds = self._kinds(left), self._kinds(right)
            only["left"] += self._one_sided(relation, left, right, *kinds)
            only["right"] += self._one_sided(relation, right, left, *reversed(kinds))
            compared = self._compared(left, right, *kinds)
            columns += self._columns(
                relation, left, right, {name: same(name, *both) for name, both in compared.items()}
            )
            events = max(events, self._value(f"select count(*) from {left} semi join {right} using (event_id)"))
        if not columns:
            raise RiskwaveError(f"{' and '.join(self._names)}: no decision_input or decisions that both have")
        return Report(
            *self._names,
            events=events,
            columns=tuple(columns),
            only_left=tuple(only["left"]),
            only_right=tuple(only["right"]),
            skipped=tuple(dict.fromkeys(self._skipped)),
        )

    def _kinds(self, relation: str) -> dict[str, str]:
        return {str(name): str(kind) for name, kind, *_ in self._rows(f"describe {relation}")}

    def _one_sided(
        self, relation: str, here: str, there: str, kinds: dict[str, str], others: dict[str, str]
    ) -> list[OneSided]:
        parts = []
        missing = f"from {here} anti join {there} using (event_id)"
        if count := self._value(f"select count(*) {missing}"):
            names = self._rows(f"select event_id {missing} order by event_id limit {self._examples}")
            parts.append(OneSided(relation, "events", count, tuple(str(name) for (name,) in names)))
        columns = tuple(name for name in kinds if name not in others and name not in IGNORED | set(POSITION))
        if columns:
            parts.append(OneSided(relation, "columns", len(columns), columns))
        return parts

    def _compared(
        self, left: str, right: str, kinds: dict[str, str], others: dict[str, str]
    ) -> dict[str, tuple[str, str]]:
        """Columns to compare, with their type on either side."""
        both = {name: (kind, others[name]) for name, kind in kinds.items() if name in others and name not in IGNORED}
        if set(POSITION) <= set(both):
            sources = [self._rows(f"select distinct source from {side} order by source") for side in (left, right)]
            if sources[0] == sources[1]:
                return both
            self._skipped.append("source positions not compared: the sides were read from different sources")
        return {name: pair for name, pair in both.items() if name not in POSITION}

    def _columns(self, relation: str, left: str, right: str, same: dict[str, str]) -> list[Column]:
        found: list[Column] = []
        names = list(same)
        for start in range(0, len(names), AT_ONCE):
            part = names[start : start + AT_ONCE]
            counts = ", ".join(f"count_if(not ({same[name]}))" for name in part)
            [row] = self._rows(f"select {counts} from {left} as l join {right} as r using (event_id)")
            for name, count in zip(part, row, strict=True):
                examples = self._differing(left, right, name, same[name]) if count else ()
                found.append(Column(relation, name, int(count or 0), examples))  # of no rows, count_if is NULL
        return found

    def _differing(self, left: str, right: str, name: str, same: str) -> tuple[Example, ...]:
        rows = self._rows(
            f'select event_id, l."{name}", r."{name}" from {left} as l join {right} as r using (event_id) '
            f"where not ({same}) order by event_id limit {self._examples}"
        )
        return tuple(Example(*row) for row in rows)

    def _rows(self, query: str) -> list[Any]:
        return self._connection.execute(query).fetchall()

    def _value(self, query: str) -> int:
        return int(self._rows(query)[0][0])


def same(name: str, left: str, right: str) -> str:
    """A predicate, never NULL, that l and r agree in a column of these types."""
    ours, theirs = f'l."{name}"', f'r."{name}"'
    numbers = [_WHOLE.match(kind) or _FLOATING.match(kind) for kind in (left, right)]
    if all(numbers) and any(_FLOATING.match(kind) for kind in (left, right)):
        ours, theirs = f"{ours}::double", f"{theirs}::double"
        near = (
            f"isfinite({ours}) and isfinite({theirs}) and abs({ours} - {theirs}) "
            f"<= greatest({ABSOLUTE}, {RELATIVE} * greatest(abs({ours}), abs({theirs})))"
        )
        return f"{ours} is not distinct from {theirs} or coalesce({near}, false)"
    if left.startswith("TIMESTAMP") and right.startswith("TIMESTAMP"):
        ours, theirs = f"{ours}::timestamp", f"{theirs}::timestamp"
    elif left != right and not all(numbers):
        ours, theirs = f"{ours}::varchar", f"{theirs}::varchar"
    return f"{ours} is not distinct from {theirs}"
