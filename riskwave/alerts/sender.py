"""The process that tells: notifications are made by one thread, and sent by one a receiver."""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from riskwave.alerts import moments
from riskwave.alerts.deliver import drop_unknown, send_due
from riskwave.alerts.plan import plan
from riskwave.alerts.receivers import Receiver
from riskwave.alerts.routes import Routes
from riskwave.alerts.store import AlertStore
from riskwave.errors import RiskwaveError

log = logging.getLogger("riskwave.alerts")

LOOK_S = 0.5
AGAIN_S = 5.0


class Sender:
    """Tells of what is in a store, until it is stopped."""

    def __init__(
        self,
        store: AlertStore,
        routes: Routes,
        receivers: Mapping[str, Receiver],
        clock: Callable[[], datetime] = moments.now,
    ) -> None:
        self._store, self._routes, self._receivers, self._clock = store, routes, receivers, clock
        self.made = self.taken = self.failed = 0
        self._counting = threading.Lock()

    def once(self) -> None:
        """Make and send what is due now."""
        self._plan()
        for name, receiver in self._receivers.items():
            self._send(name, receiver)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set: a receiver that does not answer keeps no other waiting."""
        drop_unknown(self._store, list(self._receivers))
        duties = [self._plan, *(partial(self._send, *each) for each in self._receivers.items())]
        threads = [threading.Thread(target=self._repeat, args=(duty, stop), daemon=True) for duty in duties]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join()

    def _plan(self) -> bool:
        made = plan(self._store, self._routes, self._clock())
        with self._counting:
            self.made += made
        return made > 0

    def _send(self, name: str, receiver: Receiver) -> bool:
        taken, failed = send_due(self._store, name, receiver, self._routes.retry, self._clock())
        if failed:
            log.warning("receiver %s: %d notifications were not taken", name, failed)
        with self._counting:
            self.taken += taken
            self.failed += failed
        return taken > 0

    def _repeat(self, work: Callable[[], bool], stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                if not work():
                    stop.wait(LOOK_S)
            except Exception as fault:
                log.warning("alerts: %s; again in %.0f s", fault, AGAIN_S)
                stop.wait(AGAIN_S)


@contextmanager
def alone(store: Path) -> Iterator[None]:
    """While this process is the one that sends. Raises RiskwaveError when another does."""
    with Path(f"{store}.sender").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RiskwaveError(f"{store}: another process sends its alerts already; stop that first") from None
        yield
