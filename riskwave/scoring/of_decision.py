"""The model's part in decisions of a state: which columns made their scores, in words."""

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
    table = known_of(state, event_id, decision)
    return _explainer(registry, model).explain(table, top=top, flagged_only=False)[0]


def explain_flagged(connection: duckdb.DuckDBPyConnection, query: str, registry: Registry, *, top: int = 3) -> pa.Table:
    """What raised the scores of those decisions that their own model flagged.

    query: of decisions with what was known of them, decision_input's columns; gives event_id, version where the query
    has it, score_reasons (texts, the strongest first), a row a flagged decision. Raises RiskwaveError where the
    registry lacks a model.
    """
    keys = [name for name in ("event_id", "version") if name in connection.sql(query).columns]
    none = connection.sql(f"select {', '.join(keys)}, null::varchar[] as score_reasons from ({query}) limit 0")
    found = [none.to_arrow_table()]
    for (model,) in connection.sql(
        f"select distinct model_version from ({query}) where model_score is not null order by 1"
    ).fetchall():
        explainer = _explainer(registry, model)
        flagged = connection.sql(
            f"select * from ({query}) where model_version = $model and model_score >= $threshold",
            params={"model": model, "threshold": explainer.scorer.threshold},
        ).to_arrow_table()
        said = [
            [reason.said for reason in each.reasons] for each in explainer.explain(flagged, top=top, flagged_only=False)
        ]
        reasons = pa.array(said, pa.list_(pa.string()))
        found.append(flagged.select(keys).append_column("score_reasons", reasons).cast(found[0].schema))
    return pa.concat_tables(found)


def _explainer(registry: Registry, model: str) -> Explainer:
    found = re.fullmatch(r"(\S+) (\S+)", model)
    if found is None:
        raise RiskwaveError(f"model {model}: expected one name and one version, such as 'card 1.2.0'")
    return Explainer(registry, found[1], found[2])


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
