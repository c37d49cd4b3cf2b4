"""Copies of the last days of what is served, for work that must not hold up deciding."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from riskwave.backtest.history import moment
from riskwave.serve.problems import ProblemError
from riskwave.serve.reading import Reading

FRESH_S = 60.0  # a slider asks again and again: the same copy serves it for this long
COPY_S = 60.0
#: Rows that are held at a time while they are written: a row has more than a hundred columns.
GROUP = 16_384
#: What some work reads of decisions: comparing shadows nothing else, looking back beside the events.
_DECIDED = {
    "compare": "event_id, version, event_ts, action, rule_ids, control_version, shadow_rule_ids, shadow_rulesets",
    "insight": "event_id, version, action, rule_ids",
}


@dataclass(frozen=True)
class Copy:
    """A folder of Parquet files. begins: the first event of the whole history, UTC; made: time.monotonic."""

    folder: Path
    begins: str
    made: float


def jobs_folder(state: Path) -> Path:
    """Where copies of a served state are: <state>.jobs."""
    return Path(f"{state}.jobs")


class Copies:
    """Parquet folders of the last days beside the state, each kept until another one is needed."""

    def __init__(self, reading: Reading, state: Path) -> None:
        self._reading = reading
        self._root = jobs_folder(state)
        # A server that was killed left its copies.
        shutil.rmtree(self._root, ignore_errors=True)
        self._kept: dict[tuple[str, int], Copy] = {}
        self._lock = threading.Lock()
        self._number = 0

    def take(self, work: str, days: int) -> Copy:
        """The last days for a kind of work; raises ProblemError 409 when nothing was decided yet."""
        kind = work if work in _DECIDED else "events"
        with self._lock:
            for key, copy in list(self._kept.items()):
                other = key[0] == kind and key[1] != days
                if other or time.monotonic() - copy.made > FRESH_S:
                    shutil.rmtree(copy.folder, ignore_errors=True)
                    del self._kept[key]
            kept = self._kept.get((kind, days))
            if kept is None:
                kept = self._kept[kind, days] = self._copy(days, kind)
            return kept

    def _copy(self, days: int, kind: str) -> Copy:
        span = self._reading.rows("select min(event_ts) as first, max(event_ts) as last from decision_input")[0]
        first, last = span["first"], span["last"]
        if last is None:
            raise ProblemError(409, "no event was decided yet: there is no history to try anything on")
        self._number += 1
        folder = self._root / str(self._number)
        self._root.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir()
        since = last - timedelta(days=days)
        if kind in _DECIDED:
            decided = f"select {_DECIDED[kind]} from decisions where event_ts > {moment(since)}"
            self._write(decided, folder / "decisions")
        if kind != "compare":
            self._write(self._events(since), folder / "decision_input")
        self._write("select * from labels", folder / "labels")
        return Copy(folder, first.isoformat(), time.monotonic())

    def _events(self, since: datetime) -> str:
        after = f"event_ts > {moment(since)}"
        scored = self._reading.rows(f"select 1 from decisions where {after} and model_score is not null limit 1")
        if not scored:
            return f"select * from decision_input where {after}"
        return (
            "select k.*, d.model_score, d.model_version, d.degraded from decision_input as k "
            f"join decisions as d on k.event_id = d.event_id and k.version = d.version where k.{after} and d.{after}"
        )

    def _write(self, query: str, path: Path) -> None:
        self._reading.copy(query, path.with_suffix(".parquet"), limit_s=COPY_S, group=GROUP)

    def close(self) -> None:
        """Remove them."""
        shutil.rmtree(self._root, ignore_errors=True)
