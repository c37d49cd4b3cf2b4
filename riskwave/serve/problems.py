"""Errors as RFC 9457 has them: application/problem+json."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from riskwave.errors import RiskwaveError

MEDIA = "application/problem+json"

#: What a problem is called, by status: `type` is urn:riskwave:<name>.
NAMES = {
    400: ("bad-request", "The request cannot be read"),
    401: ("unauthenticated", "A key is needed"),
    403: ("forbidden", "This key may not do that"),
    404: ("not-found", "There is no such thing"),
    405: ("method-not-allowed", "This is not done here"),
    409: ("conflict", "That cannot be done as things stand"),
    413: ("too-large", "The body is too large"),
    415: ("unsupported-media-type", "JSON is expected"),
    422: ("invalid", "The request was read and cannot be used"),
    429: ("too-many-requests", "This key asks too often"),
    500: ("internal", "That should not have happened"),
    503: ("overloaded", "This cannot be done in time now"),
    504: ("too-late", "The deadline passed"),
}


class FieldFault(BaseModel):
    """One fault of a request: where, and what is wrong with it."""

    field: str = Field(description="Where it is, such as body.amount_minor", examples=["body.amount_minor"])
    detail: str = Field(description="What is wrong", examples=["Input should be greater than or equal to 0"])


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="What kind of problem", examples=["urn:riskwave:invalid"])
    title: str = Field(description="The kind in words", examples=["The request was read and cannot be used"])
    status: int = Field(description="HTTP status", examples=[422])
    detail: str = Field(description="What is wrong here, and what to do", examples=["amount_minor: missing"])
    instance: str | None = Field(None, description="The path that was asked for")
    errors: list[FieldFault] | None = Field(None, description="The faults one by one, where there are several")

    media_type: ClassVar[str] = MEDIA


class ProblemError(Exception):
    """Answered as a problem. retry_after: seconds."""

    def __init__(
        self, status: int, detail: str, *, errors: list[dict[str, str]] | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = {} if retry_after is None else {"Retry-After": str(max(1, round(retry_after)))}
        if status == 401:
            self.headers["WWW-Authenticate"] = 'Bearer realm="riskwave"'


def response(fault: ProblemError, path: str) -> Response:
    """A problem as a response."""
    name, title = NAMES[fault.status]
    body: dict[str, Any] = {
        "type": f"urn:riskwave:{name}",
        "title": title,
        "status": fault.status,
        "detail": fault.detail,
        "instance": path,
    }
    if fault.errors:
        body["errors"] = fault.errors
    return Response(orjson.dumps(body), fault.status, fault.headers, MEDIA)


def said(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses of problems with these statuses, beside those that any route may have."""
    return {status: problem(status) for status in sorted({400, 401, 403, 413, 422, 429, *statuses})}


def problem(status: int) -> dict[str, Any]:
    """The OpenAPI response of one."""
    content = {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": NAMES[status][1], "content": content}


def json_body(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    """The OpenAPI request body of a route that reads its own."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


def invalid(errors: list[dict[str, Any]]) -> ProblemError:
    """What pydantic found wrong with a request."""
    faults = [
        {"field": ".".join(str(part) for part in error["loc"]), "detail": str(error["msg"])} for error in errors[:20]
    ]
    first = faults[0] if faults else {"field": "body", "detail": "cannot be read"}
    return ProblemError(422, f"{first['field']}: {first['detail']}", errors=faults)


async def on_problem(request: Request, fault: Exception) -> Response:
    """The handler of every error that a route raises."""
    path = request.url.path
    if isinstance(fault, ProblemError):
        return response(fault, path)
    if isinstance(fault, RequestValidationError):
        return response(invalid(list(fault.errors())), path)
    if isinstance(fault, HTTPException):
        status = fault.status_code if fault.status_code in NAMES else 400
        answer = response(ProblemError(status, str(fault.detail)), path)
        answer.headers.update(fault.headers or {})
        return answer
    if isinstance(fault, RiskwaveError):
        return response(ProblemError(409, " ".join(str(fault).split())), path)
    return response(ProblemError(500, "the fault is in the server's log"), path)
