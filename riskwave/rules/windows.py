"""How far back the features look that a rule names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import yaml

from riskwave.errors import RiskwaveError
from riskwave.project import project_dir

if TYPE_CHECKING:
    from riskwave.rules.check import CheckedRule

MODEL = "decision_input"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
#: Whose windows are made of whole tiles before the event's own: they begin up to a tile earlier.
_TILED = ("merchant", "ip", "bin")


@dataclass(frozen=True)
class Reach:
    """The longest window that a rule reads. window: as it is named, such as 30d; length: how far back it looks."""

    feature: str
    window: str
    length: timedelta


def reach(rule: CheckedRule) -> Reach | None:
    """How far back a rule looks; None for one that reads no window."""
    lengths = windows()
    read = [name for name in rule.tree.names("column") if name in lengths]
    longest = max(read, key=lambda name: lengths[name], default=None)
    return None if longest is None else Reach(longest, _written()[longest][1], lengths[longest])


@cache
def windows() -> Mapping[str, timedelta]:
    """How far back each feature that has a window looks."""
    return {name: window_length(window) + _tile(entity, window) for name, (entity, window) in _written().items()}


def window_length(window: str) -> timedelta:
    """The length of a window such as 10m, 24h, 30d. Raises RiskwaveError for any other text."""
    found = re.fullmatch(r"([0-9]+)([mhd])", window)
    if found is None:
        raise RiskwaveError(f"decision_input.yml: window {window}: expected a number and m, h or d, such as 10m")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _tile(entity: str, window: str) -> timedelta:
    if entity not in _TILED:
        return timedelta(0)
    length = window_length(window)
    if length <= timedelta(hours=1):
        return timedelta(minutes=1)
    return timedelta(hours=1) if length <= timedelta(hours=24) else timedelta(days=1)


@cache
def _written() -> Mapping[str, tuple[str, str]]:
    """Entity and window by feature, as described: the whole catalogue would take a compiled project."""
    file = project_dir() / "models" / "decisions" / f"{MODEL}.yml"
    # A safe loader, in C.
    described = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506
    columns = next(model["columns"] for model in described["models"] if model["name"] == MODEL)
    found = {column["name"]: column.get("config", {}).get("meta", {}) for column in columns}
    return {name: (str(meta["entity"]), str(meta["window"])) for name, meta in found.items() if meta.get("window")}
