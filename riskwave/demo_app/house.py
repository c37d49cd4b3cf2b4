"""The demonstration's processes: the server and the app, begun, waited for, and ended in order."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from riskwave import listening
from riskwave.errors import RiskwaveError

LIMIT_S = 180.0
PATIENCE_S = 30.0
EVERY_S = 0.2


@contextmanager
def running(command: Sequence[str], ready: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command of riskwave as a process of its own, once its address answers; asked to stop at the end.

    Raises RiskwaveError when it ends or does not answer.
    """
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "riskwave", *command],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            # A Ctrl-C at the keyboard is for whoever began it, who ends them in order.
            start_new_session=True,
        )
        try:
            _wait(process, ready, log)
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], ready: str, log: Path) -> None:
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if process.poll() is not None:
            lines = log.read_text("utf-8", "replace").strip().splitlines()
            raise RiskwaveError(f"{log}: it ended with {process.returncode}: {lines[-1] if lines else 'no word'}")
        with suppress(httpx2.TransportError):
            if httpx2.get(ready).status_code == 200:
                return
        time.sleep(EVERY_S)
    raise RiskwaveError(f"{ready}: did not answer within {LIMIT_S:g} s; {log} says more")


def free(port: int, option: str) -> int:
    """A port to listen on. Raises RiskwaveError when it is taken; 0 is any that is free."""
    try:
        return listening.free("127.0.0.1", port)
    except RiskwaveError as fault:
        raise RiskwaveError(f"{option} {port}: is taken; name another, or 0 for any") from fault
