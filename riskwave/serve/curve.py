"""What a threshold would have caught and cost at other values, from the history of the state that is served."""

from __future__ import annotations

import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from riskwave.backtest.given import given
from riskwave.backtest.history import moment, open_history
from riskwave.backtest.sweep import find_threshold, read_values, sweep
from riskwave.serve.problems import ProblemError
from riskwave.serve.reading import Reading

FRESH_S = 60.0  # a slider asks again and again: the same copy of the history serves it for this long
COPY_S = 60.0


class Curves:
    """Sweeps over a copy of the last days; one at a time, so that deciding keeps its share of the machine."""

    def __init__(self, reading: Reading, state: Path) -> None:
        self._reading = reading
        self._state = state
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="riskwave-curves-")
        self._copied: tuple[int, float] | None = None

    def sweep(self, rule: str, threshold: str, values: str, days: int) -> dict[str, Any]:
        """The figures of a threshold of the live ruleset at values such as 3:20, over the last days.

        Raises RiskwaveError for a threshold or values that there cannot be, ProblemError 503 while another is made.
        """
        rules = given("live", self._state)
        tried = read_values(values, find_threshold(rules, rule, threshold)[1].kind)
        if not self._lock.acquire(timeout=20):
            raise ProblemError(503, "another curve is being made; come again", retry_after=5)
        try:
            folder = self._copy(days)
            with open_history(folder) as history:
                return sweep(history, rules, rule, threshold, tried).as_dict()
        finally:
            self._lock.release()

    def _copy(self, days: int) -> Path:
        """The last days as a Parquet folder, made anew when it is old."""
        folder = Path(self._folder.name)
        now = time.monotonic()
        if self._copied is not None and self._copied[0] == days and now - self._copied[1] < FRESH_S:
            return folder
        last = self._reading.rows("select max(event_ts) as last from decision_input")[0]["last"]
        if last is None:
            raise ProblemError(409, "no event was decided yet: there is no history to try values on")
        since = f"event_ts > {moment(last - timedelta(days=days))}"
        scored = self._reading.rows("select 1 from decisions where model_score is not null limit 1")
        more = ", d.model_score, d.model_version, d.degraded" if scored else ""
        events = (
            f"select k.*{more} from decision_input as k join decisions as d "
            f"on k.event_id = d.event_id and k.version = d.version where k.{since} and d.{since}"
        )
        self._reading.copy(events, folder / "decision_input.parquet", limit_s=COPY_S)
        self._reading.copy("select * from labels", folder / "labels.parquet", limit_s=COPY_S)
        self._copied = (days, now)
        return folder

    def close(self) -> None:
        """Remove the copy."""
        self._folder.cleanup()
