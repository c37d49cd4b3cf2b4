"""What a server measures of itself, for Prometheus."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from riskwave.engine.outcome import Outcome

LATENCIES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0)


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = self._counter("riskwave_events", "Events received, duplicates and rejected ones included")
        self.duplicates = self._counter("riskwave_duplicates", "Deliveries of an event that was known")
        self.rejected = self._counter("riskwave_rejected", "Events that could not be used")
        self.decisions = self._counter("riskwave_decisions", "First decisions, by action", "action")
        self.superseding = self._counter("riskwave_superseding", "Decisions that supersede another")
        self.rules = self._counter("riskwave_rule_hits", "First decisions that a rule fired on", "rule")
        self.models = self._counter("riskwave_model_decisions", "First decisions, by the model that scored", "version")
        self.degraded = self._counter("riskwave_degraded", "First decisions that a model was to score and could not")
        self.shed = self._counter("riskwave_shed", "Requests refused, by why", "reason")
        self.cache = self._counter("riskwave_cache", "Decisions asked for again, by where they were found", "found")
        self.requests = self._counter("riskwave_http_requests", "Requests, by route and status", "route", "status")
        self.batch = Histogram(
            "riskwave_batch_events",
            "Events in a batch",
            registry=self.registry,
            buckets=(1, 2, 5, 10, 50, 200, 1000, 5000),
        )
        self.stages = Histogram(
            "riskwave_stage_seconds",
            "By stage: wait (from receipt to its batch), decide (from there to the commit), event (both), request "
            "(a request from its first byte to its answer)",
            ["stage"],
            registry=self.registry,
            buckets=LATENCIES,
        )
        self.lag = Gauge("riskwave_waiting_events", "Events known to wait", registry=self.registry)
        self.history = Gauge("riskwave_history_events", "Events in memory", registry=self.registry)
        self.control = Gauge("riskwave_control_version", "What is in force", registry=self.registry)
        self.ready = Gauge("riskwave_ready", "1 while it decides", registry=self.registry)

        self.psi = self._gauge(
            "riskwave_model_psi", "Distance from the training window at the last look, by column", "model", "column"
        )
        self.model_flagged = self._gauge(
            "riskwave_model_flagged_share",
            "Share of events at or above the model's threshold at the last look",
            "model",
        )
        self.model_alarms = self._gauge("riskwave_model_alarms", "Alarms of the last look, by kind", "model", "kind")
        self.model_quality = self._gauge(
            "riskwave_model_quality", "Figures on matured labels at the last look", "model", "figure"
        )
        self.model_watched = self._gauge(
            "riskwave_model_watched_timestamp_seconds", "When the model was last looked at", "model"
        )

        self.insight_clusters = self._gauge(
            "riskwave_insight_clusters", "Clusters of what is new at the last look back, over its hour or day", "last"
        )
        self.insight_missed = self._gauge(
            "riskwave_insight_missed_events", "Events of those clusters that real time let pass", "last"
        )
        self.insight_looked = self._gauge(
            "riskwave_insight_timestamp_seconds", "When it was last looked back over an hour or a day", "last"
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def batch_committed(self, raw: pa.Table, began: float, outcome: Outcome) -> None:
        """Count a batch: its raw rows, when it was begun (time.perf_counter), what it came to."""
        decide = time.perf_counter() - began
        now = time.time()
        self.events.inc(outcome.received)
        self.duplicates.inc(outcome.duplicates)
        self.rejected.inc(outcome.rejected)
        self.superseding.inc(outcome.superseding)
        for action, count in outcome.actions.items():
            self.decisions.labels(action).inc(count)
        if raw.num_rows:
            self.batch.observe(raw.num_rows)
            received = pc.cast(raw.column("received_at"), pa.int64()).to_numpy() / 1e6
            # Of a backlog a sample says enough; observing is by the event.
            for moment in received[:: max(len(received) // 50, 1)]:
                self.stages.labels("wait").observe(max(now - moment - decide, 0.0))
                self.stages.labels("event").observe(max(now - moment, 0.0))
            self.stages.labels("decide").observe(decide)
        decided = outcome.rows.get("decisions")
        if decided is not None and decided.num_rows:
            first = decided.filter(pc.equal(decided.column("version"), 1))
            for counted in pc.value_counts(pc.list_flatten(first.column("rule_ids"))).to_pylist():
                self.rules.labels(counted["values"]).inc(counted["counts"])
            self.degraded.inc(outcome.degraded)
            for counted in pc.value_counts(first.column("model_version")).to_pylist():
                if counted["values"] is not None:
                    self.models.labels(counted["values"]).inc(counted["counts"])

    def watched(self, found: dict[str, Any], at: float) -> None:
        """The figures of a look at a model, as `riskwave models watch --json` has them; at: seconds since 1970."""
        model = found["model"]
        self.model_watched.labels(model).set(at)
        self.model_flagged.labels(model).set(found["flagged"])
        for each in found["distances"]:
            if each["events"]:
                self.psi.labels(model, each["name"]).set(each["psi"])
        for kind in ("drift", "distribution", "quality"):
            self.model_alarms.labels(model, kind).set(sum(alarm["kind"] == kind for alarm in found["alarms"]))
        figures = found["quality"]["metrics"] if found["quality"] else {}
        for figure in ("precision", "recall", "false_positive_rate", "auc"):
            if figures.get(figure) is not None:
                self.model_quality.labels(model, figure).set(figures[figure])

    def looked_back(self, found: dict[str, Any], at: float) -> None:
        """The figures of a look back, as `riskwave insight --json` has them; at: seconds since 1970."""
        last = found["last"]
        self.insight_looked.labels(last).set(at)
        self.insight_clusters.labels(last).set(len(found["clusters"]))
        self.insight_missed.labels(last).set(sum(part["missed"] for part in found["clusters"]))

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)

    def latency_ms(self, stage: str, share: float) -> float:
        """A quantile of a stage's latency in milliseconds, from the histogram's buckets; 0 before the first."""
        for metric in self.stages.collect():
            found = [s for s in metric.samples if s.name.endswith("_bucket") and s.labels["stage"] == stage]
            if not found or not found[-1].value:
                return 0.0
            counts = np.array([sample.value for sample in found])
            place = int(np.searchsorted(counts, share * counts[-1]))
            return 1000 * min(float(found[place].labels["le"]), LATENCIES[-1])
        return 0.0
