"""Plain values as JSON: times in UTC with their Z, nothing that JSON has not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
_LONGEST = 2**63


def dumps(value: Any) -> bytes:
    """JSON's bytes."""
    try:
        return orjson.dumps(value, _plain, _OPTIONS)
    except orjson.JSONEncodeError:  # a whole number beyond 64 bits
        return orjson.dumps(_short(value), _plain, _OPTIONS)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _short(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_short(part) for part in value]
    if isinstance(value, int) and not -_LONGEST <= value < _LONGEST:
        return float(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value
