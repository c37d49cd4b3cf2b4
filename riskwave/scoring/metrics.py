"""How good scores are: by event, and by attack."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from sklearn.metrics import average_precision_score, roc_auc_score

from riskwave.attacks import Attacks
from riskwave.scoring.history import History
from riskwave.scoring.values import Flags, Scores

pc: Any = pyarrow.compute


@dataclass(frozen=True)
class Metrics:
    """Figures of scores on labelled events.

    An event is flagged when its score is at least the threshold. Every event without a fraud label counts as
    legitimate. An attack (an episode of frauds) is caught when one of its events is flagged before half of its money
    is gone. What cannot be said (no frauds, no episodes) is None.
    """

    events: int
    frauds: int
    threshold: float
    auc: float | None
    average_precision: float | None
    accuracy: float
    false_positive_rate: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    attacks: int
    attacks_caught: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def threshold_for(scores: Scores, fraud: Flags, rate: float) -> float:
    """The lowest threshold at which at most `rate` of the events that are not known frauds are flagged."""
    ordinary = np.sort(scores[~fraud])[::-1]
    allowed = int(rate * len(ordinary))
    if allowed >= len(ordinary):
        return 0.0
    # Above the first one too many: a tie with it would be flagged too. As float32, in which scores are served.
    return float(np.nextafter(np.float32(ordinary[allowed]), np.float32(2)))


def measure(history: History, scores: Scores, threshold: float) -> Metrics:
    """The figures of scores (rows,) of a history's events, by all its labels."""
    fraud, flagged = history.frauds(), scores >= threshold
    hits, false = int((fraud & flagged).sum()), int((~fraud & flagged).sum())
    frauds, legitimate = int(fraud.sum()), int((~fraud).sum())
    both = frauds > 0 and legitimate > 0
    attacks, caught = attacks_caught(history, flagged)
    return Metrics(
        events=len(fraud),
        frauds=frauds,
        threshold=threshold,
        auc=float(roc_auc_score(fraud, scores)) if both else None,
        average_precision=float(average_precision_score(fraud, scores)) if both else None,
        accuracy=float((fraud == flagged).mean()),
        false_positive_rate=false / legitimate if legitimate else None,
        precision=hits / (hits + false) if hits + false else None,
        recall=hits / frauds if frauds else None,
        f1=2 * hits / (frauds + hits + false) if frauds else None,
        attacks=attacks,
        attacks_caught=caught,
    )


def attacks_caught(history: History, flagged: Flags) -> tuple[int, int]:
    """Attacks of a history, and those with a flagged event before half of the money was gone."""
    money = np.where(_numbers(history, "is_declined") > 0, 0.0, _numbers(history, "billing_amount_minor"))
    rows = np.flatnonzero(history.episode >= 0)
    rows = rows[np.argsort(history.episode[rows], kind="stable")]
    attacks = Attacks(rows, history.episode, history.at, money)
    return len(attacks), int(attacks.caught(flagged).sum())


def _numbers(history: History, name: str) -> Scores:
    column = pc.fill_null(history.events[name].cast(pa.float64()), 0.0)
    return np.asarray(column.to_numpy(), np.float64)
