"""How the versions online compare: canary beside champion, shadows beside both, on labels that had time to come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskwave.batch.history import attach_state, columns_of, whole
from riskwave.errors import RiskwaveError
from riskwave.scoring.abtest import by_unit, paired, two_shares

CATALOG = "riskwave_reported"
Flags = NDArray[np.bool_]
_FRAUDS = "select event_id from {labels} group by event_id having arg_max(verdict, arrived_at) = 'fraud'"
_EVENTS = """
select
    d.card_id, d.event_ts, d.model_version, d.model_score, d.degraded, d.action <> 'allow' as acted, d.shadow_scores,
    f.event_id is not null as fraud
from ({decisions}) as d left join ({frauds}) as f on d.event_id = f.event_id
where {first} order by d.event_ts, d.event_id
"""


@dataclass(frozen=True)
class Side:
    """What a version came to on its events. acted: those whose action was another than allow; flagged: whose score
    reached the version's threshold, None where that is not known."""

    version: str
    events: int
    cards: int
    frauds: int
    acted: int
    acted_frauds: int
    flagged: int | None
    flagged_frauds: int | None

    @property
    def recall(self) -> float | None:
        """Share of frauds acted on."""
        return self.acted_frauds / self.frauds if self.frauds else None

    @property
    def false_positive_rate(self) -> float | None:
        """Share of the other events acted on."""
        other = self.events - self.frauds
        return (self.acted - self.acted_frauds) / other if other else None


@dataclass(frozen=True)
class Compared:
    """Two versions beside each other, what of recall and of false positives chance alone would explain (p-values).

    kind: `canary`: two groups of cards in the time both scored, shares of events acted on; `shadow`: the same events,
    flagged by each version's own threshold. p_…: by the normal test of two shares (canary only); p_…_cards: by
    shuffling cards.
    """

    kind: str
    champion: Side
    challenger: Side
    p_recall: float | None
    p_recall_cards: float | None
    p_false: float | None
    p_false_cards: float | None


@dataclass(frozen=True)
class Report:
    """until: events up to then have labels; degraded, unscored: events without a score; sides: by version."""

    state: str
    until: datetime
    events: int
    degraded: int
    unscored: int
    sides: tuple[Side, ...]
    compared: tuple[Compared, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def report(state: Path, thresholds: Mapping[str, float], *, mature_days: float = 7.0) -> Report:
    """Compare the versions that scored a state's events, those of the last mature_days left out: labels come late.

    thresholds: by `model_version` as decisions have it. The decisions that acted count, an event's first. Raises
    RiskwaveError when there are none.
    """
    rows, until = _read(state, mature_days)
    told = _Told(rows, thresholds)
    counted = [(label, int((told.version == label).sum())) for label in sorted(set(told.version)) if label]
    if not counted:
        raise RiskwaveError(f"{state}: no event up to {until:%Y-%m-%d %H:%M} was scored by a model")
    champion = max(counted, key=lambda pair: pair[1])[0]
    compared = []
    for label, _ in counted:
        if label != champion and (found := told.canary(champion, label)):
            compared.append(found)
    compared += [found for label in told.shadows if (found := told.shadow(champion, label))]
    return Report(
        str(state),
        until,
        len(told.version),
        int(told.degraded.sum()),
        int(((told.version == "") & ~told.degraded).sum()),
        tuple(told.side(label, told.version == label) for label, _ in counted),
        tuple(compared),
    )


class _Told:
    """The events as arrays."""

    def __init__(self, rows: pa.Table, thresholds: Mapping[str, float]) -> None:
        self.thresholds = thresholds
        self.version = np.array(rows["model_version"].fill_null("").to_pylist(), object)
        self.score = rows["model_score"].to_numpy().astype(np.float64)
        self.degraded, self.acted, self.fraud = (
            rows[name].fill_null(False).to_numpy().astype(bool) for name in ("degraded", "acted", "fraud")
        )
        self.at = rows["event_ts"].to_numpy()
        coded = rows["card_id"].combine_chunks().dictionary_encode()
        self.card = coded.indices.to_numpy().astype(np.int64)
        self.cards = len(coded.dictionary)
        self.shadows: dict[str, NDArray[np.float64]] = {}
        for row, texts in enumerate(rows["shadow_scores"].to_pylist()):
            for said in map(json.loads, texts or ()):
                label = said["model_version"]
                if label not in self.shadows:
                    self.shadows[label] = np.full(rows.num_rows, np.nan)
                self.shadows[label][row] = said["model_score"]

    def side(self, label: str, rows: Flags, scores: NDArray[np.float64] | None = None) -> Side:
        flagged = self._flagged(label, self.score if scores is None else scores)
        acted = self.acted if scores is None or flagged is None else flagged
        return Side(
            version=label,
            events=int(rows.sum()),
            cards=len(np.unique(self.card[rows])),
            frauds=int((rows & self.fraud).sum()),
            acted=int((rows & acted).sum()),
            acted_frauds=int((rows & acted & self.fraud).sum()),
            flagged=None if flagged is None else int((rows & flagged).sum()),
            flagged_frauds=None if flagged is None else int((rows & flagged & self.fraud).sum()),
        )

    def canary(self, champion: str, challenger: str) -> Compared | None:
        """Of the time in which both scored: before and after it the events were others."""
        mine, other = self.version == challenger, self.version == champion
        first, last = self.at[mine].min(), self.at[mine].max()
        within = (self.at >= first) & (self.at <= last)
        mine, other = mine & within, other & within
        if not other.any():
            return None
        theirs, ours = self.side(champion, other), self.side(challenger, mine)
        treated = np.zeros(self.cards, bool)
        treated[self.card[mine]] = True
        both = mine | other
        p = [
            by_unit(self._by_card(both & of & self.acted), self._by_card(both & of), treated)
            for of in (self.fraud, ~self.fraud)
        ]
        false = (ours.acted - ours.acted_frauds, ours.events - ours.frauds)
        false_theirs = (theirs.acted - theirs.acted_frauds, theirs.events - theirs.frauds)
        return Compared(
            "canary",
            theirs,
            ours,
            two_shares(ours.acted_frauds, ours.frauds, theirs.acted_frauds, theirs.frauds),
            p[0],
            two_shares(*false, *false_theirs),
            p[1],
        )

    def shadow(self, champion: str, label: str) -> Compared | None:
        """On the champion's events that the shadow scored too."""
        scores = self.shadows[label]
        both = (self.version == champion) & ~np.isnan(scores)
        theirs, ours = self._flagged(champion, self.score), self._flagged(label, scores)
        if theirs is None or ours is None or not both.any():
            return None
        gap = ours.astype(np.int64) - theirs.astype(np.int64)
        p = [paired(self._by_card(both & of, gap)) for of in (self.fraud, ~self.fraud)]
        return Compared(
            "shadow",
            self.side(champion, both, self.score),
            self.side(label, both, scores),
            *(None, p[0], None, p[1]),
        )

    def _flagged(self, label: str, scores: NDArray[np.float64]) -> Flags | None:
        threshold = self.thresholds.get(label)
        return None if threshold is None else scores >= threshold

    def _by_card(self, rows: Flags, weights: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        told = rows.astype(np.float64) if weights is None else np.where(rows, weights, 0).astype(np.float64)
        return np.asarray(np.bincount(self.card, weights=told, minlength=self.cards), np.float64)


def _read(state: Path, mature_days: float) -> tuple[pa.Table, datetime]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        attach_state(connection, state, CATALOG)
        decisions = whole(connection, CATALOG, state, "decisions")
        there = columns_of(connection, CATALOG, "decisions")
        if decisions is None or "shadow_scores" not in there:
            raise RiskwaveError(f"{state}: has no decisions with scores; expected a state made by `riskwave run`")
        labels = f"{CATALOG}.main.labels" if columns_of(connection, CATALOG, "labels") else None
        frauds = _FRAUDS.format(labels=labels) if labels else "select null::varchar as event_id where false"
        first = "d.version = 1" if "version" in there else "true"
        last = connection.execute(f"select max(event_ts) from ({decisions})").fetchall()[0][0]
        if last is None:
            raise RiskwaveError(f"{state}: has no decisions")
        until = last - timedelta(days=mature_days)
        sql = _EVENTS.format(decisions=decisions, frauds=frauds, first=first)
        return connection.sql(
            f"select * from ({sql}) where event_ts <= $until", params={"until": until}
        ).to_arrow_table(), until
