"""A real HTTP receiver that can be down, refuse, and tell what it has from what it had."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "what the receiver checks by"  # noqa: S105


class Hook:
    """Takes notifications on /alerts, those of apprise on /notify. answer: what it answers with while it is up."""

    def __init__(self, port: int) -> None:
        self.told: list[dict[str, Any]] = []  # every one that was taken
        self.keys: list[str] = []  # their idempotency keys, in order
        self.calls = 0
        self.answer = 204
        self.down = False  # the connection is closed without an answer
        self.refuses: set[str] = set()  # events whose notifications are answered 422
        self.wrong: list[str] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.calls += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.down:
                    self.close_connection = True
                    return
                status = hook.take(self.headers, body) if hook.answer < 300 else hook.answer
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *given: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.address}/alerts"

    def take(self, headers: Any, body: bytes) -> int:
        found = json.loads(body)
        if "Idempotency-Key" in headers:
            said = headers["Riskwave-Timestamp"].encode() + b"." + body
            right = hmac.new(SECRET.encode(), said, hashlib.sha256).hexdigest()
            if headers["Riskwave-Signature"] != f"sha256={right}" or found["key"] != headers["Idempotency-Key"]:
                self.wrong.append(headers["Idempotency-Key"])
                return 401
            if self.refuses & {alert["event_id"] for alert in found["alerts"]}:
                return 422
            self.keys.append(found["key"])
        self.told.append(found)
        return self.answer

    @property
    def events(self) -> list[str]:
        """Events told of, each time a notification was taken for the first time."""
        seen: dict[str, dict[str, Any]] = {}
        for found in self.told:
            seen.setdefault(found["key"], found)
        return [alert["event_id"] for found in seen.values() for alert in found["alerts"]]


@contextmanager
def receiving(port: int = 0) -> Iterator[Hook]:
    """While it listens."""
    hook = Hook(port)
    thread = threading.Thread(target=hook.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.server.shutdown()
        hook.server.server_close()
        thread.join()
