"""Answers as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

from riskwave.plain_json import dumps


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response of dicts, lists, dataclasses and plain values."""
    return Response(dumps(value), status, dict(headers or {}), "application/json")
