"""All algorithms on the same events, beside the classics on raw columns, in one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.scoring import baselines
from riskwave.scoring.algorithms import ALGORITHMS
from riskwave.scoring.algorithms.base import score
from riskwave.scoring.history import History
from riskwave.scoring.metrics import Metrics, measure, threshold_for
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.train import Model, Plan, Prepared, algorithm_of, fit, prepare
from riskwave.scoring.values import Say, Scores

#: The table's columns.
HEADS = (
    *("algorithm", "AUC", "average precision", "accuracy", "FPR", "recall", "precision", "attacks caught"),
    *("learned in", "an event", "100 events, p99", "ONNX", "8-bit", "ONNX differs by"),
)
#: Events of a batch whose time is taken, and how many such batches.
BATCH, BATCHES = 100, 200
#: Events scored together for the time an event.
TOGETHER = 20_000


@dataclass(frozen=True)
class Line:
    """One algorithm's figures.

    learned_s: seconds to train; event_us: microseconds an event, features to score, many together; batch_p99_ms: of
    batches of BATCH events; kilobytes, small_kilobytes: the ONNX file's size and the quantised one's; difference: the
    largest between the ONNX file's scores and the trained model's. None where there is no such thing.
    """

    name: str
    metrics: Metrics
    learned_s: float
    event_us: float
    batch_p99_ms: float
    kilobytes: float | None = None
    small_kilobytes: float | None = None
    small_event_us: float | None = None
    difference: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Lines and what they are about: the data window, and how many encoded columns the algorithms had."""

    window: dict[str, Any]
    columns: int
    lines: tuple[Line, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"window": self.window, "columns": self.columns, "lines": [line.as_dict() for line in self.lines]}


def compare(
    history: History,
    plan: Plan,
    *,
    measured_on: History | None = None,
    algorithms: Sequence[str] = (),
    say: Say = lambda words: None,
) -> Comparison:
    """Train each algorithm (all by default) and the baselines on a history, and measure them on what none saw.

    Raises RiskwaveError when the history cannot be learned from.
    """
    plans = [replace(plan, algorithm=name) for name in algorithms or ALGORITHMS]
    for one in plans:
        algorithm_of(one)
    prepared = prepare(history, plan, keep_test=measured_on is None, say=say)
    unseen = measured_on or history.part(prepared.split.test)
    lines = [_line(fit(prepared, one, measured_on=unseen), unseen) for one in plans]
    window = {**prepared.split.window(history), "measured_on": unseen.name, "measured_events": len(unseen)}
    if baselines.known(prepared.training.train.fraud):
        for name in baselines.NAMES:
            say(f"{name} on raw columns")
            lines.append(_baseline(name, prepared, unseen, plan))
    return Comparison(window, len(prepared.training.encoder.columns), tuple(lines))


def _line(model: Model, unseen: History) -> Line:
    scorer = Scorer(model.onnx)
    small = Scorer(model.int8) if model.int8 is not None else None
    matrix = model.card.encoder.encode(unseen.events)
    event_us, batch_p99_ms = timed(scorer.score, unseen.events)
    return Line(
        name=model.plan.algorithm,
        metrics=model.test,
        learned_s=model.seconds,
        event_us=event_us,
        batch_p99_ms=batch_p99_ms,
        kilobytes=len(model.onnx) / 1000,
        small_kilobytes=len(model.int8) / 1000 if model.int8 is not None else None,
        small_event_us=timed(small.score, unseen.events)[0] if small is not None else None,
        difference=float(np.abs(score(model.trained, matrix) - model.scores).max()),
    )


def _baseline(name: str, prepared: Prepared, unseen: History, plan: Plan) -> Line:
    began = time.monotonic()
    baseline = baselines.Baseline(name, prepared.history, prepared.split, plan.seed)
    learned_s = time.monotonic() - began
    tuned = baseline.score(prepared.history.part(prepared.split.valid).events)
    threshold = threshold_for(tuned, prepared.training.valid.fraud, plan.target_fpr)
    event_us, batch_p99_ms = timed(baseline.score, unseen.events)
    metrics = measure(unseen, baseline.score(unseen.events), threshold)
    return Line(f"{name}, raw columns", metrics, learned_s, event_us, batch_p99_ms)


def timed(scoring: Callable[[pa.Table], Scores], events: pa.Table) -> tuple[float, float]:
    """Microseconds an event when many are scored together, and the 99th percentile of a batch, in milliseconds."""
    if events.num_rows < BATCH:
        raise RiskwaveError(f"{events.num_rows} events are too few to take the time of {BATCH} together")
    many = events.slice(0, TOGETHER)
    scoring(many)
    began = time.perf_counter()
    scoring(many)
    event_us = (time.perf_counter() - began) / many.num_rows * 1e6
    taken = []
    for turn in range(BATCHES):
        start = turn * BATCH % (events.num_rows - BATCH + 1)
        batch = events.slice(start, BATCH)
        began = time.perf_counter()
        scoring(batch)
        taken.append(time.perf_counter() - began)
    return event_us, float(np.quantile(taken, 0.99)) * 1000


def as_markdown(comparison: Comparison) -> str:
    """The table as a page has it."""
    rows = ["| " + " | ".join(HEADS) + " |", "| --- |" + " ---: |" * (len(HEADS) - 1)]
    rows += ["| " + " | ".join(cells(line)) + " |" for line in comparison.lines]
    return "\n".join(rows)


def cells(line: Line) -> list[str]:
    """A line's figures as texts."""
    m = line.metrics
    small = "-"
    if line.small_kilobytes is not None and line.small_event_us is not None:
        small = f"{line.small_kilobytes:,.0f} kB, {line.small_event_us:.1f} µs"
    return [
        line.name,
        _said(m.auc, ".3f"),
        _said(m.average_precision, ".3f"),
        f"{m.accuracy:.2%}",
        _said(m.false_positive_rate, ".2%"),
        _said(m.recall, ".1%"),
        _said(m.precision, ".1%"),
        f"{m.attacks_caught} of {m.attacks}" if m.attacks else "-",
        f"{line.learned_s:.0f} s",
        f"{line.event_us:.1f} µs",
        f"{line.batch_p99_ms:.1f} ms",
        "-" if line.kilobytes is None else f"{line.kilobytes:,.0f} kB",
        small,
        _said(line.difference, ".1e"),
    ]


def _said(figure: float | None, form: str) -> str:
    return "-" if figure is None else format(figure, form)
