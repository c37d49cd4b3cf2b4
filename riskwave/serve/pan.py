"""Card numbers, which no request may hold."""

from __future__ import annotations

import re

# As the models' macro `masked` finds them: runs of digits, and groups as cards print them.
_RUN = re.compile(
    r"(?<!\d)(?:\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|\d{4}[ -]\d{6}[ -]\d{5}|\d{12,19})(?!\d)",
    re.ASCII,
)
_DUE = re.compile(rb"[0-9][0-9 -]{10}[0-9]")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others, by ISO/IEC 7812-1 annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total += _DOUBLED[int(digit)] if place % 2 else int(digit)
    return total % 10 == 0


def holds_pan(text: str, *, shortest: int = 13) -> bool:
    """Whether a text holds what may be a card number: `shortest` to 19 digits that pass the Luhn check.

    Twelve digits are a retrieval reference number (ISO 8583 DE37) more often than a card.
    """
    runs = (re.sub("[ -]", "", run) for run in _RUN.findall(text))
    return any(len(digits) >= shortest and luhn(digits) for digits in runs)


def may_hold_pan(body: bytes) -> bool:
    """Whether a body has to be looked at field by field; a microsecond for one that has not."""
    return _DUE.search(body) is not None
