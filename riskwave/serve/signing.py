"""How receivers tell that what they are told is ours."""

from __future__ import annotations

import hashlib
import hmac
import time


def signed(body: bytes, secret: bytes) -> dict[str, str]:
    """Headers of a body that is sent now: its time, and the HMAC of time, a point and the body by the secret."""
    at = str(int(time.time()))
    signature = hmac.new(secret, at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Riskwave-Timestamp": at, "Riskwave-Signature": f"sha256={signature}"}
