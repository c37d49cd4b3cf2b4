"""Patterns over a card's events in words: 'decline{2,} small+ large' as a regular expression over event codes."""

from __future__ import annotations

import re

from riskwave.errors import RiskwaveError
from riskwave.rules.patterns import check_pattern
from riskwave.rules.reading import nearest

#: The codes of `event_code` (decision_input.yml), by the word for each.
WORDS = {
    "decline": "d",
    "refund": "r",
    "verification": "v",
    "cash": "c",
    "small": "s",
    "medium": "m",
    "large": "l",
    "any": ".",
}
_TOKEN = re.compile(r"\s+|(?P<word>!?[A-Za-z_]+)|(?P<repeat>\{\d+(?:,\d*)?\}|[*+?])|(?P<mark>[()|])|(?P<other>.)")


def regex_of(words: str) -> str:
    """The regular expression of a pattern in words.

    Its last word is the payment that is decided; `any*` at the end lets the rest lie anywhere. `start` at the
    beginning is the first event of the window, `!word` any event but that one. Raises RiskwaveError: `has …; do …`.
    """
    out: list[str] = []
    for found in _TOKEN.finditer(words):
        if found["other"]:
            raise RiskwaveError(f"has {found['other']!r}; use words ({', '.join(WORDS)}), ( | ), {{2,}}, +, * and ?")
        if found["word"]:
            out.append(_code(found["word"], first=not out))
        elif found["repeat"] or found["mark"]:
            out.append(found[0])
    if not any(part.strip("()|^{}*+?") for part in out):
        raise RiskwaveError(f"names no event; use words: {', '.join(WORDS)}")
    pattern = "".join(out)
    if "|" in pattern:
        pattern = f"^({pattern[1:]})" if pattern.startswith("^") else f"({pattern})"
    pattern += "$"
    check_pattern(pattern)
    return pattern


def _code(word: str, *, first: bool) -> str:
    if word == "start":
        if not first:
            raise RiskwaveError("has start after other words; it stands first")
        return "^"
    bare = word.removeprefix("!")
    code = WORDS.get(bare)
    if code is None:
        raise RiskwaveError(f"has {bare}, which is no event; {nearest(bare, WORDS) or 'use ' + ', '.join(WORDS)}")
    if bare == word:
        return code
    if code == ".":
        raise RiskwaveError("has !any, which nothing is; name the event that must not be there")
    return f"[^{code}]"
