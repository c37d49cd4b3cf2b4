"""What a state amounts to: decisions against labels, attacks, money, rules."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from riskwave.attacks import attacks_sql


@dataclass(frozen=True)
class Summary:
    """Figures of a state. Money in minor units of the billing currencies, taken as one.

    An event is flagged when its action is not allow; the decision that counts is the first, which acts. Every event
    without a fraud label counts as legitimate; where no event has one, shares are None. When an attack is caught, and
    what is saved: riskwave/attacks.py.
    """

    events: int
    frauds: int
    flagged: int
    flagged_frauds: int
    attacks: int
    attacks_caught: int
    money_at_stake: int
    money_saved: int
    actions: dict[str, int]
    rules: list[tuple[str, int, int]]
    scenarios: list[tuple[str, int, int]]

    @property
    def precision(self) -> float | None:
        """Share of flagged events that are frauds."""
        return self.flagged_frauds / self.flagged if self.flagged and self.frauds else None

    @property
    def recall(self) -> float | None:
        """Share of frauds that are flagged."""
        return self.flagged_frauds / self.frauds if self.frauds else None

    @property
    def false_positive_rate(self) -> float | None:
        """Share of legitimate events that are flagged."""
        legitimate = self.events - self.frauds
        return (self.flagged - self.flagged_frauds) / legitimate if legitimate and self.frauds else None

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            **asdict(self),
            "precision": self.precision,
            "recall": self.recall,
            "false_positive_rate": self.false_positive_rate,
        }


_JUDGED = """
create or replace temp view judged as
select
    d.event_id, d.event_ts, d.action, d.rule_ids, l.episode_id as episode, l.scenario,
    l.event_id is not null as is_fraud,
    case when k.is_declined then 0 else k.billing_amount_minor end as money
from {decisions} as d
join {decision_input} as k on d.event_id = k.event_id and d.version = k.version
left join (
    select event_id, any_value(episode_id) as episode_id, any_value(scenario) as scenario
    from labels where verdict = 'fraud' group by event_id
) as l on d.event_id = l.event_id
where d.version = 1
"""

_ATTACKS = f"""
select scenario, count(*), count_if(is_caught), sum(at_stake)::bigint, sum(saved)::bigint
from ({attacks_sql("judged")}) group by scenario order by scenario
"""


def summarise(
    connection: duckdb.DuckDBPyConnection, *, decisions: str = "decisions", decision_input: str = "decision_input"
) -> Summary:
    """The figures of an open state; the two names are the relations that hold every version of its decisions."""

    def rows(sql: str) -> list[Any]:
        return connection.execute(sql).fetchall()

    connection.execute(_JUDGED.format(decisions=decisions, decision_input=decision_input))
    events, frauds, flagged, hits = rows(
        "select count(*), coalesce(count_if(is_fraud), 0), coalesce(count_if(action <> 'allow'), 0), "
        "coalesce(count_if(is_fraud and action <> 'allow'), 0) "
        "from judged"
    )[0]
    attacks = rows(_ATTACKS)
    return Summary(
        events=events,
        frauds=frauds,
        flagged=flagged,
        flagged_frauds=hits,
        attacks=sum(row[1] for row in attacks),
        attacks_caught=sum(row[2] for row in attacks),
        money_at_stake=sum(row[3] for row in attacks),
        money_saved=sum(row[4] for row in attacks),
        actions=dict(rows("select action, count(*) from judged group by action order by count(*) desc")),
        rules=rows(
            "select rule, count(*), count_if(is_fraud) from (select unnest(rule_ids) as rule, is_fraud from judged) "
            "group by rule order by count(*) desc, rule"
        ),
        scenarios=[(row[0], row[1], row[2]) for row in attacks],
    )
