"""Who makes a change."""

from __future__ import annotations

import getpass
import os


def identity(author: str | None = None) -> str:
    """The name given, else RISKWAVE_USER, else the user of the operating system."""
    for name in (author, os.environ.get("RISKWAVE_USER")):
        if name and name.strip():
            return name.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
