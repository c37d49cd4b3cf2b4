"""Small tools for tests that start real servers."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable


def free_port() -> int:
    """A TCP port on loopback that nothing listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def end(process: subprocess.Popen[bytes], *, limit_s: float = 20) -> None:
    """Ask a process to stop; kill it where it has not after limit_s seconds."""
    process.terminate()
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], bool], *, limit_s: float, what: str) -> None:
    """Return once the condition holds; fail after limit_s seconds."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"waited {limit_s:.0f} s in vain for {what}"
        time.sleep(0.02)
