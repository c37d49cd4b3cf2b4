"""The API as the app asks it: JSON in and out, and faults that say what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx2

TIMEOUT_S = 60.0


class ApiError(Exception):
    """What the API did not do, and what the person can do about it.

    status: HTTP's, 0 where there was no answer; detail: what is wrong; todo: what to do.
    """

    def __init__(self, status: int, detail: str, todo: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.todo = todo


@dataclass(frozen=True)
class Api:
    """The API at an address, asked with one key. key: is never shown or written anywhere."""

    url: str
    key: str = field(repr=False)

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Read. params: of the query; those that are None are left out. Raises ApiError."""
        return self._ask("GET", path, params=_given(params))

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do something. Raises ApiError."""
        return self._ask("POST", path, json=body or {})

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change something. Raises ApiError."""
        return self._ask("PUT", path, json=body)

    def delete(self, path: str, **params: Any) -> dict[str, Any]:
        """Take something away. Raises ApiError."""
        return self._ask("DELETE", path, params=_given(params))

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            try:
                answer = _connections(self.url).request(method, path, headers=headers, **more)
            except (httpx2.ReadError, httpx2.RemoteProtocolError):
                # A connection that was kept, and that the server had closed. Writes may have been done.
                if method != "GET":
                    raise
                answer = _connections(self.url).request(method, path, headers=headers, **more)
        except httpx2.HTTPError as fault:
            raise ApiError(
                0,
                f"{self.url} does not answer ({type(fault).__name__})",
                "Start the API with `riskwave serve`, or name its address with `riskwave app --api`.",
            ) from None
        if answer.is_success:
            found: dict[str, Any] = answer.json()
            return found
        raise _fault(answer)


@cache
def _connections(url: str) -> httpx2.Client:
    """Kept open for every session: keys travel with each request."""
    return httpx2.Client(base_url=url, timeout=TIMEOUT_S)


def _given(params: dict[str, Any]) -> dict[str, Any]:
    """As they go into a query: `from_` is `from`, which Python keeps for itself."""
    shown = {True: "true", False: "false"}
    return {
        name.rstrip("_"): shown[value] if isinstance(value, bool) else value
        for name, value in params.items()
        if value is not None
    }


def _fault(answer: httpx2.Response) -> ApiError:
    """A problem of RFC 9457 as what to do."""
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"{answer.status_code} {answer.reason_phrase}"
    again = answer.headers.get("Retry-After")
    todo = {
        401: "Sign in with a key that is valid: `riskwave keys create` makes one, `riskwave keys rotate` renews one.",
        403: "Ask an administrator for a key with the role that this takes.",
        404: "Look whether it is written as it should be; it may be older than what is kept.",
        409: "Look at how things stand now, then try again.",
        422: "Mend what it names, then try again.",
        429: f"Wait {again or 'a few'} seconds, then try again.",
        503: f"Wait {again or 'a few'} seconds, then try again.",
        504: "Try again: what was asked may have been done meanwhile.",
    }
    return ApiError(answer.status_code, detail, todo.get(answer.status_code, "The server's log says more."))
