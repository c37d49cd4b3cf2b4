"""Rules and model together: a batch's events with a model's scores beside them, for rulesets to be measured on."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from riskwave.batch.history import attach_state
from riskwave.rules.quality import Quality
from riskwave.scoring.scorer import Scorer

CATALOG = "riskwave_together"


def score_batch(connection: duckdb.DuckDBPyConnection, file: Path, scorer: Scorer) -> None:
    """Make the relations `decision_input`, with MODEL_COLUMNS, and `labels` of a file that `riskwave batch` made.

    `riskwave.rules.quality.measure` reads them (scored=True). Raises RiskwaveError when the file cannot be read.
    """
    connection.execute("set TimeZone = 'UTC'")
    attach_state(connection, file, CATALOG)
    known = connection.sql(f"select * from {CATALOG}.main.decision_input").to_arrow_table()
    connection.register("scored_events", known.append_column("model_score", pa.array(scorer.score(known))))
    connection.execute(
        f"create or replace table decision_input as select *, '{scorer.card.name} {scorer.version}' as model_version, "
        "false as degraded from scored_events"
    )
    connection.unregister("scored_events")
    connection.execute(f"create or replace view labels as select * from {CATALOG}.main.labels")


def accuracy(quality: Quality) -> float:
    """Share of the events that are frauds and flagged, or neither."""
    right = quality.total.flagged + quality.legitimate - quality.legitimate_flagged
    return right / (quality.total.events + quality.legitimate)
