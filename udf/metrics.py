"""What a scoring server measures of itself, for Prometheus and what scales servers by it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from riskwave.errors import RiskwaveError

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Metrics:
    """Counters of one server, in a registry of their own. A request is one chunk of rows, as RisingWave calls."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "riskwave_scoring_requests", "Chunks of rows that were asked for", registry=self.registry
        )
        self.failed = Counter("riskwave_scoring_failed", "Chunks that could not be scored", registry=self.registry)
        self.rows = Counter("riskwave_scoring_rows", "Rows that were asked for", registry=self.registry)
        self.seconds = Histogram(
            "riskwave_scoring_seconds", "From a chunk to its answer", registry=self.registry, buckets=SECONDS
        )

    @contextmanager
    def request(self, rows: int) -> Iterator[None]:
        """Count a chunk while it is answered."""
        self.requests.inc()
        self.rows.inc(rows)
        began = time.perf_counter()
        try:
            yield
        except Exception:
            self.failed.inc()
            raise
        finally:
            self.seconds.observe(time.perf_counter() - began)

    def serve(self, address: str) -> None:
        """Answer GET /metrics at host:port on a thread. Raises RiskwaveError when it cannot listen there."""
        host, colon, port = address.rpartition(":")
        try:
            start_http_server(int(port), addr=host if colon else "127.0.0.1", registry=self.registry)
        except (OSError, ValueError, OverflowError) as error:
            raise RiskwaveError(f"--metrics {address}: cannot listen ({error}); expected host:port") from error
