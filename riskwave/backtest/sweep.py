"""One threshold at many values, in one pass: what each would catch, and what it would cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from riskwave.backtest.backtest import Say
from riskwave.backtest.given import Given
from riskwave.backtest.history import History
from riskwave.backtest.measure import NOTHING, Counted, Scale, attacks_of, flagged, rank, stopped
from riskwave.backtest.truths import Pass
from riskwave.errors import RiskwaveError
from riskwave.rules.check import CheckedRule, CheckedThreshold
from riskwave.rules.outcome import PRECEDENCE
from riskwave.rules.reading import nearest
from riskwave.rules.tree import TRUE, Node

#: Truths of so many values fit a whole number of 64 bits.
_BITS = 62
MOST = 500


@dataclass(frozen=True)
class Point:
    """One value. ruleset: of all rules together with it; alone: of the events its rule fires for."""

    value: float | int
    ruleset: Counted
    alone: Counted
    stopped: int
    attacks_caught: int
    saved: int
    meets: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "ruleset": self.ruleset.as_dict(), "alone": self.alone.as_dict()}


@dataclass(frozen=True)
class Target:
    """What a value must keep to, all of it for the ruleset as a whole; None where it does not matter.

    max_fpr, min_precision, min_recall: shares; max_alerts: a day.
    """

    max_fpr: float | None = None
    min_precision: float | None = None
    min_recall: float | None = None
    max_alerts: float | None = None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return self != Target()

    def met(self, counted: Counted) -> bool:
        """Whether figures keep to it. A share of nothing does to a maximum, and not to a minimum."""
        low = ((self.min_precision, counted.precision), (self.min_recall, counted.recall))
        high = ((self.max_fpr, counted.false_positive_rate), (self.max_alerts, counted.alerts_a_day))
        return all(least is None or (has is not None and has >= least) for least, has in low) and all(
            most is None or has is None or has <= most for most, has in high
        )

    def __str__(self) -> str:
        said = [
            f"false positive rate at most {self.max_fpr:.3%}" if self.max_fpr is not None else "",
            f"precision at least {self.min_precision:.1%}" if self.min_precision is not None else "",
            f"recall at least {self.min_recall:.1%}" if self.min_recall is not None else "",
            f"at most {self.max_alerts:g} alerts a day" if self.max_alerts is not None else "",
        ]
        return ", ".join(each for each in said if each)


@dataclass(frozen=True)
class Sweep:
    """A point a value, in the order asked for. best: of those that meet the target, the one that catches most."""

    history: str
    start: datetime
    end: datetime
    events: int
    revision: str
    rule: str
    threshold: str
    unit: str | None
    now: float | int
    attacks: int
    at_stake: int
    target: Target
    points: tuple[Point, ...]

    @property
    def best(self) -> Point | None:
        """None without a target, and where no value meets it."""
        met = [point for point in self.points if point.meets]
        if not self.target.given or not met:
            return None
        return max(met, key=lambda p: (p.ruleset.flagged_frauds, p.saved, -p.ruleset.flagged))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **asdict(self),
            "points": [point.as_dict() for point in self.points],
            "best": self.best.as_dict() if self.best else None,
        }


def sweep(
    history: History,
    rules: Given,
    rule: str,
    threshold: str,
    values: Sequence[float | int],
    *,
    target: Target | None = None,
    say: Say = lambda words: None,
) -> Sweep:
    """A rule's threshold at each value, everything else as it is; a rule in shadow or draft is taken as live.

    Raises RiskwaveError for a rule, threshold or value that there cannot be.
    """
    swept, told = find_threshold(rules, rule, threshold)
    wanted = Target() if target is None else target
    _check(values, told, f"{rule}.{threshold}")
    total = int(history.connection.execute(f"select count(*) from ({history.events})").fetchall()[0][0])
    say(f"{len(values)} values over {total:,} events")
    one = Pass(history)
    live = replace(swept, rule=swept.rule.model_copy(update={"state": "live"}))
    one.selected["other"] = _other(one, rules, rule)
    words = _words(one, rules, live, threshold, values)
    truths = one.run(f"other < {NOTHING} or {' or '.join(f'{word} <> 0' for word in words)}")
    say("figures")
    scale, attacks = Scale(truths, total, history.days), attacks_of(truths)
    other, mine = truths.columns["other"].astype(np.int8), np.int8(rank(live.rule))
    points = []
    for place, value in enumerate(values):
        fired = (truths.columns[words[place // _BITS]] >> (place % _BITS)) & 1 == 1
        ranks = np.where(fired, np.minimum(other, mine), other)
        counted, stops = scale.count(flagged(ranks)), stopped(ranks)
        points.append(
            Point(
                value=value,
                ruleset=counted,
                alone=scale.count(fired),
                stopped=int(stops.sum()),
                attacks_caught=int(attacks.caught(stops).sum()),
                saved=attacks.saved(stops),
                meets=wanted.met(counted),
            )
        )
    return Sweep(
        *(history.name, history.start, history.end, total, rules.revision, rule, threshold, told.unit),
        now=rules.thresholds(swept)[threshold],
        attacks=len(attacks),
        at_stake=attacks.at_stake,
        target=wanted,
        points=tuple(points),
    )


def find_threshold(rules: Given, rule: str, threshold: str) -> tuple[CheckedRule, CheckedThreshold]:
    """A rule and its threshold by name. Raises RiskwaveError with the nearest names, and for one that is no number."""
    by_name = {one.rule.rule: one for one in rules.checked.rules}
    if rule not in by_name:
        raise RiskwaveError(f"{rule}.{threshold}: no such rule; {nearest(rule, by_name) or 'riskwave rules show'}")
    found = {one.name: one for one in by_name[rule].thresholds}
    if threshold not in found:
        near = nearest(threshold, found) or f"it has {', '.join(found) or 'none'}"
        raise RiskwaveError(f"{rule}.{threshold}: the rule has no such threshold; {near}")
    if found[threshold].kind not in ("integer", "number"):
        raise RiskwaveError(f"{rule}.{threshold}: is {found[threshold].kind}; only a number can be swept")
    return by_name[rule], found[threshold]


def read_values(text: str, kind: str) -> list[float | int]:
    """The values of `3:20` (both included), `0.1:0.5:0.05` (with a step) or `3,5,9`, in a threshold's kind.

    Raises RiskwaveError for what is no such range, and for more than MOST values.
    """
    form = "write first:last, first:last:step or value,value,…, such as 3:20"
    try:
        if ":" in text:
            first, last, *steps = (Decimal(part) for part in text.split(":"))
            step = steps[0] if steps else _step(first, last, kind)
        else:
            return _typed([Decimal(part) for part in text.split(",")], kind, text)
    except (InvalidOperation, ValueError) as fault:
        raise RiskwaveError(f"{text}: is no range of values; {form}") from fault
    if len(steps) > 1 or not (first.is_finite() and last.is_finite() and step.is_finite()) or step <= 0 or last < first:
        raise RiskwaveError(f"{text}: is no range that grows; {form}")
    if (last - first) / step >= MOST:
        raise RiskwaveError(
            f"{text}: is more than {MOST} values; give a larger step, as {first}:{last}:{(last - first) / 50:g}"
        )
    return _typed([first + step * place for place in range(int((last - first) / step) + 1)], kind, text)


def _step(first: Decimal, last: Decimal, kind: str) -> Decimal:
    """One for whole numbers while that is at most fifty values, else a fiftieth of the range."""
    if kind == "integer":
        return max(Decimal(1), ((last - first) / 50).to_integral_value())
    return (last - first) / 50 if last > first else Decimal(1)


def _typed(values: list[Decimal], kind: str, text: str) -> list[float | int]:
    if kind == "integer" and any(value != value.to_integral_value() for value in values):
        raise RiskwaveError(f"{text}: the threshold takes whole numbers; write a range of them, such as 3:20")
    convert: Callable[[Decimal], float | int] = int if kind == "integer" else float
    return [convert(value) for value in values]


def _check(values: Sequence[float | int], told: CheckedThreshold, name: str) -> None:
    for value in values:
        if (told.min is not None and value < told.min) or (told.max is not None and value > told.max):
            low, high = ("…" if bound is None else f"{bound:g}" for bound in (told.min, told.max))
            raise RiskwaveError(f"{name}: {value} is outside of its bounds, {low} to {high}; sweep within them")


def _other(one: Pass, rules: Given, rule: str) -> str:
    """What is decided without the rule, as the place of the action in the order of precedence."""
    whens = []
    for place, action in enumerate(PRECEDENCE):
        fires = [
            one.truth(rules, other)
            for other in rules.checked.rules
            if other.rule.rule != rule and other.rule.state == "live" and other.rule.action == action
        ]
        if fires:
            whens.append(f"when {' or '.join(fires)} then {place}")
    return f"case {' '.join(whens)} else {NOTHING} end" if whens else str(NOTHING)


def _words(one: Pass, rules: Given, rule: CheckedRule, threshold: str, values: Sequence[float | int]) -> list[str]:
    """Columns of 62 truths each: a bit a value. Terms without the threshold are looked at once, and before the rest."""
    terms = _terms(rule.tree)
    swept = [term for term in terms if threshold in term.names("threshold")]
    rest = [term for term in terms if threshold not in term.names("threshold")]
    bare = replace(rule, rule=rule.rule.model_copy(update={"channels": None}))
    gate = one.truth(rules, rule, _all(rest))
    names: list[str] = []
    for first in range(0, len(values), _BITS):
        bits = [
            f"case when {one.truth(rules, bare, _all(swept), **{threshold: value})} then {1 << bit}::bigint else 0 end"
            for bit, value in enumerate(values[first : first + _BITS])
        ]
        names.append(f"word{len(names)}")
        one.selected[names[-1]] = f"case when {gate} then {' + '.join(bits)} else 0 end"
    return names


def _terms(tree: Node) -> list[Node]:
    """What must all hold: the terms of a conjunction."""
    return [term for arg in tree.args for term in _terms(arg)] if tree.op == "and" else [tree]


def _all(terms: Sequence[Node]) -> Node:
    if not terms:
        return TRUE
    return terms[0] if len(terms) == 1 else Node("and", "boolean", tuple(terms))


def split_name(text: str) -> tuple[str, str]:
    """`card_velocity.max_count` in two. Raises RiskwaveError for another form."""
    found = re.fullmatch(r"([a-z0-9_]+)\.([a-z0-9_]+)", text)
    if found is None:
        raise RiskwaveError(f"{text}: expected a rule and its threshold, such as card_velocity.max_count")
    return found[1], found[2]
