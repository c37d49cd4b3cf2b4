"""From truths to figures: actions, attacks, precision and recall, what each rule adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from riskwave.attacks import Attacks
from riskwave.backtest.truths import Flags, Truths
from riskwave.rules.outcome import PRECEDENCE
from riskwave.rules.pack import Rule

Ranks = NDArray[np.int8]
#: An action by its place in the order of precedence; beyond the last, no rule fired.
NOTHING = len(PRECEDENCE)
_ALLOW = PRECEDENCE.index("allow")
_STOPS = tuple(PRECEDENCE.index(action) for action in ("block", "challenge"))


def rank(rule: Rule) -> int:
    """The place of a rule's action in the order of precedence: what comes first decides."""
    return PRECEDENCE.index(rule.action)


def flagged(ranks: Ranks) -> Flags:
    """Whether the action is another than allow."""
    return (ranks != _ALLOW) & (ranks != NOTHING)


def stopped(ranks: Ranks) -> Flags:
    """Whether the action is challenge or block."""
    return np.isin(ranks, _STOPS)


class Outcomes:
    """Which actions fired for each event, and what is decided with one rule less or more."""

    def __init__(self, matrix: Flags, rules: Sequence[Rule]) -> None:
        self._matrix = matrix
        self._rules = rules
        self._counts = np.zeros((NOTHING, len(matrix)), dtype=np.int16)
        for place, rule in enumerate(rules):
            if rule.state == "live":
                self._counts[rank(rule)] += matrix[:, place]
        self.ranks = _first(self._counts)

    def changed(self, place: int) -> tuple[Flags, Flags]:
        """Events that only the rule flags, and that only the rule spares; of one that is not live, that it would."""
        rule = self._rules[place]
        fired = self._matrix[:, place]
        rows = np.flatnonzero(fired)
        counts = self._counts[:, rows].copy()
        counts[rank(rule)] += -1 if rule.state == "live" else 1
        other = flagged(_first(counts))
        now = flagged(self.ranks[rows])
        here, gone = (now, other) if rule.state == "live" else (other, now)
        more, less = np.zeros(len(fired), np.bool_), np.zeros(len(fired), np.bool_)
        more[rows], less[rows] = here & ~gone, gone & ~here
        return more, less


def _first(counts: NDArray[np.int16]) -> Ranks:
    any_fired = counts > 0
    return np.where(any_fired.any(axis=0), any_fired.argmax(axis=0), NOTHING).astype(np.int8)


def attacks_of(truths: Truths) -> Attacks:
    """The frauds of a history by attack, ready to be held against many decisions."""
    rows = np.flatnonzero(truths.episode >= 0)
    ids = np.asarray(truths.event_id.take(rows).to_pylist(), dtype=object)
    rows = rows[np.lexsort((ids.astype(str), truths.at[rows], truths.episode[rows]))]
    return Attacks(rows, truths.episode, truths.at, truths.money)


@dataclass(frozen=True)
class Counted:
    """What flagged events come to. Money in minor units of the billing currencies, taken as one.

    An event without a fraud label counts as legitimate; the share of something that there is none of is None.
    """

    events: int
    frauds: int
    fraud_money: int
    days: float
    flagged: int
    flagged_frauds: int
    flagged_fraud_money: int

    @property
    def precision(self) -> float | None:
        """Share of flagged events that are frauds."""
        return ratio(self.flagged_frauds, self.flagged)

    @property
    def recall(self) -> float | None:
        """Share of frauds that are flagged."""
        return ratio(self.flagged_frauds, self.frauds)

    @property
    def false_positive_rate(self) -> float | None:
        """Share of legitimate events that are flagged."""
        return ratio(self.flagged - self.flagged_frauds, self.events - self.frauds)

    @property
    def value_detection_rate(self) -> float | None:
        """Share of the frauds' money that is flagged."""
        return ratio(self.flagged_fraud_money, self.fraud_money)

    @property
    def alerts_a_day(self) -> float:
        """Flagged events a day."""
        return self.flagged / self.days

    def as_dict(self) -> dict[str, float | int | None]:
        """For JSON."""
        return {
            "flagged": self.flagged,
            "flagged_frauds": self.flagged_frauds,
            "flagged_fraud_money": self.flagged_fraud_money,
            "precision": self.precision,
            "recall": self.recall,
            "false_positive_rate": self.false_positive_rate,
            "value_detection_rate": self.value_detection_rate,
            "alerts_a_day": self.alerts_a_day,
        }


def ratio(part: int, whole: int) -> float | None:
    """A share, None of nothing."""
    return part / whole if whole else None


class Scale:
    """The whole that flagged events are held against: events and days of the period, its frauds and their money."""

    def __init__(self, truths: Truths, events: int, days: float) -> None:
        self.truths = truths
        self.events = events
        self.days = days
        self.frauds = int(truths.is_fraud.sum())

    @cached_property
    def fraud_money(self) -> int:
        """In minor units."""
        return int(self.truths.money[self.truths.is_fraud].sum())

    def count(self, flags: Flags) -> Counted:
        """What these events come to when they are flagged."""
        frauds = flags & self.truths.is_fraud
        return Counted(
            events=self.events,
            frauds=self.frauds,
            fraud_money=self.fraud_money,
            days=self.days,
            flagged=int(flags.sum()),
            flagged_frauds=int(frauds.sum()),
            flagged_fraud_money=int(self.truths.money[frauds].sum()),
        )
