"""What a server is told at its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Limits of a server.

    deadline_ms: of requests that name none; batch_s: how long a batch of a backlog may take; rate, burst: requests a
    second and at once that a key may make, unless the key has its own; body_bytes: the longest body; queue: events
    that may wait, whatever their deadlines; sql_s, sql_rows, sql_mb: of a question in the console; readers: reads of
    the state at once; jobs: pieces of work that may wait; job_s, job_mb: what one of them may take; watch_s:
    seconds between looks at the models online, 0 for none; insight_s: seconds between looks back over the last hour,
    every 24th of them over the last day too, 0 for none.
    """

    deadline_ms: int = 1_000
    batch_s: float = 0.1
    rate: float = 2_000.0
    burst: float = 2_000.0
    body_bytes: int = 4 << 20
    queue: int = 20_000
    sql_s: float = 10.0
    sql_rows: int = 10_000
    sql_mb: int = 512
    readers: int = 3
    jobs: int = 8
    job_s: float = 300.0
    job_mb: int = 512
    watch_s: float = 0.0
    insight_s: float = 0.0
