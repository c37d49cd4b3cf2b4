"""Why a score is what it is: the columns that added most to it, in words, with their values.

Slow beside scoring, and meant for flagged events only, off the hot path.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from riskwave.catalogue import load_catalogue
from riskwave.scoring.contributions import contributions, members
from riskwave.scoring.encoding import Column
from riskwave.scoring.registry import ONLINE, Registry
from riskwave.scoring.scorer import Scorer
from riskwave.watch.reference import Reference
from riskwave.watch.spread import Spread

#: Units that say nothing after a number.
_SILENT = ("flag", "category", "share", "hours")


@dataclass(frozen=True)
class Reason:
    """A column that raised the score. adds: to the margin, the log-odds of fraud for trees; value: as it was known."""

    column: str
    value: Any
    adds: float
    said: str


@dataclass(frozen=True)
class ScoreExplained:
    """A score with the columns that raised it most, the strongest first; members: what each member of a vote added."""

    event_id: str | None
    model: str
    score: float
    threshold: float
    flagged: bool
    reasons: tuple[Reason, ...]
    members: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Weight:
    """How much a column moves a model's scores, either way: the mean over events; of: its share of all columns."""

    column: str
    moves: float
    of: float


class Explainer:
    """Explains the scores of one version, from what the registry keeps of it."""

    def __init__(self, registry: Registry, name: str, version: str = ONLINE) -> None:
        """Raises RiskwaveError when there is no such version, or it was kept without what explains it."""
        self.scorer: Scorer = registry.scorer(name, version)
        self._trained = registry.trained(name, version)
        self._spreads = _by_name(registry.reference(name, version))
        self._described = {feature.name: feature for feature in load_catalogue()}

    def explain(self, table: pa.Table, *, top: int = 5, flagged_only: bool = True) -> list[ScoreExplained]:
        """Explain events, rows of decision_input; those below the threshold only when asked for."""
        scores = self.scorer.score(table)
        rows = np.flatnonzero((scores >= self.scorer.threshold) | (not flagged_only))
        if not len(rows):
            return []
        chosen = table.take(pa.array(rows))
        card = self.scorer.card
        matrix = card.encoder.encode(chosen)
        added, votes = contributions(self._trained, matrix), members(self._trained, matrix)
        ids = chosen["event_id"].to_pylist() if "event_id" in chosen.column_names else [None] * len(rows)
        return [
            ScoreExplained(
                event_id=ids[place],
                model=f"{card.name} {card.version}",
                score=float(scores[row]),
                threshold=self.scorer.threshold,
                flagged=bool(scores[row] >= self.scorer.threshold),
                reasons=tuple(self._reasons(chosen, place, matrix[place], added[place], top)),
                members={name: float(vote[place]) for name, vote in votes.items()},
            )
            for place, row in enumerate(rows)
        ]

    def weights(self, table: pa.Table, *, top: int = 25) -> list[Weight]:
        """The columns that move the scores of events most, rows of decision_input."""
        added = contributions(self._trained, self.scorer.card.encoder.encode(table))
        moves = np.abs(added).mean(axis=0)
        whole = float(moves.sum()) or 1.0
        names = [column.name for column in self.scorer.card.encoder.columns]
        order = np.argsort(-moves, kind="stable")[:top]
        return [
            Weight(names[place], float(moves[place]), float(moves[place]) / whole) for place in order if moves[place]
        ]

    def _reasons(self, table: pa.Table, row: int, encoded: np.ndarray, added: np.ndarray, top: int) -> list[Reason]:
        found = []
        for place in np.argsort(-added, kind="stable")[:top]:
            if added[place] <= 0:
                break
            column = self.scorer.card.encoder.columns[place]
            values = [table[name][row].as_py() for name in column.of]
            value = values[0] if column.kind in ("number", "category") else _plain(encoded[place])
            found.append(Reason(column.name, value, float(added[place]), self._said(column, values, encoded[place])))
        return found

    def _said(self, column: Column, values: list[Any], encoded: float) -> str:
        spread = self._spreads.get(column.name)
        usual = "" if spread is None else beside(spread, encoded)
        if column.kind == "ratio":
            told = "not known" if np.isnan(encoded) else f"{encoded:,.3g} times"
            return f"{column.of[0]} is {told} {column.of[1]}{usual}"
        if column.kind == "letter":
            return f"{column.of[0]} has {int(encoded)} of {column.values[0]!r}{usual}"
        if column.kind == "hour_of_week":
            return f"the hour of the week is {int(encoded)}"
        unit = self._described[column.of[0]].unit
        value = values[0]
        if value is None:
            return f"{column.name} is not known{usual}"
        if isinstance(value, bool):
            return f"{column.name} is {'true' if value else 'false'}{usual}"
        told = f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
        return f"{column.name} is {told}{'' if unit in _SILENT or isinstance(value, str) else f' {unit}'}{usual}"


def beside(spread: Spread, encoded: float) -> str:
    """How usual a value is in the training window, in words, to be put after it."""
    cell = int(spread.cells(np.array([encoded]))[0])
    share = spread.counts[cell] / max(spread.events, 1)
    if spread.values or np.isnan(encoded):
        return f", as in {share:.1%} of training"
    known = np.array(spread.counts[:-1], np.float64)
    below = float(known[:cell].sum() / max(known.sum(), 1.0))
    above = float(known[cell + 1 :].sum() / max(known.sum(), 1.0))
    if below >= 0.5:
        return f", more than {below:.1%} of training"
    return f", less than {above:.1%} of training" if above >= 0.5 else ""


def _by_name(reference: Reference) -> dict[str, Spread]:
    return {spread.name: spread for spread in reference.spreads}


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
