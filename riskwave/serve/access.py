"""Who asks, and whether they may: keys, scopes and rates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.security import HTTPBearer

from riskwave.serve.keys import Key
from riskwave.serve.problems import ProblemError

if TYPE_CHECKING:
    from riskwave.serve.service import Service

#: In the OpenAPI document; what is done with it is here.
BEARER = HTTPBearer(auto_error=False, description="A key of `riskwave keys create`", scheme_name="key")


@dataclass(frozen=True)
class Caller:
    """Who makes a request."""

    key: Key

    @property
    def who(self) -> str:
        """The person or system, for the audit."""
        return self.key.owner

    def may(self, scope: str) -> bool:
        """Whether the key has a scope."""
        return scope in self.key.scopes


def service_of(request: Request) -> Service:
    """The server's service."""
    service: Service = request.app.state.service
    return service


def needs(scope: str | None) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: the caller, who has a scope, or any valid key for None.

    401 without a valid key, 403 without the scope, 429 too often.
    """

    async def caller(request: Request) -> Caller:
        service = service_of(request)
        key = authenticated(service, request.headers.get("authorization"))
        if scope is not None and scope not in key.scopes:
            raise ProblemError(403, f"the key {key.name} has not the scope {scope}")
        admit(service, key)
        request.state.key = key.name
        return Caller(key)

    caller.scope = scope  # type: ignore[attr-defined]
    return caller


def authenticated(service: Service, header: str | None) -> Key:
    """The valid key of an Authorization header. Raises ProblemError 401 otherwise."""
    kind, _, token = (header or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise ProblemError(401, "send a key: Authorization: Bearer rwk_…; `riskwave keys create` makes one")
    key = service.keys.find(token.strip())
    if key is None:
        raise ProblemError(401, "no such key")
    state = key.state(datetime.now(UTC).replace(tzinfo=None))
    if state != "valid":
        way = "create` makes a new one" if state == "revoked" else "rotate` gives it another token"
        raise ProblemError(401, f"the key {key.name} is {state}; `riskwave keys {way}")
    return key


def admit(service: Service, key: Key, tokens: float = 1.0) -> None:
    """Take from the key's bucket. Raises ProblemError 429 when it is empty."""
    rate = key.rate or service.settings.rate
    burst = max(key.rate or service.settings.burst, 1.0)
    wait = service.buckets.take(key.id, rate, burst, tokens)
    if wait:
        service.decider.metrics.shed.labels("rate").inc()
        raise ProblemError(429, f"the key {key.name} may make {rate:g} requests a second", retry_after=wait)
