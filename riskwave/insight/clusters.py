"""Unusual events in clusters, each with the features that make it, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import HDBSCAN

from riskwave.insight.unusual import Unusual
from riskwave.scoring.values import Flags
from riskwave.watch.spread import Ints

#: Events that are clustered at most, the most surprising ones; and columns by which.
MOST_EVENTS, MOST_COLUMNS = 3_000, 20
#: Surprise beyond which a value says no more.
CLIP = 6.0


@dataclass(frozen=True)
class Made:
    """A column that sets a cluster apart: what most of its events have, and how often that was so before."""

    column: str
    said: str
    weight: float


def cluster(unusual: Unusual, wanted: Flags, *, least: int) -> list[Ints]:
    """Rows of each cluster of the wanted events, the largest first; least: events of a cluster. What fits none is left
    out.

    Events are alike when the same values of them are surprising (HDBSCAN over surprises).
    """
    rows = np.flatnonzero(wanted)
    if len(rows) < least:
        return []
    rows = np.sort(rows[np.argsort(-unusual.surprise[rows], kind="stable")][:MOST_EVENTS])
    surprises = np.minimum(unusual.surprises[rows], CLIP)
    columns = np.argsort(-surprises.mean(axis=0), kind="stable")[:MOST_COLUMNS]
    found = HDBSCAN(min_cluster_size=least, allow_single_cluster=True, copy=True).fit(surprises[:, columns]).labels_
    groups = [rows[found == label] for label in range(int(found.max(initial=-1)) + 1)]
    return sorted(groups, key=lambda group: -len(group))


def made_by(unusual: Unusual, rows: Ints, *, most: int = 5) -> list[Made]:
    """The columns that set a cluster apart from the range's other events, the strongest first."""
    own: np.ndarray = unusual.surprises[rows].mean(axis=0) - unusual.surprises.mean(axis=0)
    found: list[Made] = []
    for place in np.argsort(-own, kind="stable")[: 3 * most]:
        if own[place] <= 0.5 or len(found) == most:
            break
        said = _said(unusual, rows, int(place))
        if said:
            found.append(Made(unusual.reference.encoder.names[place], said, float(own[place])))
    return found


def _said(unusual: Unusual, rows: Ints, place: int) -> str:
    spread, column = unusual.reference.spreads[place], unusual.matrix[rows, place]
    known = column[~np.isnan(column)]
    total = max(spread.events, 1)
    if len(known) < len(column) / 2:
        return f"{spread.name} is not known or was never seen, before in {spread.counts[-1] / total:.2%}"
    if spread.values:
        code = int(np.bincount(known.astype(np.int64)).argmax())
        share = float((column == code).mean())
        return f"{spread.name} is {spread.values[code]} in {share:.0%}, before in {spread.counts[code] / total:.2%}"
    low, high = np.quantile(known, [0.1, 0.9])
    cells = spread.cells(np.array([low, high], np.float32))
    before = sum(spread.counts[int(cells[0]) : int(cells[1]) + 1]) / total
    told = f"{low:,.4g}" if low == high else f"{low:,.4g} to {high:,.4g}"
    return f"{spread.name} is {told}, before in {before:.2%}"
