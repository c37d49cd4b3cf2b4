"""Decisions as a source gives them, at literal times."""

from __future__ import annotations

from datetime import datetime
from typing import Any

NOON = datetime(2026, 3, 1, 12)


def decision(event_id: str, **fields: Any) -> dict[str, Any]:
    """A decision on a payment of noon."""
    return {
        "event_id": event_id,
        "version": 1,
        "event_ts": NOON,
        "card_id": f"card-of-{event_id}",
        "action": "review",
        "severity": "P1",
        "model_score": None,
        "model_version": None,
        "rule_ids": ["card_velocity"],
        "reasons": ["9 payments in 10 minutes"],
        "decided_at": NOON,
        **fields,
    }
