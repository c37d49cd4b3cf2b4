"""What doctor says of one thing it looked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing looked for.

    group: what it belongs to; found: what is there ("" when nothing is); ok: whether that will do; required: whether
    Riskwave, or the user who named it, cannot go without; enables: what it is for; hint: how to mend it.
    """

    group: str
    name: str
    found: str
    ok: bool
    required: bool
    enables: str
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return asdict(self)
