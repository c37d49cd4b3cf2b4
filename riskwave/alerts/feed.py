"""The decisions of an embedded state on their way into the store of alerts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from riskwave.alerts import moments
from riskwave.alerts.intake import DECISION, PAYMENT, take
from riskwave.alerts.store import AlertStore

log = logging.getLogger("riskwave.alerts")

#: The rows of a SELECT over a state's relations, and its $parameters.
Rows = Callable[[str, Mapping[str, Any]], list[dict[str, Any]]]

SOURCE = "state"
AT_ONCE = 500
#: A state that decided before it had alerts has those of its last day.
FIRST = timedelta(days=1)
BETWEEN_S = 0.5  # what is flagged in that time is taken in together
AGAIN_S = 5.0

# A row of a batch has the batch's decided_at, which never goes back: what comes later is after what was taken.
_DECIDED = f"""
select event_id, {", ".join(DECISION)} from decisions
where decided_at >= $at and (decided_at, event_id, version) > ($at, $event_id, $version)
    and (action <> 'allow' or version > 1)
order by decided_at, event_id, version
limit {AT_ONCE}
"""
_PAID = f"""
select event_id, {", ".join(PAYMENT)} from stg_payments
where event_ts between $low and $high and event_id in (select unnest($wanted))
"""


def catch_up(store: AlertStore, rows: Rows, now: datetime) -> int:
    """Take in what was decided since the last time, exactly once; gives the alerts raised."""
    raised = 0
    while True:
        at, event_id, version = _token(store.position(SOURCE), now)
        decided = rows(_DECIDED, {"at": at, "event_id": event_id, "version": version})
        if not decided:
            return raised
        edges = [row["event_ts"] for row in decided]
        wanted = list(dict.fromkeys(row["event_id"] for row in decided))
        paid = {row["event_id"]: row for row in rows(_PAID, {"low": min(edges), "high": max(edges), "wanted": wanted})}
        last = decided[-1]
        token = orjson.dumps([last["decided_at"].isoformat(), last["event_id"], last["version"]]).decode()
        raised += take(store, SOURCE, [{**paid.get(row["event_id"], {}), **row} for row in decided], token, now)
        if len(decided) < AT_ONCE:
            return raised


def _token(text: str | None, now: datetime) -> tuple[datetime, str, int]:
    if text is None:
        return now - FIRST, "", 0
    at, event_id, version = orjson.loads(text)
    return datetime.fromisoformat(at), str(event_id), int(version)


class AlertFeed:
    """A thread that takes in what a running engine decides, soon after it is committed."""

    def __init__(self, store: AlertStore, rows: Rows, clock: Callable[[], datetime] = moments.now) -> None:
        self._store, self._rows, self._clock = store, rows, clock
        self._more = threading.Event()
        self._more.set()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="riskwave-alerts", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """A decision was committed that raises an alert, or changes one."""
        self._more.set()

    def catch_up(self) -> None:
        """Take in what is known to wait, now."""
        with self._lock:
            if self._more.is_set():
                self._more.clear()
                try:
                    catch_up(self._store, self._rows, self._clock())
                except BaseException:
                    self._more.set()
                    raise

    def close(self) -> None:
        """Take in what waits, and end; what cannot be taken in now is by the next start."""
        self._stop.set()
        self._more.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            self._more.wait()
            stopping = self._stop.wait(BETWEEN_S)
            try:
                self.catch_up()
            except Exception as fault:
                log.warning("alerts are not taken in, again in %.0f s: %s", AGAIN_S, fault)
                self._stop.wait(AGAIN_S)
            if stopping:
                return
