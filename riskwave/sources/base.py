"""What the engine asks of every source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa


class Source(Protocol):
    """Payments as they were received, in order within each partition."""

    name: str
    """What the `source` column says, and what the state keeps offsets under."""
    bounded: bool
    """Whether it ends by itself (files) or not (a topic, a growing log)."""

    def seek(self, offsets: Mapping[int, int]) -> None:
        """The next offset to read, by partition, from the state. Called once, before the first poll."""

    def poll(self, max_rows: int, timeout_s: float) -> pa.Table | None:
        """At most max_rows rows of RAW_SCHEMA; none: nothing yet; None: the end of a bounded source.

        Waits up to timeout_s for the first row, and for no further one. RiskwaveError when it cannot go on.
        """

    def lag(self) -> int | None:
        """Rows known to be waiting; None where that is not known."""

    def close(self) -> None:
        """Let go of files and connections."""
