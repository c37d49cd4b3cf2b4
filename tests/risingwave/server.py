"""A RisingWave server for tests: the one RISINGWAVE_DSN names, else one started from `risingwave` on PATH."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.kafka_server import ROOT
from tests.support.processes import end, free_port, wait_until

#: The server's parts find each other on fixed ports: one server a machine.
_OWN_PORTS = (5690, 5688, 6660)
MEMORY_BYTES = 4_000_000_000
#: What Compose starts it with: by itself it refuses less than 6.8 GB.
CONFIG = ROOT / "compose" / "risingwave.toml"


def missing() -> str | None:
    """Why there is no server to test on, or None."""
    if os.environ.get("RISINGWAVE_DSN"):
        return None
    if shutil.which("risingwave") is None:
        return "no RisingWave: set RISINGWAVE_DSN, or put `risingwave` (2.8) on PATH"
    taken = [port for port in _OWN_PORTS if _answers(port)]
    if taken:
        return f"another RisingWave holds port {taken[0]}: set RISINGWAVE_DSN to test on it"
    return None


class Server:
    """A server with its data in a folder; `dsn` is where it answers, `owned` whether it was started here."""

    def __init__(self, folder: Path, memory_bytes: int = MEMORY_BYTES) -> None:
        given = os.environ.get("RISINGWAVE_DSN")
        self.owned = given is None
        self._port = free_port()
        self.dsn = given or f"postgresql://root@127.0.0.1:{self._port}/dev"
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start (again) and wait until it answers."""
        command = ["risingwave", "single-node", "--store-directory", str(self._folder / "data")]
        command += ["--total-memory-bytes", str(self._memory_bytes), "--config-path", str(CONFIG)]
        command += ["--listen-addr", f"127.0.0.1:{self._port}"]
        with (self._folder / "risingwave.log").open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, cwd=self._folder, env=_environment())
        wait_until(self._answers, limit_s=180, what="RisingWave")

    def kill(self) -> None:
        """End it where it stands; its data stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def _answers(self) -> bool:
        log = self._folder / "risingwave.log"
        assert self._process is not None
        assert self._process.poll() is None, f"RisingWave stopped: {log.read_text(errors='replace')[-2000:]}"
        try:
            with psycopg.connect(self.dsn, connect_timeout=2, autocommit=True) as connection:
                (status,) = connection.execute("select rw_recovery_status()").fetchone() or ("",)
        except psycopg.Error:
            return False
        return bool(status == "RUNNING")


@contextmanager
def running_server(folder: Path, memory_bytes: int = MEMORY_BYTES) -> Iterator[Server]:
    """A server; one started here is stopped at the end."""
    server = Server(folder, memory_bytes)
    try:
        if server.owned:
            server.start()
        yield server
    finally:
        server.stop()


def _environment() -> dict[str, str]:
    return {**os.environ, "RUST_LOG": "warn", "ENABLE_TELEMETRY": "false"}


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
