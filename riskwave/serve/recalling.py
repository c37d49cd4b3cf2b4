"""An intake whose batches come with the history of their keys, read from where it is kept."""

from __future__ import annotations

import logging
import time

import pyarrow as pa

from riskwave.engine.engine import Engine
from riskwave.engine.stager import Staged
from riskwave.errors import RiskwaveError
from riskwave.risingwave.past import Past
from riskwave.serve.desk import Desk
from riskwave.serve.problems import ProblemError

log = logging.getLogger("riskwave.serve")

UNREAD = "the history of the payment cannot be read just now; it is not decided"
PAUSE_S = 0.5  # after a failure, where accepted events wait to be decided


class Recalling:
    """A desk before an engine that recalls."""

    def __init__(self, desk: Desk, engine: Engine, past: Past) -> None:
        self._desk, self._engine, self._past = desk, engine, past

    def take(self, rows: int, timeout_s: float) -> Staged | None:
        """What waits, the engine knowing its past; who asked is refused when that cannot be read."""
        staged = self._desk.take(rows, timeout_s)
        if staged is None or staged.accepted.num_rows == 0:
            return staged
        try:
            self._engine.recall(staged.accepted, self._past.of(staged.accepted))
        except RiskwaveError as fault:
            log.error("the history cannot be read: %s", fault)
            if self._desk.give_back(staged.raw, ProblemError(503, UNREAD, retry_after=1)):
                time.sleep(PAUSE_S)
            return self._engine.stager.nothing
        return staged

    def offsets(self, raw: pa.Table) -> dict[str, dict[int, int]]:
        """As the desk's."""
        return self._desk.offsets(raw)

    @property
    def idle(self) -> bool:
        """As the desk's."""
        return self._desk.idle

    @property
    def waiting(self) -> int:
        """As the desk's."""
        return self._desk.waiting
