"""The loop: read what has come, and from time to time commit it to the archive."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from riskwave.archive.feed import Feed
from riskwave.archive.folder import Archive

WAIT_S = 0.5
PATIENCE_S = 10.0  # without a row, what seems to wait is nothing: the end of a transaction has a place in a topic
MOST_ROWS = 200_000


@dataclass
class Progress:
    """Rows archived by table since the start, and commits."""

    rows: Counter[str] = field(default_factory=Counter)
    commits: int = 0


def archive(
    feed: Feed,
    archive: Archive,
    *,
    every_s: float,
    until_idle: bool = False,
    stop: threading.Event | None = None,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Fill an archive from a feed until the feed ends, `stop` is set, or, until_idle, nothing comes any more.

    every_s: seconds between commits; what was read is committed earlier when it is much, and at the end.
    """
    stop = stop or threading.Event()
    progress = Progress()
    feed.seek(archive.token)
    kept: dict[str, list[pa.Table]] = {}
    count, since, moved = 0, time.monotonic(), time.monotonic()
    ended = False
    while not ended:
        rows = feed.read(WAIT_S)
        for name, table in (rows or {}).items():
            kept.setdefault(name, []).append(table)
            count += table.num_rows
        moved = time.monotonic() if rows else moved
        idle = until_idle and not rows and (not feed.waiting() or time.monotonic() - moved > PATIENCE_S)
        ended = rows is None or stop.is_set() or idle
        if count and (ended or count >= MOST_ROWS or time.monotonic() - since >= every_s):
            tables = {name: pa.concat_tables(parts, promote_options="default") for name, parts in kept.items()}
            progress.rows.update(archive.commit(tables, feed.token()))
            progress.commits += 1
            tell(progress)
            kept, count = {}, 0
            since = time.monotonic()
        elif not count:
            since = time.monotonic()
    return progress
