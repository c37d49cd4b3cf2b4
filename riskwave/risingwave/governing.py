"""Puts what a control store says in force on a deployment, whenever it changes, while a server runs."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from riskwave.control.store import Control
from riskwave.errors import RiskwaveError
from riskwave.risingwave.dsn import Address
from riskwave.risingwave.server import connected
from riskwave.risingwave.sync import sync

log = logging.getLogger("riskwave")

LOOK_S = 0.5
AGAIN_S = 15.0  # after a failure


class Governing:
    """A thread beside a server that decides by a deployment's history: what is edited there decides in the stream."""

    def __init__(self, path: Path, address: Address) -> None:
        """path: of the store, which is there; what it says now is taken to be in force."""
        self._control = Control.open(path)
        self._address = address
        self._stop = threading.Event()
        self._done = self._control.version
        self._thread = threading.Thread(target=self._work, name="riskwave-governing", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, after what it is doing."""
        self._stop.set()
        self._thread.join()
        self._control.close()

    def _work(self) -> None:
        pause = LOOK_S
        while not self._stop.wait(pause):
            pause = LOOK_S
            version = self._control.version
            if version == self._done:
                continue
            try:
                with connected(self._address) as server:
                    self._done = sync(self._control, server).control_version
            except RiskwaveError as fault:
                log.error(
                    "control_version %d decides here and is not in force on RisingWave, tried again in %g s: %s",
                    *(version, AGAIN_S, fault),
                )
                pause = AGAIN_S
            else:
                log.info("control_version %d is in force on RisingWave", self._done)
