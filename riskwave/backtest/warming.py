"""Rules over windows that are longer than the history before them: they say `warming`, and are never silently cold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb
import yaml

from riskwave.batch.history import attach_state, whole
from riskwave.catalogue import MODEL
from riskwave.errors import RiskwaveError
from riskwave.project import project_dir
from riskwave.rules.check import CheckedRuleset

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CATALOG = "riskwave_warming"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


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
    lengths = windows()
    found = []
    for rule in ruleset.rules:
        read = [name for name in rule.tree.names("column") if name in lengths]
        longest = max(read, key=lambda name: lengths[name], default=None)
        if longest is not None and first + lengths[longest] > at:
            found.append(Warming(rule.rule.rule, longest, _written()[longest], first + lengths[longest]))
    return tuple(found)


def warming_of_state(state: Path, ruleset: CheckedRuleset) -> tuple[Warming, ...]:
    """Rules that are warming at a state's last event: its history is shorter than one of their windows.

    A state without events has no history: every rule with a window is warming from its first event on, and there is no
    moment to say, so that none is told. Raises RiskwaveError when another process has the state open.
    """
    with duckdb.connect() as connection:
        attach_state(connection, state, CATALOG)
        known = whole(connection, CATALOG, state, "decision_input")
        if known is None:
            return ()
        first, last = connection.execute(f"select min(event_ts), max(event_ts) from ({known})").fetchall()[0]
    return () if first is None else warming(ruleset, first, last)


@cache
def windows() -> Mapping[str, timedelta]:
    """How far each feature that has a window looks back."""
    return {name: window_length(window) for name, window in _written().items()}


def window_length(window: str) -> timedelta:
    """The length of a window such as 10m, 24h, 30d. Raises RiskwaveError for any other text."""
    found = re.fullmatch(r"([0-9]+)([mhd])", window)
    if found is None:
        raise RiskwaveError(f"decision_input.yml: window {window}: expected a number and m, h or d, such as 10m")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@cache
def _written() -> Mapping[str, str]:
    """From the models' descriptions: the whole catalogue would take a compiled project."""
    file = project_dir() / "models" / "decisions" / f"{MODEL}.yml"
    described = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader, in C
    columns = next(model["columns"] for model in described["models"] if model["name"] == MODEL)
    found = {column["name"]: column.get("config", {}).get("meta", {}).get("window") for column in columns}
    return {name: str(window) for name, window in found.items() if window}
