"""The scoring call over gRPC (udf/scoring.proto), with the health and reflection services."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from riskwave.errors import RiskwaveError
from riskwave.scoring.function import MODEL
from riskwave.scoring.given import Listed, one, together
from riskwave.scoring.layout import layout
from riskwave.scoring.service import Score, ScoringService
from udf import scoring_pb2
from udf.access import admits

MOST = 4_096
THREADS = 32
SERVICE = scoring_pb2.DESCRIPTOR.services_by_name["Scoring"].full_name
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


def serve_grpc(address: str, service: ScoringService, key: str | None) -> tuple[grpc.Server, int]:
    """A running server, and its port. address: host:port, port 0 takes a free one; key: what callers must have.

    Raises RiskwaveError when it cannot listen there.
    """
    server = grpc.server(ThreadPoolExecutor(THREADS, "riskwave-grpc"), interceptors=[_Keyed(key)])
    asked = _Asked(service)
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                SERVICE,
                {
                    "Score": _handler(asked.score, scoring_pb2.Event, scoring_pb2.Result),
                    "ScoreAll": _handler(asked.score_all, scoring_pb2.Events, scoring_pb2.Results),
                },
            )
        ]
    )
    checks = health.HealthServicer()
    for name in ("", SERVICE):
        checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    reflection.enable_server_reflection([SERVICE, _HEALTH, reflection.SERVICE_NAME], server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as fault:
        raise RiskwaveError(f"--grpc {address}: cannot listen there; is the port taken?") from fault
    server.start()
    return server, port


class _Asked:
    """The two calls."""

    def __init__(self, service: ScoringService) -> None:
        self._service = service
        self._order = layout()
        self._kinds = dict.fromkeys(self._order.numbers, "a number, a flag or a time")
        self._kinds |= dict.fromkeys(self._order.texts, "a text")

    def score(self, event: scoring_pb2.Event, context: grpc.ServicerContext) -> scoring_pb2.Result:
        return _result(self._service.score_one(self._features(event, context)))

    def score_all(self, events: scoring_pb2.Events, context: grpc.ServicerContext) -> scoring_pb2.Results:
        if len(events.events) > MOST:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{len(events.events):,} events; at most {MOST:,} at once")
        if not events.events:
            return scoring_pb2.Results()
        given: Listed = together([one(self._features(event, context), self._order) for event in events.events])
        said = self._service.score(given).to_pylist()
        scores = [Score(row["score"], row["version"], row["degraded"], tuple(row["shadow_scores"])) for row in said]
        return scoring_pb2.Results(results=[_result(score) for score in scores])

    def _features(self, event: scoring_pb2.Event, context: grpc.ServicerContext) -> dict[str, Any]:
        """As the engine has them; what would be passed over in silence is refused: another name, another kind."""
        if event.model not in ("", MODEL):
            context.abort(grpc.StatusCode.NOT_FOUND, f"no model {event.model} here, only {MODEL}")
        features: dict[str, Any] = {"card_id": event.card_id or None}
        for name, value in event.features.items():
            if name not in self._kinds:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no feature {name}; docs/features.md has them")
            if (value.WhichOneof("kind") == "text") != (self._kinds[name] == "a text"):
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{name}: expected {self._kinds[name]}")
            features[name] = _plain(value)
        return features


def _plain(value: scoring_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "time":
        return value.time.ToDatetime(UTC).replace(tzinfo=None)
    return getattr(value, kind) if kind else None


def _result(score: Score) -> scoring_pb2.Result:
    return scoring_pb2.Result(
        score=score.score, version=score.version, degraded=score.degraded, shadow_scores=score.shadow_scores
    )


def _handler(call: Callable[..., Any], asked: Any, answered: Any) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(
        call, request_deserializer=asked.FromString, response_serializer=answered.SerializeToString
    )


class _Keyed(grpc.ServerInterceptor):  # type: ignore[misc] # grpc has no types
    """Lets those in who have the key; whether it lives anybody may ask."""

    def __init__(self, key: str | None) -> None:
        self._key = key

    def intercept_service(self, continuation: Callable[[Any], Any], details: grpc.HandlerCallDetails) -> Any:
        """Refuse before anything is read."""
        given = dict(details.invocation_metadata).get("authorization")
        if details.method.startswith(f"/{_HEALTH}/") or admits(given, self._key):
            return continuation(details)
        handler = continuation(details)
        refused = grpc.stream_stream_rpc_method_handler if handler and handler.request_streaming else None
        return (refused or grpc.unary_unary_rpc_method_handler)(_refuse)


def _refuse(request: Any, context: grpc.ServicerContext) -> Any:
    del request
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "send the server's key: authorization: Bearer …")
