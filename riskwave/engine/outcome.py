"""What a batch came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc


@dataclass
class Outcome:
    """What a batch came to: rows received, duplicates, rejected, decided, superseding; first decisions that a model was
    to score and could not, and their actions; rows written.
    """

    received: int = 0
    duplicates: int = 0
    rejected: int = 0
    decided: int = 0
    superseding: int = 0
    degraded: int = 0
    actions: dict[str, int] = field(default_factory=dict)
    rows: Mapping[str, pa.Table] = field(default_factory=dict)

    @property
    def flags(self) -> bool:
        """Whether it has a decision that raises an alert, or may change one."""
        return bool(self.superseding or set(self.actions) - {"allow"})

    def take(self, rows: Mapping[str, pa.Table]) -> None:
        """What was committed, by table."""
        self.rows = rows
        decisions = rows.get("decisions")
        if decisions is None:
            return
        is_first = pc.equal(decisions.column("version"), 1)
        counts = pc.value_counts(decisions.column("action").filter(is_first))
        self.decided = decisions.num_rows
        self.superseding = self.decided - (pc.sum(is_first).as_py() or 0)
        self.degraded = pc.sum(decisions.column("degraded").filter(is_first)).as_py() or 0
        self.actions = {str(each["values"]): int(each["counts"]) for each in counts.to_pylist()}
