"""Rules over windows that are longer than the history before a period: a backtest marks them as warming."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from riskwave.rules.check import CheckedRuleset
from riskwave.rules.windows import reach


@dataclass(frozen=True)
class Warming:
    """A rule that reads a feature whose window reaches back before the history. until: from when on it is whole."""

    rule: str
    feature: str
    window: str
    until: datetime

    def __str__(self) -> str:
        return f"{self.rule}: warming until {self.until:%Y-%m-%d %H:%M} UTC: {self.feature} looks back {self.window}"


def warming(ruleset: CheckedRuleset, first: datetime, at: datetime) -> tuple[Warming, ...]:
    """Rules that are warming at a time, in the pack's order, each with its longest window.

    first: time of the first event that features were made from; both in UTC without a zone. Drafts are among them.
    """
    found = []
    for rule in ruleset.rules:
        far = reach(rule)
        if far is not None and first + far.length > at:
            found.append(Warming(rule.rule.rule, far.feature, far.window, first + far.length))
    return tuple(found)
