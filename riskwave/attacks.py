"""What stops an attack, and what that saves: the one definition that summaries and measures of rules share.

An attack (an episode of frauds) is caught when one of its events is challenged or blocked before half of its money is
gone; what it attempts from its first stopped event on is saved.
"""

from __future__ import annotations

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
