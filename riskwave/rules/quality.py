"""How good a ruleset is where the truth is known: attacks caught, money saved, good payments disturbed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from riskwave.attacks import STOPPED, attacks_sql
from riskwave.rules.compile import compile_ruleset, entries_table
from riskwave.rules.lists import ListEntry
from riskwave.rules.pack import Ruleset


@dataclass(frozen=True)
class ScenarioQuality:
    """One kind of attack. Events: fraudulent ones; money in minor units of the billing currencies, taken as one."""

    scenario: str
    attacks: int
    caught: int
    events: int
    flagged: int
    at_stake: int
    saved: int

    @property
    def share_caught(self) -> float:
        """Attacks of which an event was challenged or blocked before half of the money was gone."""
        return self.caught / self.attacks

    @property
    def recall(self) -> float:
        """Fraudulent events flagged."""
        return self.flagged / self.events

    @property
    def share_saved(self) -> float:
        """Money attempted from the first challenge or block on; 1 where nothing was at stake."""
        return self.saved / self.at_stake if self.at_stake else 1.0


@dataclass(frozen=True)
class Quality:
    """A ruleset's figures. Flagged: the action is not allow; stopped: it is challenge or block.

    An event without a fraud label counts as legitimate; a declined one has no money to lose.
    """

    revision: str
    legitimate: int
    legitimate_flagged: int
    legitimate_stopped: int
    scenarios: tuple[ScenarioQuality, ...]

    @property
    def false_positive_rate(self) -> float:
        """Share of the legitimate payments that are challenged, blocked or reviewed."""
        return self.legitimate_flagged / self.legitimate

    @property
    def stopped_rate(self) -> float:
        """Share of the legitimate payments that are challenged or blocked."""
        return self.legitimate_stopped / self.legitimate

    @property
    def total(self) -> ScenarioQuality:
        """All scenarios as one."""
        counts = ("attacks", "caught", "events", "flagged", "at_stake", "saved")
        return ScenarioQuality("all", *(sum(getattr(each, name) for each in self.scenarios) for name in counts))

    @property
    def precision(self) -> float:
        """Share of the flagged payments that are fraudulent; 1 when none is flagged."""
        flagged = self.total.flagged + self.legitimate_flagged
        return self.total.flagged / flagged if flagged else 1.0

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            **asdict(self),
            "false_positive_rate": self.false_positive_rate,
            "stopped_rate": self.stopped_rate,
            "precision": self.precision,
        }

    def table(self) -> str:
        """A line per scenario and one for all, then the price of it."""
        lines = [f"{'scenario':20} {'attacks':>7} {'caught':>7} {'events':>7} {'recall':>7} {'saved':>7}"]
        lines += [
            f"{each.scenario:20} {each.attacks:7,} {each.share_caught:7.1%} {each.events:7,} {each.recall:7.1%} "
            f"{each.share_saved:7.1%}"
            for each in (*self.scenarios, self.total)
        ]
        lines.append(
            f"{self.revision}: precision {self.precision:.1%}; of {self.legitimate:,} legitimate payments "
            f"{self.false_positive_rate:.3%} flagged, {self.stopped_rate:.3%} challenged or blocked"
        )
        return "\n".join(lines)


_JUDGED = """
create or replace temp table judged as
select
    k.event_id, k.event_ts, d.action,
    l.event_id is not null as is_fraud,
    coalesce(l.episode_id, l.event_id) as episode,
    coalesce(l.scenario, 'unknown') as scenario,
    case when k.is_declined then 0 else coalesce(k.billing_amount_minor, 0) end as money
from decision_input as k
join ruled as d on k.event_id = d.event_id
left join (
    select event_id, any_value(episode_id) as episode_id, any_value(scenario) as scenario
    from labels where verdict = 'fraud' group by event_id
) as l on k.event_id = l.event_id
"""

_LEGITIMATE = f"""
select count(*), count_if(action <> 'allow'), count_if(action in {STOPPED}) from judged where not is_fraud
"""

_SCENARIOS = f"""
select
    scenario, count(*), count_if(is_caught), sum(events)::bigint, sum(flagged)::bigint, sum(at_stake)::bigint,
    sum(saved)::bigint
from ({attacks_sql("judged")}) group by scenario order by scenario
"""


def measure(
    connection: duckdb.DuckDBPyConnection, ruleset: Ruleset, entries: Sequence[ListEntry] = (), *, scored: bool = False
) -> Quality:
    """The ruleset with its default thresholds and these lists over `decision_input`, held against `labels`.

    connection: a database that `riskwave batch` made; `decision_input` is read with a row an event, and labels count
    whenever they arrived; scored: it has the columns that the scoring step adds. Raises RiskwaveError when the ruleset
    does not pass its checks.
    """
    compiled = compile_ruleset(ruleset, dialect="duckdb", scored=scored)
    connection.register("rule_thresholds", compiled.threshold_row({}, 0))
    connection.register("list_entries", entries_table(entries))
    connection.execute(f"create or replace temp table ruled as select event_id, action from ({compiled.sql})")
    connection.execute(_JUDGED)
    legitimate, flagged, stopped = connection.execute(_LEGITIMATE).fetchall()[0]
    scenarios = tuple(ScenarioQuality(*row) for row in connection.execute(_SCENARIOS).fetchall())
    for name in ("rule_thresholds", "list_entries"):
        connection.unregister(name)
    return Quality(compiled.revision, legitimate, flagged, stopped, scenarios)
