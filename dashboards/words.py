"""Features in words: what a column of what was known says, and its values with their unit."""

from __future__ import annotations

import re
from typing import Any

from dashboards import once
from dashboards.session import Session
from dashboards.show import plain

#: Units that a value is not read with.
_UNSAID = {"id", "category", "flag", "UTC", "digits", "event code", "event codes", None}
#: Beginnings of what is said beside the gist.
_ASIDES = re.compile(r", this one included|; .*|, over at least a minute|, a letter each.*| \(.*\)|, exact$")

Features = dict[str, dict[str, Any]]


def features(session: Session) -> Features:
    """All features by name, as the catalogue has them."""
    return {row["name"]: row for row in once.get(session, "/v1/features")["items"]}


def title(known: Features, name: str) -> str:
    """The gist of what a feature says; its name where it is none."""
    return _ASIDES.sub("", known[name]["description"]) if name in known else name


def said(known: Features, name: str, value: Any) -> str:
    """A value with its unit."""
    unit = known[name]["unit"] if name in known else None
    if value is None or unit in _UNSAID or isinstance(value, bool | str):
        return plain(value)
    if unit == "share":
        return f"{value:.1%}"
    return f"{plain(value)} {unit}"
