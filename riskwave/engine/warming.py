"""Which of the rules that fired read a window that begins before the history does: decisions say so."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskwave.control import Control

#: What a decision says of the history it was made from.
WARMING = pa.schema([("history_from", pa.timestamp("us")), ("warming_rule_ids", pa.list_(pa.string()))])


class Windows:
    """How far back the rules of some rulesets look, in microseconds by revision and rule."""

    def __init__(self, control: Control, revisions: Iterable[str]) -> None:
        self._reach: dict[str, dict[str, int]] = {revision: {} for revision in revisions}
        for revision, rule, seconds in control.query("select revision, rule, seconds from rule_windows"):
            if revision in self._reach:
                self._reach[revision][rule] = int(seconds) * 1_000_000
        self.longest = max((most for rules in self._reach.values() for most in rules.values()), default=0)

    def said(self, decisions: pa.Table, first: int | None) -> pa.Table:
        """Rows of `decisions` (n) with the columns WARMING.

        first: microseconds since 1970 of the history's first event. warming_rule_ids has, of the rules that fired,
        acting or in the shadow, those whose longest window begins before it.
        """
        rows = decisions.num_rows
        if first is None or rows == 0:
            for field in WARMING:
                decisions = decisions.append_column(field, pa.nulls(rows, field.type))
            return decisions
        moments = decisions.column("event_ts").combine_chunks().cast(pa.timestamp("us")).cast(pa.int64())
        age = moments.to_numpy(zero_copy_only=False) - first
        told: list[list[str]] = [[]] * rows
        if int(age.min()) < self.longest:
            fired = decisions.select(["ruleset_revision", "rule_ids", "shadow_rule_ids"])
            counts = pc.add(pc.list_value_length(fired.column(1)), pc.list_value_length(fired.column(2)))
            young = np.flatnonzero((age < self.longest) & (pc.fill_null(counts, 0).to_numpy() > 0))
            for place, row in zip(young.tolist(), fired.take(pa.array(young)).to_pylist(), strict=True):
                reach = self._reach.get(row["ruleset_revision"], {})
                names = (*row["rule_ids"], *row["shadow_rule_ids"])
                told[place] = [name for name in names if reach.get(name, 0) > age[place]]
        since = pa.repeat(pa.scalar(first, pa.int64()).cast(pa.timestamp("us")), rows)
        decisions = decisions.append_column(WARMING.field(0), since)
        return decisions.append_column(WARMING.field(1), pa.array(told, WARMING.field(1).type))
