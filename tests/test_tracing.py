"""Traces as a collector receives them: of a request, its batch, and what the batch is made of."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from riskwave import tracing
from riskwave.errors import RiskwaveError
from riskwave.run.cli import open_inputs
from riskwave.serve.app import create_app
from riskwave.serve.service import Service
from riskwave.serve.settings import Settings
from tests.support.processes import wait_until

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LIMIT_S = 60.0


class Collector:
    """Takes OTLP over HTTP, as a collector does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    named = {each.key: each.value.string_value for each in resource.resource.attributes}
                    collector.services.add(named["service.name"])
                    collector.spans += [span for scope in resource.scope_spans for span in scope.spans]
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *given: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "bank")
    assert tracing.open_tracing("another")
    yield made
    tracing.close_tracing()
    made.server.shutdown()
    made.server.server_close()


def _said(span: Span) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_request_and_a_source_are_followed_to_the_decision(tmp_path: Path, collector: Collector) -> None:
    source = "sim:?events=200&seed=5"
    inputs = open_inputs(source, None, None, None, None, follow=False)
    service = Service(tmp_path / "s.duckdb", Settings(deadline_ms=60_000), inputs=inputs)
    service.decider.start()
    client = TestClient(create_app(service))
    token = service.keys.create("all", owner="ann", role="admin")[1]
    client.headers.update({"Authorization": f"Bearer {token}", "traceparent": CALLER})
    event = {"event_id": "traced", "event_ts": "2026-03-01T12:00:00Z", "card_id": "c", "amount_minor": 1}
    assert client.post("/v1/decisions", json={**event, "currency": "EUR"}).status_code == 200
    metrics = service.decider.metrics
    wait_until(
        lambda: (metrics.registry.get_sample_value("riskwave_events_total") or 0) >= 201, limit_s=LIMIT_S, what="events"
    )
    service.close()
    tracing.close_tracing()
    assert collector.services == {"bank"}
    # The request is part of the caller's trace, and says what it was about.
    [request] = collector.named("POST /v1/decisions")
    assert request.trace_id.hex() == CALLER.split("-")[1]
    assert request.parent_span_id.hex() == CALLER.split("-")[2]
    assert (_said(request)["event_id"], _said(request)["http.response.status_code"]) == ("traced", 200)
    # The batch that decided it links to it, others to what the source gave.
    batches = collector.named("riskwave.batch")
    linked = {link.span_id for batch in batches for link in batch.links}
    assert request.span_id in linked
    sources = collector.named("riskwave.source")
    assert {_said(span)["source"] for span in sources} == {source}
    assert {span.span_id for span in sources} <= linked
    assert sum(_said(batch)["events"] for batch in batches) >= 201
    assert sum(_said(batch)["decided"] for batch in batches) >= 201
    # Within each batch, one or several: features, rules, commit; staging is the source's or the request's.
    ids = {batch.span_id for batch in batches if _said(batch)["decided"]}
    assert ids
    for name in ("riskwave.features", "riskwave.rules", "riskwave.commit"):
        found = collector.named(name)
        assert {span.parent_span_id for span in found} >= ids, name
        assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in found)
    staged = {span.parent_span_id for span in collector.named("riskwave.stage")}
    assert {span.span_id for span in sources} <= staged


def test_a_score_is_part_of_the_rules_that_ask_for_it(collector: Collector) -> None:
    """DuckDB calls the function on threads of its own."""

    @tracing.traced("riskwave.score")
    def score() -> None:
        """Nothing."""

    @tracing.traced("riskwave.rules", outer=True)
    def rules() -> None:
        thread = threading.Thread(target=score)
        thread.start()
        thread.join()

    with tracing.batch(3, []), ThreadPoolExecutor(1) as pool:
        pool.submit(tracing.carried(rules)).result()
    score()
    tracing.close_tracing()
    [first, second], [outer] = collector.named("riskwave.score"), collector.named("riskwave.rules")
    assert (first.parent_span_id, second.parent_span_id) == (outer.span_id, b"")
    assert outer.parent_span_id


def test_off_it_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert not tracing.open_tracing("bank")
    assert tracing.span("a") is tracing.span("b") is tracing.request([])
    assert tracing.batch(1, []) is tracing.batch(2, [])
    assert tracing.here() is None

    def done(outcome: Any) -> None:
        """Nothing."""

    with tracing.batch(1, []) as traced:
        assert traced(done) is tracing.ending("c", done) is tracing.carried(done) is done
    code = "import sys, riskwave.serve.app, riskwave.run.loop; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_opentelemetry_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(RiskwaveError, match=r"\.\[tracing\]"):
        tracing.open_tracing("bank")
