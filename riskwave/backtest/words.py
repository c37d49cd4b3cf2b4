"""Figures in words, for the terminal and for pages."""

from __future__ import annotations

from collections.abc import Sequence

from riskwave.backtest.backtest import Backtest, Moved, RuleFigures, Side
from riskwave.backtest.measure import Counted
from riskwave.backtest.sweep import Point, Sweep

RULE_HEAD = (
    *("rule", "action", "fired", "frauds", "precision", "recall", "false positives", "value detected"),
    *("a day", "adds frauds", "adds others", "spares"),
)
POINT_HEAD = (
    *("value", "flagged", "frauds", "precision", "recall", "false positives", "value detected", "a day"),
    *("attacks caught", "money saved", "rule alone fired", "its precision"),
)


def percent(share: float | None, places: int = 1) -> str:
    """A share; empty where there is none."""
    return "" if share is None else f"{share:.{places}%}"


def money(minor: int) -> str:
    """Minor units as major ones: of several currencies, taken as one."""
    return f"{minor / 100:,.0f}"


def headline(side: Side) -> list[tuple[str, str]]:
    """The figures of a ruleset, by name."""
    c = side.counted
    actions = ", ".join(f"{action} {count:,}" for action, count in side.actions.items() if action != "allow")
    return [
        ("revision", side.revision),
        ("flagged", f"{c.flagged:,} ({actions})"),
        ("frauds flagged (recall)", f"{c.flagged_frauds:,} of {c.frauds:,}, {percent(c.recall)}"),
        ("precision", percent(c.precision)),
        ("false positive rate", percent(c.false_positive_rate, 3)),
        ("value detection rate", f"{percent(c.value_detection_rate)} of {money(c.fraud_money)}"),
        ("alerts a day", f"{c.alerts_a_day:,.1f}"),
        ("attacks caught", f"{side.attacks_caught:,} of {side.attacks:,}, {percent(_share(side))}"),
        ("money saved", f"{money(side.saved)} of {money(side.at_stake)}"),
    ]


def _share(side: Side) -> float | None:
    return side.attacks_caught / side.attacks if side.attacks else None


def _counted(c: Counted) -> tuple[str, ...]:
    return (
        f"{c.flagged:,}",
        f"{c.flagged_frauds:,}",
        percent(c.precision),
        percent(c.recall),
        percent(c.false_positive_rate, 3),
        percent(c.value_detection_rate),
        f"{c.alerts_a_day:,.1f}",
    )


def rule_row(rule: RuleFigures) -> tuple[str, ...]:
    """A rule's cells under RULE_HEAD; a star is one that was warming when the period began."""
    c, adds = rule.counted, rule.adds
    return (
        f"{rule.rule}{'' if rule.state == 'live' else f' ({rule.state})'}{'*' if rule.warming else ''}",
        rule.action,
        *_counted(c),
        f"{adds.flagged_frauds:,}",
        f"{adds.flagged - adds.flagged_frauds:,}",
        f"{rule.spares:,}" if rule.spares else "",
    )


def point_row(point: Point) -> tuple[str, ...]:
    """A value's cells under POINT_HEAD."""
    c, alone = point.ruleset, point.alone
    return (
        f"{point.value:g}",
        *_counted(c),
        f"{point.attacks_caught:,}",
        money(point.saved),
        f"{alone.flagged:,}",
        percent(alone.precision),
    )


def notes(result: Backtest) -> list[str]:
    """What a reader must know before the figures."""
    told = []
    if not result.labels:
        told.append("no frauds are known in this history: precision and recall say nothing")
    told += [f"{side.name}: {said}" for side in (result.side, result.against) if side for said in side.kept]
    if result.warming:
        last = max(each.until for each in result.warming)
        told.append(
            f"{len(result.warming)} of {len(result.rules)} rules are warming when the period begins: their windows "
            f"reach back before the history (*); the last is whole from {last:%Y-%m-%d %H:%M} on (--from)"
        )
    if result.never:
        told.append(f"never fired: {', '.join(result.never)}")
    return told


def moved(moved_: Moved, what: str) -> str:
    """How many events one ruleset flags more."""
    return f"{what}: {moved_.events:,} events, {moved_.frauds:,} frauds of {money(moved_.money)}"


def verdict(result: Sweep) -> str:
    """What came of the target."""
    if not result.target.given:
        return ""
    best = result.best
    if best is None:
        return f"no value meets the target: {result.target}"
    c = best.ruleset
    return (
        f"{result.rule}.{result.threshold} {best.value:g} meets the target ({result.target}) and catches most: recall "
        f"{percent(c.recall)}, precision {percent(c.precision)}, false positive rate "
        f"{percent(c.false_positive_rate, 3)}, {c.alerts_a_day:,.1f} alerts a day"
    )


def by_fired(rules: Sequence[RuleFigures]) -> list[RuleFigures]:
    """The rules that fired, those that catch most frauds first."""
    fired = [rule for rule in rules if rule.counted.flagged]
    return sorted(fired, key=lambda rule: (-rule.counted.flagged_frauds, rule.counted.flagged))
