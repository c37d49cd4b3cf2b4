"""The model's part in one decision of a state: which columns made its score, in words."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow as pa

from riskwave.batch.history import attach_state, columns_of, literal, whole
from riskwave.catalogue import MODEL
from riskwave.errors import RiskwaveError
from riskwave.scoring.explain import Explainer, ScoreExplained
from riskwave.scoring.registry import Registry

CATALOG = "riskwave_scored"


def explain_score(
    state: Path, event_id: str, registry: Registry, model: str, *, decision: int | None = None, top: int = 5
) -> ScoreExplained:
    """Explain the score that a model gives an event of a state.

    model: name and version, such as `card 1.2.0`, as decisions name it; decision: the event's version, the first where
    it is not given. Raises RiskwaveError when there is no such event or model.
    """
    found = re.fullmatch(r"(\S+) (\S+)", model)
    if found is None:
        raise RiskwaveError(f"model {model}: expected one name and one version, such as 'card 1.2.0'")
    table = known_of(state, event_id, decision)
    return Explainer(registry, found[1], found[2]).explain(table, top=top, flagged_only=False)[0]


def known_of(state: Path, event_id: str, decision: int | None) -> pa.Table:
    """What was known of an event, one row of decision_input. Raises RiskwaveError when there is none."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        attach_state(connection, state, CATALOG)
        known = whole(connection, CATALOG, state, MODEL)
        if known is None:
            raise RiskwaveError(f"{state}: has no {MODEL}; expected a state made by `riskwave run` or `riskwave batch`")
        versioned = "version" in columns_of(connection, CATALOG, MODEL)
        order = "order by version limit 1" if versioned else "limit 1"
        wanted = f" and version = {int(decision)}" if versioned and decision is not None else ""
        table = connection.sql(
            f"select * from ({known}) where event_id = {literal(event_id)}{wanted} {order}"
        ).to_arrow_table()
    if not table.num_rows:
        raise RiskwaveError(f"{event_id}: {state} has not kept what was known of it")
    return table
