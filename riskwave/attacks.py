"""What stops an attack, and what that saves: the one definition that summaries and measures of rules share.

An attack (an episode of frauds) is caught when one of its events is challenged or blocked before half of its money is
gone; what it attempts from its first stopped event on is saved.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
STOPPED = "('block', 'challenge')"


def attacks_sql(judged: str) -> str:
    """A query, one row an episode, over a relation of event_id, event_ts, action, is_fraud, episode, scenario, money.

    episode, scenario; is_caught; events, flagged: frauds, and those whose action is not allow; at_stake, saved: money,
    in the unit it is given in. Frauds without an episode are left out.
    """
    return f"""
with told as (
    select
        *,
        action in {STOPPED} as is_stopped,
        coalesce(sum(money) over (
            partition by episode order by event_ts, event_id rows between unbounded preceding and 1 preceding
        ), 0) as gone,
        sum(money) over (partition by episode) as stake,
        min(case when action in {STOPPED} then event_ts end) over (partition by episode) as stopped_at
    from {judged} where is_fraud and episode is not null
)
select
    episode, any_value(scenario) as scenario, bool_or(is_stopped and 2 * gone <= stake) as is_caught,
    count(*) as events, count_if(action <> 'allow') as flagged, sum(money) as at_stake,
    coalesce(sum(money) filter (where event_ts >= stopped_at), 0) as saved
from told group by episode
"""


class Attacks:
    """The same over arrays, for many decisions about the same frauds."""

    def __init__(
        self, rows: NDArray[np.int64], episode: NDArray[np.int64], at: NDArray[Any], money: NDArray[Any]
    ) -> None:
        """rows: of the events that are part of an attack, by attack and then in order of time; episode: number of the
        attack, at: time, money: minor units, 0 where declined, of all events.
        """
        self.rows = rows
        self._at = at[rows].astype(np.int64)
        self._money = money[rows]
        own = episode[rows]
        self._starts = np.flatnonzero(np.r_[True, own[1:] != own[:-1]]) if len(own) else np.zeros(0, int)
        self._number = np.cumsum(np.r_[0, np.diff(own) != 0]) if len(own) else np.zeros(0, int)
        before = np.cumsum(self._money) - self._money
        self._early = 2 * (before - before[self._starts][self._number]) <= self._by_attack(self._money)[self._number]

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def first(self) -> NDArray[np.int64]:
        """By attack: the row of its first event."""
        return self.rows[self._starts]

    @property
    def at_stake(self) -> int:
        """The money of all attacks, in minor units."""
        return int(self._money.sum())

    def caught(self, stops: Flags) -> Flags:
        """By attack: whether one of its events is stopped before half of its money is gone; stops: of all events."""
        return self._by_attack((stops[self.rows] & self._early).astype(np.int64)) > 0

    def saved(self, stops: Flags) -> int:
        """What attacks attempt from their first stopped event on, in minor units."""
        if not len(self):
            return 0
        never = np.iinfo(np.int64).max
        first = np.minimum.reduceat(np.where(stops[self.rows], self._at, never), self._starts)
        return int(self._money[self._at >= first[self._number]].sum())

    def _by_attack(self, values: NDArray[Any]) -> NDArray[Any]:
        return np.add.reduceat(values, self._starts) if len(self._starts) else np.zeros(0, np.int64)
