"""Decisions of events that were handed in for later, sent to one receiver, at least once and in order."""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from riskwave.contracts import Decision
from riskwave.errors import RiskwaveError
from riskwave.plain_json import dumps
from riskwave.serve.desk import EVENTS
from riskwave.serve.notes import Notes
from riskwave.serve.reading import Reading
from riskwave.serve.signing import signed

log = logging.getLogger("riskwave.webhook")

AT_ONCE = 100  # decisions of one call
TIMEOUT_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 30.0
LOOK_S = 1.0  # how often it is looked for more, when nobody says that there is

_FOUND = f"""
select * from (
    select source_offset, event_id, 'decided' as status, null as reason from decisions
    where source = '{EVENTS}' and version = 1 and source_offset >= $next
    union all
    select source_offset, event_id, 'rejected', reject_reason from rejected_events
    where source = '{EVENTS}' and source_offset >= $next
) order by source_offset limit {AT_ONCE}
"""
_DECIDED = f"""
select {", ".join(Decision.model_fields)} from decisions
where source = '{EVENTS}' and version = 1 and source_offset between $first and $last
"""


class Webhook:
    """Calls a URL until it answers 2xx; where it was is remembered, so that a restart goes on there."""

    def __init__(self, url: str, secret: bytes, reading: Reading, notes: Notes) -> None:
        """url: http or https; secret: of the signature. Raises RiskwaveError for another URL, and for no secret."""
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise RiskwaveError(f"--webhook {url}: expected a URL such as https://bank.example/decisions")
        if len(secret) < 16:
            raise RiskwaveError("RISKWAVE_WEBHOOK_SECRET: 16 characters at least are expected; receivers check by it")
        self._url, self._secret = url, secret
        self._reading, self._notes = reading, notes
        self._more = threading.Event()
        self._stop = threading.Event()
        self.failures = 0
        self._thread = threading.Thread(target=self._work, name="riskwave-webhook", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is more to tell."""
        self._more.set()

    def close(self) -> None:
        """Stop; what was not told is told by the next start."""
        self._stop.set()
        self._more.set()
        self._thread.join()

    def _work(self) -> None:
        wait = FIRST_WAIT_S
        while not self._stop.is_set():
            self._more.clear()
            try:
                told = self._tell()
                wait = FIRST_WAIT_S
                if told < AT_ONCE:
                    self._more.wait(LOOK_S)
            except Exception as fault:
                self.failures += 1
                log.warning("the receiver was not told, again in %.1f s: %s", wait, fault)
                self._stop.wait(wait)
                wait = min(wait * 2, LONGEST_WAIT_S)

    def _tell(self) -> int:
        """Send the next decisions; gives how many there were."""
        found = self._reading.rows(_FOUND, {"next": self._notes.told(self._url)})
        if not found:
            return 0
        edges = {"first": found[0]["source_offset"], "last": found[-1]["source_offset"]}
        decisions = {row["event_id"]: row for row in self._reading.rows(_DECIDED, edges)}
        self._send([{**row, "decision": decisions.get(row["event_id"])} for row in found])
        self._notes.tell(self._url, found[-1]["source_offset"] + 1)
        return len(found)

    def _send(self, results: list[dict[str, Any]]) -> None:
        body = dumps({"results": results})
        headers = {"Content-Type": "application/json", **signed(body, self._secret)}
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 - checked above
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            answer.read(1)
