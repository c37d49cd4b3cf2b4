"""What a server looks at by itself, by jobs, now and then: its models while they score, and what real time missed.

The last looks are kept while it runs, and measured.
"""

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
#: The model whose flags looking back explains, where one of this name is online.
MODEL = "card"
#: How many of the looks back over an hour there are to one over the day.
HOURS_A_DAY = 24


class Watching:
    """The last look at each model, and the last looks back, whoever asked for them."""

    def __init__(
        self,
        jobs: Jobs,
        metrics: Metrics,
        registry: str | None,
        online: Callable[[], Sequence[str]],
        *,
        watch_s: float,
        insight_s: float,
    ) -> None:
        """online: names of the models that score; watch_s, insight_s: as `Settings` has them."""
        self._jobs = jobs
        self._metrics = metrics
        self._registry = registry
        self._online = online
        #: What is done by itself: how often, in seconds.
        self._every: dict[str, float] = {}
        if registry is not None and watch_s:
            self._every["watch"] = watch_s
        if insight_s:
            self._every |= {"hour": insight_s, "day": insight_s * HOURS_A_DAY}
        self._last: dict[tuple[str, str], dict[str, Any]] = {}
        self._asked: dict[tuple[str, str], Job] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="riskwave-watching", daemon=True)
        jobs.tell(self._done)
        if self._every:
            self._thread.start()

    def last(self, model: str) -> dict[str, Any] | None:
        """What the last look at a model's version online found, and when: `at`, seconds since 1970."""
        return self._last.get(("watch", model))

    def looked_back(self, last: str) -> dict[str, Any] | None:
        """What the last look over the last hour or day found, and when: `at`, seconds since 1970."""
        return self._last.get(("insight", last))

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        due = {what: time.monotonic() + min(SOON_S, every) for what, every in self._every.items()}
        while not self._stop.wait(max(min(due.values()) - time.monotonic(), 0.0)):
            for what, at in due.items():
                if at <= time.monotonic():
                    due[what] = time.monotonic() + self._every[what]
                    try:
                        self._begin(what)
                    except (ProblemError, RiskwaveError) as fault:
                        log.warning("%s is not looked at: %s", "a model" if what == "watch" else f"the {what}", fault)

    def _begin(self, what: str) -> None:
        online = self._online() if self._registry is not None else ()
        if what == "watch":
            for model in online:
                self._ask("watch", model, {"model": model, "version": "online"})
        else:
            self._ask("insight", what, {"last": what, "model": MODEL if MODEL in online else None})

    def _ask(self, work: str, of: str, asked: dict[str, Any]) -> None:
        before = self._asked.get((work, of))
        if before is not None and not before.over:
            return
        if before is not None and before.problem is not None:
            log.warning("the last look (%s %s) failed: %s", work, of, before.problem)
        self._asked[work, of] = self._jobs.submit(work, {**asked, "days": DAYS, "registry": self._registry}, WHO)

    def _done(self, job: Job) -> None:
        at = time.time()
        if job.work == "insight":
            self._last["insight", job.result["last"]] = {**job.result, "at": at}
            self._metrics.looked_back(job.result, at)
        elif job.work == "watch" and job.asked["version"] == "online":
            self._last["watch", job.result["model"]] = {**job.result, "at": at}
            self._metrics.watched(job.result, at)
