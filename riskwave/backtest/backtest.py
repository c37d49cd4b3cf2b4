"""A ruleset over a history, beside another one: what it catches, what that costs, and what each rule adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from riskwave.attacks import Attacks
from riskwave.backtest.given import Given
from riskwave.backtest.history import History
from riskwave.backtest.measure import Counted, Outcomes, Ranks, Scale, attacks_of, flagged, stopped
from riskwave.backtest.truths import Flags, Pass, Truths
from riskwave.backtest.warming import Warming, warming
from riskwave.rules.outcome import PRECEDENCE
from riskwave.rules.pack import Rule

Say = Callable[[str], None]


@dataclass(frozen=True)
class RuleFigures:
    """One rule. counted: of the events it fired for; adds: of those that no other rule flags (of one that is not
    live: that it would flag); spares: events that would be flagged without it, by an allow rule.
    """

    rule: str
    action: str
    severity: str
    state: str
    counted: Counted
    adds: Counted
    spares: int
    warming: bool


@dataclass(frozen=True)
class Scenario:
    """One kind of attack: how many there are, how many are caught before half of their money is gone."""

    scenario: str
    attacks: int
    caught: int


@dataclass(frozen=True)
class Overlap:
    """Two rules that fire together. share: of the events of the one that fires less."""

    one: str
    two: str
    events: int
    share: float


@dataclass(frozen=True)
class Side:
    """What a ruleset comes to. Stopped: challenged or blocked; saved: what attacks attempt from their first stop on;
    kept: what is said of its thresholds that keep an edited value, as publishing it would.
    """

    name: str
    revision: str
    counted: Counted
    stopped: int
    actions: dict[str, int]
    attacks: int
    attacks_caught: int
    at_stake: int
    saved: int
    scenarios: tuple[Scenario, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class Moved:
    """Events that one ruleset flags and the other does not: ids, the frauds among them first, then by time."""

    events: int
    frauds: int
    money: int
    ids: tuple[str, ...]
    fraud_ids: tuple[str, ...]


@dataclass(frozen=True)
class Day:
    """A day of the period (UTC)."""

    day: date
    events: int
    flagged: int
    flagged_frauds: int
    against: int | None


@dataclass(frozen=True)
class Backtest:
    """Everything that a backtest says; without `against` what depends on it is None."""

    history: str
    start: datetime
    end: datetime
    events: int
    labels: int
    side: Side
    rules: tuple[RuleFigures, ...]
    never: tuple[str, ...]
    overlaps: tuple[Overlap, ...]
    days: tuple[Day, ...]
    warming: tuple[Warming, ...]
    against: Side | None
    caught: Moved | None
    released: Moved | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        told = asdict(self)
        for name, side in (("side", self.side), ("against", self.against)):
            if side is not None:
                told[name] = {**told[name], "counted": side.counted.as_dict()}
        told["rules"] = [
            {**asdict(rule), "counted": rule.counted.as_dict(), "adds": rule.adds.as_dict()} for rule in self.rules
        ]
        return {**told, "frauds": self.side.counted.frauds, "fraud_money": self.side.counted.fraud_money}


def backtest(
    history: History, rules: Given, against: Given | None = None, *, most: int = 1_000, say: Say = lambda words: None
) -> Backtest:
    """Try a ruleset on a history. most: of the ids of events newly caught, and newly released, against another.

    Rules in shadow or draft are evaluated too, and decide nothing. Raises RiskwaveError when the history lacks a
    column that a rule reads.
    """
    say("counting events")
    counts = history.connection.execute(
        f"select event_ts::date as day, count(*) from ({history.events}) group by day order by day"
    ).fetchall()
    total = sum(row[1] for row in counts)
    one = Pass(history)
    columns = [_add(one, given, mark) for given, mark in ((rules, "a"), (against, "b")) if given]
    say(f"{sum(map(len, columns))} rules over {total:,} events")
    truths = one.run(" or ".join([name for names in columns for name in names] or ["false"]))
    say("figures")
    scale, attacks = Scale(truths, total, history.days), attacks_of(truths)
    matrix = truths.matrix(columns[0])
    ruled = [rule.rule for rule in rules.checked.rules]
    outcomes = Outcomes(matrix, ruled)
    cold = warming(rules.checked, history.first, history.start)
    figures = _rules(ruled, matrix, outcomes, scale, {each.rule for each in cold})
    other = _ranks(against, truths.matrix(columns[1])) if against else None
    days = _days(counts, truths, flagged(outcomes.ranks), None if other is None else flagged(other))
    return Backtest(
        history=history.name,
        start=history.start,
        end=history.end,
        events=total,
        labels=history.labels,
        side=_side(rules, outcomes.ranks, scale, attacks),
        rules=figures,
        never=tuple(figure.rule for figure in figures if not figure.counted.flagged),
        overlaps=_overlaps(ruled, matrix),
        days=days,
        warming=cold,
        against=_side(against, other, scale, attacks) if against and other is not None else None,
        caught=None if other is None else _moved(truths, flagged(outcomes.ranks) & ~flagged(other), most),
        released=None if other is None else _moved(truths, flagged(other) & ~flagged(outcomes.ranks), most),
    )


def _add(one: Pass, given: Given, mark: str) -> list[str]:
    """A column for each rule of a ruleset."""
    names = []
    for place, rule in enumerate(given.checked.rules):
        names.append(f"{mark}{place}")
        one.selected[names[-1]] = one.truth(given, rule)
    return names


def _ranks(given: Given, matrix: Flags) -> Ranks:
    return Outcomes(matrix, [rule.rule for rule in given.checked.rules]).ranks


def _rules(
    ruled: Sequence[Rule], matrix: Flags, outcomes: Outcomes, scale: Scale, cold: set[str]
) -> tuple[RuleFigures, ...]:
    figures = []
    for place, rule in enumerate(ruled):
        adds, spares = outcomes.changed(place)
        figures.append(
            RuleFigures(
                *(rule.rule, rule.action, rule.severity, rule.state),
                counted=scale.count(matrix[:, place]),
                adds=scale.count(adds),
                spares=int(spares.sum()),
                warming=rule.rule in cold,
            )
        )
    return tuple(figures)


def _side(given: Given, ranks: Ranks, scale: Scale, attacks: Attacks) -> Side:
    stops = stopped(ranks)
    caught = attacks.caught(stops)
    flags = flagged(ranks)
    actions = {action: int((ranks == place).sum()) for place, action in enumerate(PRECEDENCE) if action != "allow"}
    names, scenario = scale.truths.scenarios, scale.truths.scenario[attacks.first]
    return Side(
        name=given.name,
        revision=given.revision,
        counted=scale.count(flags),
        stopped=int(stops.sum()),
        actions={"allow": scale.events - int(flags.sum()), **actions},
        attacks=len(attacks),
        attacks_caught=int(caught.sum()),
        at_stake=attacks.at_stake,
        saved=attacks.saved(stops),
        scenarios=tuple(
            Scenario(
                "unknown" if number < 0 else names[number],
                int((scenario == number).sum()),
                int(caught[scenario == number].sum()),
            )
            for number in sorted(set(scenario.tolist()), key=lambda number: names[number] if number >= 0 else "")
        ),
        kept=given.kept,
    )


def _moved(truths: Truths, flags: Flags, most: int) -> Moved:
    rows = np.flatnonzero(flags)
    frauds = truths.is_fraud[rows]
    rows = rows[np.lexsort((truths.at[rows], ~frauds))]
    ids = truths.event_id.take(rows[:most]).to_pylist()
    return Moved(
        events=len(rows),
        frauds=int(frauds.sum()),
        money=int(truths.money[rows][truths.is_fraud[rows]].sum()),
        ids=tuple(ids),
        fraud_ids=tuple(ids[: int(frauds.sum())]),
    )


def _overlaps(ruled: Sequence[Rule], matrix: Flags) -> tuple[Overlap, ...]:
    """Every pair of rules that fire together, the most alike first."""
    # In single precision: a whole number up to 2^24 is exact, and the product of booleans would not use BLAS.
    numbers = matrix.astype(np.float32)
    together = numbers.T @ numbers
    found = []
    for one in range(len(ruled)):
        for two in (np.flatnonzero(together[one, one + 1 :]) + one + 1).tolist():
            least = min(together[one, one], together[two, two])
            both = int(together[one, two])
            found.append(Overlap(ruled[one].rule, ruled[two].rule, both, both / float(least)))
    return tuple(sorted(found, key=lambda pair: (-pair.share, -pair.events)))


def _days(counts: list[tuple[date, int]], truths: Truths, flags: Flags, other: Flags | None) -> tuple[Day, ...]:
    days = truths.at.astype("datetime64[D]")
    told = []
    for day, events in counts:
        on = days == np.datetime64(day, "D")
        told.append(
            Day(
                day,
                events,
                int((on & flags).sum()),
                int((on & flags & truths.is_fraud).sum()),
                None if other is None else int((on & other).sum()),
            )
        )
    return tuple(told)
