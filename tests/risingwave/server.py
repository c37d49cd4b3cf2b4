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

from tests.support.processes import free_port, wait_until

#: The server's parts find each other on fixed ports: one server a machine.
_OWN_PORTS = (5690, 5688, 6660)
#: Less than 6.8 GB the server refuses: its compactor would not hold two of its tables.
MEMORY_BYTES = 7_000_000_000


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


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """The DSN of a server; one started here keeps its data in the folder and is stopped at the end."""
    given = os.environ.get("RISINGWAVE_DSN")
    if given:
        yield given
        return
    port = free_port()
    command = ["risingwave", "single-node", "--store-directory", str(folder / "data")]
    command += ["--total-memory-bytes", str(MEMORY_BYTES), "--listen-addr", f"127.0.0.1:{port}"]
    dsn = f"postgresql://root@127.0.0.1:{port}/dev"
    log = folder / "risingwave.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, env=_environment())

    def ready() -> bool:
        assert process.poll() is None, f"RisingWave stopped: {log.read_text(errors='replace')[-2000:]}"
        try:
            with psycopg.connect(dsn, connect_timeout=2, autocommit=True) as connection:
                connection.execute("select 1")
        except psycopg.Error:
            return False
        return True

    try:
        wait_until(ready, limit_s=120, what="RisingWave")
        yield dsn
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, "RUST_LOG": "warn", "ENABLE_TELEMETRY": "false"}


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
