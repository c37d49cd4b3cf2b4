"""Models watched while they score: a look at each, now and then, by a job; the last figures are kept and measured."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from riskwave.errors import RiskwaveError
from riskwave.serve.jobs import Job, Jobs
from riskwave.serve.metrics import Metrics
from riskwave.serve.problems import ProblemError

log = logging.getLogger("riskwave.serve")

DAYS = 30
SOON_S = 60.0  # after the start: there is something to look at by then
WHO = "riskwave serve"


class Watching:
    """The last look at each model, whoever asked for it."""

    def __init__(
        self, jobs: Jobs, metrics: Metrics, registry: str | None, online: Callable[[], Sequence[str]], every_s: float
    ) -> None:
        """online: names of the models that score; every_s: seconds between looks of its own, 0 for none."""
        self._jobs = jobs
        self._metrics = metrics
        self._registry = registry
        self._online = online
        self._every_s = every_s
        self._last: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, Job] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="riskwave-watching", daemon=True)
        jobs.tell(self._done)
        if registry is not None and every_s:
            self._thread.start()

    def last(self, model: str) -> dict[str, Any] | None:
        """What the last look at a model's version online found, and when: `at`, seconds since 1970."""
        return self._last.get(model)

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        wait = min(SOON_S, self._every_s)
        while not self._stop.wait(wait):
            wait = self._every_s
            try:
                for model in self._online():
                    if model in self._asked and not self._asked[model].over:
                        continue
                    asked = {"model": model, "version": "online", "days": DAYS, "registry": self._registry}
                    self._asked[model] = self._jobs.submit("watch", asked, WHO)
            except (ProblemError, RiskwaveError) as fault:
                log.warning("models are not watched: %s", fault)

    def _done(self, job: Job) -> None:
        if job.work != "watch" or job.asked["version"] != "online":
            return
        at = time.time()
        self._last[job.result["model"]] = {**job.result, "at": at}
        self._metrics.watched(job.result, at)
