"""What a server is told at its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Limits of a server.

    deadline_ms: of requests that name none; batch_s: how long a batch of a backlog may take; rate, burst: requests a
    second and at once that a key may make, unless the key has its own; body_bytes: the longest body; queue: events
    that may wait, whatever their deadlines; sql_s, sql_rows: of the console; readers: reads of the state at once.
    """

    deadline_ms: int = 1_000
    batch_s: float = 0.1
    rate: float = 2_000.0
    burst: float = 2_000.0
    body_bytes: int = 4 << 20
    queue: int = 20_000
    sql_s: float = 10.0
    sql_rows: int = 10_000
    readers: int = 3
