"""Work that takes longer than a request: one piece at a time, each in a process of its own, with an end to wait for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from riskwave.errors import RiskwaveError
from riskwave.project import project_dir
from riskwave.serve.copies import Copies
from riskwave.serve.problems import ProblemError
from riskwave.serve.settings import Settings

KEPT = 50  # jobs that are over, with what they found
TEXT = 200  # characters of a draft that are told again


@dataclass
class Job:
    """A piece of work. asked: what was asked for; said: what it is doing; created, began, ended: seconds since 1970.

    state: waiting, running, done, failed or cancelled; result: of one that is done; problem: why it failed.
    """

    work: str
    asked: Mapping[str, Any]
    author: str
    id: str = field(default_factory=lambda: uuid4().hex[:12])
    created: float = field(default_factory=time.time)
    state: str = "waiting"
    said: str = "waits for its turn"
    began: float | None = None
    ended: float | None = None
    result: Any = None
    problem: str | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ("done", "failed", "cancelled")

    def as_dict(self, *, whole: bool = True) -> dict[str, Any]:
        """For JSON; whole: with the result."""
        asked = {key: value[:TEXT] if key == "text" and value else value for key, value in self.asked.items()}
        told = {name: getattr(self, name) for name in ("id", "work", "author", "state", "said", "problem", "created")}
        seconds = None if self.began is None else (self.ended or time.time()) - self.began
        return {**told, "asked": asked, "seconds": seconds, "result": self.result if whole else None}


class Jobs:
    """Jobs in the order in which they were asked for. Bounded in number, memory and time; they read a copy."""

    def __init__(self, copies: Copies, state: Path, settings: Settings) -> None:
        """state: its whole path, as that of the copies: jobs work in a folder of their own."""
        self._copies = copies
        self._state = state
        self._settings = settings
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._known: OrderedDict[str, Job] = OrderedDict()
        self._process: subprocess.Popen[bytes] | None = None
        self._running: Job | None = None
        self._closing = False
        self._done: list[Callable[[Job], None]] = []
        self._thread = threading.Thread(target=self._work, name="riskwave-jobs", daemon=True)
        self._thread.start()

    def tell(self, done: Callable[[Job], None]) -> None:
        """Have something called with each job that has a result, on the jobs' thread."""
        self._done.append(done)

    def submit(self, work: str, asked: Mapping[str, Any], author: str) -> Job:
        """Have work done. Raises ProblemError 503 when too much waits."""
        with self._changed:
            if len(self._waiting) >= self._settings.jobs:
                raise ProblemError(503, f"{len(self._waiting)} jobs wait already; come again", retry_after=10)
            job = Job(work, asked, author)
            self._waiting.append(job)
            self._known[job.id] = job
            over = [id_ for id_, known in self._known.items() if known.over]
            for id_ in over[: max(len(self._known) - KEPT, 0)]:
                del self._known[id_]
            self._changed.notify_all()
        return job

    def get(self, id_: str) -> Job:
        """A job. Raises ProblemError 404 for one that is not known, or no longer."""
        with self._changed:
            job = self._known.get(id_)
        if job is None:
            raise ProblemError(404, f"{id_[:60]}: no such job; the last {KEPT} are kept, while the server runs")
        return job

    def all(self) -> list[Job]:
        """The last ones first."""
        with self._changed:
            return list(reversed(self._known.values()))

    def cancel(self, id_: str) -> Job:
        """End a job, whatever it is doing; one that is over stays as it is."""
        job = self.get(id_)
        with self._changed:
            if job.over:
                return job
            if job in self._waiting:
                self._waiting.remove(job)
            self._end(job, "cancelled", "was cancelled")
            if job is self._running and self._process is not None:
                self._process.kill()
        return job

    def wait(self, job: Job, limit_s: float) -> Any:
        """A job's result. Raises ProblemError 503 when it takes longer or was ended, RiskwaveError when it failed."""
        with self._changed:
            self._changed.wait_for(lambda: job.over, limit_s)
        if job.state == "done":
            return job.result
        if job.state == "failed":
            raise RiskwaveError(str(job.problem))
        if job.over:
            raise ProblemError(503, "that was cancelled", retry_after=1)
        raise ProblemError(503, f"that takes longer: GET /v1/jobs/{job.id} has it when it is done", retry_after=5)

    def close(self) -> None:
        """End what runs and what waits."""
        with self._changed:
            self._closing = True
            for job in (*self._waiting, *([self._running] if self._running else [])):
                if not job.over:
                    self._end(job, "cancelled", "the server stopped")
            self._waiting.clear()
            if self._process is not None:
                self._process.kill()
            self._changed.notify_all()
        self._thread.join()

    # -- on the jobs' thread ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                job = self._running = self._waiting.popleft()
                job.state, job.began = "running", time.time()
            try:
                self._run(job)
            except (ProblemError, RiskwaveError) as fault:
                self._failed(job, fault.detail if isinstance(fault, ProblemError) else str(fault))
            except Exception as fault:
                self._failed(job, f"could not be done: {fault}")
            finally:
                with self._changed:
                    self._running = self._process = None
                    self._changed.notify_all()

    def _run(self, job: Job) -> None:
        settings = self._settings
        self._say(job, f"copying the last {job.asked['days']} days of the history")
        copy = self._copies.take(job.work, int(job.asked["days"]))
        if job.over:
            return
        task = {
            **job.asked,
            "work": job.work,
            "state": str(self._state),
            "folder": str(copy.folder),
            "begins": copy.begins,
            "memory_mb": settings.job_mb,
            "limit_s": settings.job_s,
        }
        self._say(job, "starting")
        with tempfile.TemporaryFile() as errors:
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "riskwave.serve.work"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                # What DuckDB has no memory for goes beside the copy.
                cwd=copy.folder,
                env={**os.environ, "RISKWAVE_PROJECT": str(project_dir().resolve())},
            )
            clock = threading.Timer(settings.job_s, process.kill)
            clock.daemon = True
            clock.start()
            try:
                if job.over:
                    process.kill()
                self._read(job, process, task)
            finally:
                late = not clock.is_alive()
                clock.cancel()
                process.kill()
                process.wait()
            if not job.over:
                errors.seek(0)
                self._failed(job, _why(late, settings.job_s, errors.read()))

    def _read(self, job: Job, process: subprocess.Popen[bytes], task: Mapping[str, Any]) -> None:
        """Follow what the process says until its last word."""
        with process:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("the job's process has no pipes")
            try:
                process.stdin.write(orjson.dumps(task))
                process.stdin.close()
            except BrokenPipeError:
                return
            for line in process.stdout:
                told = orjson.loads(line)
                if "said" in told:
                    self._say(job, told["said"])
                elif "fault" in told:
                    self._failed(job, told["fault"])
                else:
                    self._found(job, told["result"])

    def _found(self, job: Job, result: Any) -> None:
        """What came of it; whoever is told of jobs knows before who asked."""
        if job.over:
            return
        job.result = result
        for done in self._done:
            done(job)
        with self._changed:
            if not job.over:
                self._end(job, "done", "done")

    def _say(self, job: Job, words: str) -> None:
        with self._changed:
            if not job.over:
                job.said = words

    def _failed(self, job: Job, problem: str) -> None:
        with self._changed:
            if not job.over:
                job.problem = problem
                self._end(job, "failed", "failed")

    def _end(self, job: Job, state: str, words: str) -> None:
        job.state, job.said, job.ended = state, words, time.time()
        job.began = job.began or job.ended
        self._changed.notify_all()


def _why(late: bool, limit_s: float, errors: bytes) -> str:
    """Why a process ended without a word."""
    if late:
        return f"took longer than {limit_s:g} seconds; ask for fewer days or values"
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return f"ended without a result: {lines[-1][:300] if lines else 'it may have taken more memory than it may'}"
