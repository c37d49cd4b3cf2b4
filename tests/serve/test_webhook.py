"""The receiver of decisions: told of every event that was handed in, once it is back."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from riskwave.errors import RiskwaveError
from riskwave.serve.service import Service
from riskwave.serve.webhook import Webhook
from tests.serve.conftest import PATIENT, Served
from tests.support.processes import wait_until

SECRET = b"a secret of the receiver's"


class Receiver:
    """A real HTTP server that refuses, or takes what it is told when the signature is right."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.calls = 0
        self.down = True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.calls += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                said = self.headers["Riskwave-Timestamp"].encode() + b"." + body
                right = hmac.new(SECRET, said, hashlib.sha256).hexdigest()
                taken = not outer.down and self.headers["Riskwave-Signature"] == f"sha256={right}"
                if taken:
                    outer.told += json.loads(body)["results"]
                self.send_response(204 if taken else 503)
                self.end_headers()

            def log_message(self, format: str, *given: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/decisions"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_a_receiver_that_was_down_is_told_everything_in_order(
    tmp_path: Path, payment: Callable[..., dict[str, Any]]
) -> None:
    receiver = Receiver()
    service = Service(tmp_path / "s.duckdb", PATIENT, webhook=(receiver.url, SECRET))
    service.decider.start()
    client = Served(service).client("decide")
    events = [payment() for _ in range(5)] + [payment(event_ts="1970-01-01T00:00:00Z")]
    for event in events:
        assert client.post("/v1/events", json=event).status_code == 202
    wait_until(lambda: receiver.calls >= 2, limit_s=60, what="calls that are refused")
    assert receiver.told == []
    service.close()
    # Started again it goes on where it was.
    receiver.down = False
    service = Service(tmp_path / "s.duckdb", PATIENT, webhook=(receiver.url, SECRET))
    service.decider.start()
    wait_until(lambda: len(receiver.told) >= len(events), limit_s=60, what="the decisions")
    service.close()
    receiver.server.shutdown()
    receiver.server.server_close()
    assert [result["event_id"] for result in receiver.told] == [event["event_id"] for event in events]
    assert [result["status"] for result in receiver.told] == ["decided"] * 5 + ["rejected"]
    assert receiver.told[0]["decision"]["action"] in ("allow", "challenge", "review", "block")
    assert "before 2000" in receiver.told[-1]["reason"]


@pytest.mark.parametrize(("url", "secret"), [("file:///etc/passwd", SECRET), ("bank", SECRET), ("http://a", b"short")])
def test_a_receiver_that_is_none_is_refused(served: Served, url: str, secret: bytes) -> None:
    with pytest.raises(RiskwaveError):
        Webhook(url, secret, served.service.decider.reading, served.service.notes)
