"""A real server process: killed under load, asked to stop, asked for more than it can do."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from riskwave.serve.keys import Keys, keys_path
from tests.support.processes import free_port, wait_until

LIMIT_S = 120.0
#: So many times; RISKWAVE_KILLS=10 for more.
KILLS = int(os.environ.get("RISKWAVE_KILLS", "2"))


class Server:
    """`riskwave serve` over one state, started as often as asked."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "bank.duckdb"
        keys = Keys(keys_path(self.state))
        self.token = keys.create("all", owner="all", role="admin", rate=1e6)[1]
        keys.close()
        self._log = (folder / "log").open("ab")

    @contextmanager
    def running(self) -> Iterator[tuple[subprocess.Popen[bytes], httpx2.Client]]:
        port = free_port()
        command = [sys.executable, "-m", "riskwave", "serve", "--quiet", "--state", str(self.state)]
        command += ["--port", str(port), "--deadline-ms", "30000", "--rate", "1000000"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        client.headers["Authorization"] = f"Bearer {self.token}"

        def ready() -> bool:
            assert process.poll() is None, Path(self._log.name).read_text()
            try:
                return client.get("/readyz").status_code == 200
            except httpx2.TransportError:
                return False

        try:
            wait_until(ready, limit_s=LIMIT_S, what="the server")
            yield process, client
        finally:
            client.close()
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("server"))
    yield made
    made._log.close()


def _payment(name: str) -> dict[str, Any]:
    return {
        "event_id": name,
        "event_ts": "2026-03-01T12:00:00Z",
        "card_id": f"card-{name[-1]}",
        "amount_minor": 100,
        "currency": "EUR",
    }


class Load:
    """Threads that hand in payments and ask for decisions until the server is gone."""

    def __init__(self, client: httpx2.Client, run: int) -> None:
        self.accepted: set[str] = set()
        self.decided: dict[str, dict[str, Any]] = {}
        self._client = client
        self._threads = [threading.Thread(target=self._work, args=(run, number)) for number in range(4)]
        for thread in self._threads:
            thread.start()

    def _work(self, run: int, number: int) -> None:
        try:
            for place in range(10_000):
                name = f"k{run}-{number}-{place}"
                path = "/v1/events" if number % 2 else "/v1/decisions"
                answer = self._client.post(path, json=_payment(name))
                if answer.status_code == 202:
                    self.accepted.add(name)
                elif answer.status_code == 200:
                    self.decided[name] = answer.json()
        except httpx2.TransportError:
            pass  # the server was killed

    @property
    def answered(self) -> int:
        return len(self.accepted) + len(self.decided)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


def test_killed_under_load_nothing_accepted_is_lost_and_nothing_decided_twice(server: Server) -> None:
    accepted: set[str] = set()
    decided: dict[str, dict[str, Any]] = {}
    for run in range(KILLS):
        with server.running() as (process, client):
            load = Load(client, run)
            enough = 20 + random.Random(run).randrange(40)
            wait_until(lambda load=load, enough=enough: load.answered >= enough, limit_s=LIMIT_S, what="answers")
            wait_until(lambda load=load: len(load.decided) >= 8, limit_s=LIMIT_S, what="decisions")
            process.kill()
            load.join()
            assert load.accepted
            accepted |= load.accepted
            decided |= load.decided
    with server.running() as (_, client):
        wait_until(lambda: client.get("/v1/status").json()["waiting"] == 0, limit_s=LIMIT_S, what="what was accepted")
        # What was answered is still so, and asked again it is the same.
        for name, decision in list(decided.items())[:30]:
            assert client.post("/v1/decisions", json=_payment(name)).json() == decision
        found = client.post(
            "/v1/sql",
            json={"sql": "select event_id, count(*) as n from decisions where version = 1 group by 1", "limit": 10_000},
        ).json()
    counts = dict(found["rows"])
    assert set(counts.values()) == {1}
    assert accepted | set(decided) <= set(counts)


def test_asked_to_stop_it_answers_what_it_took_and_commits(server: Server) -> None:
    with server.running() as (process, client):
        load = Load(client, 900)
        wait_until(lambda: len(load.decided) >= 8, limit_s=LIMIT_S, what="answers")
        process.send_signal(signal.SIGTERM)
        load.join()
        assert process.wait(LIMIT_S) == 0
    with server.running() as (_, client):
        wait_until(lambda: client.get("/v1/status").json()["waiting"] == 0, limit_s=LIMIT_S, what="what was accepted")
        for name in sorted(load.accepted)[-5:] + sorted(load.decided)[-5:]:
            assert client.get(f"/v1/decisions/{name}").status_code == 200


def test_without_a_key_it_does_not_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "riskwave", "serve", "--state", str(tmp_path / "s.duckdb"), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode != 0
    assert "riskwave keys create" in done.stderr


def _workers(parent: int) -> list[int]:
    """Processes of jobs that a server started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, started_by = stat.read_text().rpartition(")")[2].split()[:2]
            at_work = b"riskwave.serve.work" in (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if at_work and state != "Z" and int(started_by) == parent:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc to look for processes in")
def test_killed_while_a_job_runs_it_leaves_neither_a_process_nor_a_copy(server: Server) -> None:
    sweep = {"work": "sweep", "rule": "card_velocity", "threshold": "max_count", "values": "1:100"}
    with server.running() as (process, client):
        assert client.post("/v1/decisions", json=_payment("worked-on-1")).status_code == 200
        assert client.post("/v1/jobs", json=sweep).status_code == 202
        wait_until(lambda: _workers(process.pid), limit_s=LIMIT_S, what="the job's process")
        left = _workers(process.pid)
        process.kill()
        process.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), limit_s=LIMIT_S, what="its end")
    copies = Path(f"{server.state}.jobs")
    assert list(copies.iterdir())
    with server.running():
        assert not copies.exists()
