"""Who may ask the scoring server: whoever has its key; without one, this machine alone."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from riskwave.errors import RiskwaveError
from riskwave.scoring.remote import KEY, bearer

SHORTEST, LAST_PORT = 16, 65_535


def read_key(file: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The key in a file, else in RISKWAVE_SCORING_KEY; None where there is none.

    Raises RiskwaveError for a file that cannot be read, and for a key that is too short.
    """
    where, key = KEY, environment.get(KEY, "")
    if file is not None:
        try:
            where, key = str(file), file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else "not valid UTF-8"
            raise RiskwaveError(f"{file}: the key cannot be read: {reason}") from fault
    elif not key:
        return None
    key = key.strip()
    if len(key) < SHORTEST or not key.isascii() or not key.isprintable():
        raise RiskwaveError(f"{where}: expected a key of {SHORTEST} plain characters at least: openssl rand -hex 32")
    return key


def check_address(option: str, address: str) -> None:
    """Raises RiskwaveError for what is not host:port."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > LAST_PORT:
        raise RiskwaveError(f"{option} {address}: expected host:port, such as 127.0.0.1:8815")


def is_loopback(address: str) -> bool:
    """Whether host:port is reached from this machine only."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def admits(header: str | None, key: str | None) -> bool:
    """Whether an authorization header has the key; without a key everybody is admitted."""
    return key is None or hmac.compare_digest((header or "").encode(), bearer(key).encode())
