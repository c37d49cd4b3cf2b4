"""What an archive is filled from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa


class Feed(Protocol):
    """A stream of rows by table, read at least once from a token on."""

    name: str
    """What the archive knows it by, without passwords."""

    def seek(self, token: Any) -> None:
        """Go on after what had been read when the token was given; None: from the beginning. Called once."""

    def read(self, timeout_s: float) -> Mapping[str, pa.Table] | None:
        """Rows that have come, by table of the archive; none: nothing yet; None: nothing will come any more."""

    def waiting(self) -> bool:
        """Whether there may be more at once, though a read gave nothing: not yet connected, or known to wait."""

    def token(self) -> Any:
        """Where to go on after all that was read; as JSON has it. What was read may come again, nothing is left out."""

    def close(self) -> None:
        """Let go of the connection."""
