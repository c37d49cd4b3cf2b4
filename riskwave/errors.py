"""The one exception that users see, and what a terminal may be given."""

from __future__ import annotations

import re

_CONTROLS = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]")


class RiskwaveError(Exception):
    """A fault the user can mend.

    The message is one line: it names the file, field or value, says what was expected and what to do.
    The command line prints it without a stack trace and exits with 1.
    """


def printable(text: str) -> str:
    """A text without what would steer a terminal: payments come from outside."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
