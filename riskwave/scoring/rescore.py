"""Looking back: a past range scored by another version, and which decisions would have differed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from riskwave.backtest.replay import decide_again
from riskwave.batch.history import attach_state, columns_of
from riskwave.errors import RiskwaveError
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.values import Say

CATALOG = "riskwave_rescored"
_CREATE = """
create temp table outcome as
select
    d.event_id, d.event_ts, d.replay_version as version, d.was_score, d.model_score,
    d.recorded_action as was_action, r.action, d.recorded_rule_ids as was_rules, r.rule_ids as rules
from decision_input as d join replayed as r on d.event_id = r.event_id
"""
_INSERT = "insert into outcome " + _CREATE.partition(" as\n")[2]
_FRAUDS = "select event_id from {labels} group by event_id having arg_max(verdict, arrived_at) = 'fraud'"


@dataclass(frozen=True)
class Changed:
    """A decision that would have been another."""

    event_id: str
    version: int
    event_ts: datetime
    was_action: str
    action: str
    was_score: float | None
    score: float | None
    was_rules: list[str]
    rules: list[str]
    is_fraud: bool


_EXAMPLE = tuple(field.name for field in fields(Changed))


@dataclass(frozen=True)
class Rescored:
    """decisions: of the range; model: what scored them now; moves: (was, would be, decisions, frauds among them).

    frauds: known by any label; caught, false: events whose action was, or would be, another than allow.
    """

    state: str
    model: str
    decisions: int
    changed: int
    frauds: int
    was_caught: int
    caught: int
    was_false: int
    false: int
    moves: tuple[tuple[str, str, int, int], ...]
    examples: tuple[Changed, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def rescore(
    state: Path,
    scorers: Sequence[Scorer],
    *,
    weights: Sequence[float] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    most: int = 20,
    say: Say = lambda words: None,
) -> Rescored:
    """Score the events of a period by one version, or by the vote of several, and decide them by the rules of then.

    weights: of a vote, equal by default; most: examples. Raises RiskwaveError when there is nothing to decide again.
    """
    if not scorers:
        raise RiskwaveError("no version is given to score by")
    each = list(weights) or [1.0] * len(scorers)
    if len(each) != len(scorers):
        raise RiskwaveError(f"{len(each)} weights for {len(scorers)} versions: give one for each")
    label = f"{scorers[0].card.name} {'+'.join(scorer.version for scorer in scorers)}"

    def score(rows: pa.Table) -> pa.Table:
        say(f"scoring {rows.num_rows:,} events by {label}")
        scores = np.average([scorer.score(rows) for scorer in scorers], axis=0, weights=each)
        return pa.table(
            {
                "model_score": pa.array(scores),
                "model_version": pa.repeat(pa.scalar(label), rows.num_rows),
                "degraded": pa.repeat(pa.scalar(False), rows.num_rows),
            }
        )

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        begun = False
        for _ in decide_again(connection, state, score, start=start, end=end, say=say):
            connection.execute(_INSERT if begun else _CREATE)
            begun = True
        attach_state(connection, state, CATALOG)
        labels = f"{CATALOG}.main.labels" if columns_of(connection, CATALOG, "labels") else None
        frauds = _FRAUDS.format(labels=labels) if labels else "select null::varchar as event_id where false"
        connection.execute(
            f"create temp table judged as select o.*, f.event_id is not null as is_fraud "
            f"from outcome as o left join ({frauds}) as f on o.event_id = f.event_id"
        )
        return _told(connection, str(state), label, most)


def _told(connection: duckdb.DuckDBPyConnection, state: str, label: str, most: int) -> Rescored:
    counts = connection.execute(
        "select count(*), count_if(was_action <> action), count_if(is_fraud), "
        "count_if(is_fraud and was_action <> 'allow'), count_if(is_fraud and action <> 'allow'), "
        "count_if(not is_fraud and was_action <> 'allow'), count_if(not is_fraud and action <> 'allow') from judged"
    ).fetchall()[0]
    moves = connection.execute(
        "select was_action, action, count(*), count_if(is_fraud) from judged where was_action <> action "
        "group by 1, 2 order by 3 desc, 1, 2"
    ).fetchall()
    examples = connection.execute(
        "select event_id, version, event_ts, was_action, action, was_score, model_score, was_rules, rules, is_fraud "
        f"from judged where was_action <> action order by is_fraud desc, event_ts, event_id limit {int(most)}"
    ).fetchall()
    decisions, changed, known, *flagged = (int(count) for count in counts)
    was_caught, caught, was_false, false = flagged
    return Rescored(
        *(state, label, decisions, changed, known, was_caught, caught, was_false, false),
        tuple((str(was), str(now), int(count), int(frauds)) for was, now, count, frauds in moves),
        tuple(Changed(**dict(zip(_EXAMPLE, row, strict=True))) for row in examples),
    )
