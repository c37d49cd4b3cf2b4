"""The scoring step of a batch: the SQL that calls `risk_score`, over a relation that changes with every batch."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from riskwave.engine.fetch import fetch
from riskwave.engine.passing import mentioned
from riskwave.engine.plan import KNOWN, Plan
from riskwave.engine.provider import Provider
from riskwave.engine.state import connect
from riskwave.scoring.function import Scoring, register, unregister
from riskwave.scoring.layout import SCORES, no_shadows

#: What the step adds to what is known of an event.
SCORE_FIELDS = tuple(
    pa.field(name, kind)
    for name, kind in zip(SCORES, (pa.float64(), pa.string(), pa.bool_(), pa.list_(pa.string())), strict=True)
)


class Scored:
    """Adds SCORE_FIELDS to rows of decision_input, by the models that are online. The SQL runs only where one is."""

    def __init__(self, plan: Plan, known: pa.Schema, scoring: Scoring) -> None:
        self.scoring = scoring
        self._connection = connect(":memory:", threads=1, memory="256MB")
        register(self._connection, scoring)
        sql = plan.models["int_scored"].sql
        wanted = mentioned(sql)
        self._known = Provider(self._connection, KNOWN, pa.schema([field for field in known if field.name in wanted]))
        self._connection.execute(f"prepare score as select event_id, {', '.join(SCORES)} from ({sql})")

    def score(self, known: pa.Table) -> pa.Table:
        """The rows with SCORE_FIELDS beside them; takes up what was published before."""
        self.scoring.refresh()
        rows = known.num_rows
        if self.scoring.is_idle:
            columns = [pa.nulls(rows, pa.float64()), pa.nulls(rows, pa.string())]
            columns += [pa.repeat(pa.scalar(False), rows), no_shadows(rows)]
        else:
            self._known.put(known)
            scored = fetch(self._connection, "score")
            self._known.clear()
            ids = known.column("event_id")
            if not scored.column("event_id").equals(ids):
                scored = scored.take(pc.index_in(ids, value_set=scored.column("event_id").combine_chunks()))
            columns = [scored.column(name) for name in SCORES]
        for field, column in zip(SCORE_FIELDS, columns, strict=True):
            known = known.append_column(field, column)
        return known

    def close(self) -> None:
        """Close the database."""
        unregister(self._connection)
        self._connection.close()
