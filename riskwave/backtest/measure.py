"""From truths to figures: actions, attacks, precision and recall, what each rule adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

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


class Attacks:
    """The frauds of a history by attack, in order of time, ready to be held against many decisions."""

    def __init__(self, truths: Truths) -> None:
        rows = np.flatnonzero(truths.episode >= 0)
        ids = np.asarray(truths.event_id.take(rows).to_pylist(), dtype=object)
        self.rows = rows[np.lexsort((ids.astype(str), truths.at[rows], truths.episode[rows]))]
        self._at = truths.at[self.rows].astype(np.int64)
        self._money = truths.money[self.rows]
        episode = truths.episode[self.rows]
        self._starts = np.flatnonzero(np.r_[True, episode[1:] != episode[:-1]]) if len(episode) else np.zeros(0, int)
        self._number = np.cumsum(np.r_[0, np.diff(episode) != 0]) if len(episode) else np.zeros(0, int)
        before = np.cumsum(self._money) - self._money
        self._early = 2 * (before - before[self._starts][self._number]) <= self._by_attack(self._money)[self._number]
        self.scenario = truths.scenario[self.rows][self._starts]

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def at_stake(self) -> int:
        """The money of all attacks, in minor units."""
        return int(self._money.sum())

    def caught(self, stops: Flags) -> Flags:
        """By attack: whether one of its events is stopped before half of its money is gone."""
        return self._by_attack((stops[self.rows] & self._early).astype(np.int64)) > 0

    def saved(self, stops: Flags) -> int:
        """What attacks attempt from their first stopped event on, in minor units."""
        if not len(self):
            return 0
        never = np.iinfo(np.int64).max
        first = np.minimum.reduceat(np.where(stops[self.rows], self._at, never), self._starts)
        return int(self._money[self._at >= first[self._number]].sum())

    def _by_attack(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.add.reduceat(values, self._starts) if len(self._starts) else np.zeros(0, np.int64)


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
