"""What the API answers: decisions and what is known of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from riskwave.contracts import Decision

EXAMPLE_EVENT: dict[str, Any] = {
    "event_id": "e0000001",
    "event_ts": "2026-01-05T09:30:00Z",
    "card_id": "c0000045",
    "amount_minor": 4990,
    "currency": "EUR",
    "channel": "ecommerce",
    "merchant_id": "m00012",
    "merchant_country": "DE",
    "mcc": "5732",
    "ip": "203.0.113.7",
    "device_id": "d0000045",
}
EXAMPLE_DECISION: dict[str, Any] = {
    "event_id": "e0000001",
    "version": 1,
    "event_ts": "2026-01-05T09:30:00Z",
    "card_id": "c0000045",
    "action": "challenge",
    "is_anomaly": False,
    "model_score": None,
    "model_version": None,
    "rule_ids": ["card_velocity"],
    "reasons": ["7 payments in 10 minutes, some declined"],
    "severity": "P2",
    "ruleset_revision": "card-0123456789ab",
    "ruleset_channel": "ecommerce",
    "control_version": 12,
    "source": "api:decisions",
    "source_partition": 0,
    "source_offset": 0,
    "decided_at": "2026-01-05T09:30:00.041000Z",
}


class Decided(Decision):
    """A decision. Tokens are masked for keys without the scope look."""

    model_config = ConfigDict(
        title="Decision", extra="allow", frozen=True, json_schema_extra={"example": EXAMPLE_DECISION}
    )

    features: dict[str, Any] | None = Field(None, description="What was known, where `features=true` asked for it")


class BatchItem(BaseModel):
    """One event of a batch."""

    event_id: str = Field(description="The event")
    status: Literal["decided", "rejected"] = Field(description="rejected: it cannot be used; reason says why")
    decision: Decided | None = Field(None, description="Its first decision")
    reason: str | None = Field(None, description="Why it was rejected")


class Batch(BaseModel):
    """Decisions of a batch, in its order."""

    decisions: list[BatchItem] = Field(description="One an event")


class Accepted(BaseModel):
    """An event that is safe and will be decided."""

    event_id: str = Field(description="The event", examples=["e0000001"])
    status: Literal["accepted", "decided"] = Field(description="decided: it was decided before")
    position: int | None = Field(None, description="Its place among the accepted events", examples=[0])
    decision: str = Field(description="Where its decision will be", examples=["/v1/decisions/e0000001"])


class Pending(BaseModel):
    """An event that is accepted and not decided yet."""

    event_id: str = Field(description="The event")
    status: Literal["pending"] = Field(description="Ask again")


class Shown(BaseModel):
    """A decision in a list, with the payment it is about. Amounts in minor units."""

    model_config = ConfigDict(extra="allow")

    event_id: str = Field(description="The event")
    event_ts: datetime = Field(description="When the payment was made, UTC")
    card_id: str = Field(description="PAN token, masked without the scope look")
    amount_minor: int | None = Field(None, description="Amount in minor units of the currency")
    currency: str | None = Field(None, description="ISO 4217")
    billing_amount_minor: int | None = Field(None, description="In minor units of the cardholder's currency")
    merchant_id: str | None = Field(None, description="Merchant")
    merchant_country: str | None = Field(None, description="ISO 3166-1 alpha-2")
    channel: str | None = Field(None, description="Where the payment was made")
    ip: str | None = Field(None, description="Address, masked without the scope look")
    device_id: str | None = Field(None, description="Device, masked without the scope look")
    action: str = Field(description="allow, challenge, review or block")
    severity: str | None = Field(None, description="Most severe of the rules that fired")
    model_score: float | None = Field(None, description="Score of the model, 0 to 1")
    rule_ids: list[str] = Field(description="Rules that fired")
    reasons: list[str] = Field(description="A sentence a rule")
    verdict: str | None = Field(None, description="What it turned out to be, where there is a label")
    decided_at: datetime | None = Field(None, description="When it was decided, UTC")


class Page(BaseModel):
    """Decisions, the latest event first."""

    items: list[Shown] = Field(description="At most `limit` of them")
    next: str | None = Field(None, description="`cursor` of the next page; null at the end")


class LabelRow(BaseModel):
    """A verdict on an event."""

    event_id: str = Field(description="The event")
    verdict: Literal["fraud", "legitimate", "unsure"] = Field(description="What it turned out to be")
    arrived_at: datetime = Field(description="When it was said, UTC")
    source: str | None = Field(None, description="Who said so: chargeback, cardholder, or the person")
    scenario: str | None = Field(None, description="Kind of attack")
    episode_id: str | None = Field(None, description="The attack it is part of")
    note: str | None = Field(None, description="What the investigator noted")
    author: str | None = Field(None, description="Who labelled it here")


class DecisionDetail(BaseModel):
    """All that is known of a decided event."""

    decision: Decided = Field(description="The first decision, which acted")
    versions: list[Decided] = Field(description="Every decision of the event, the first one first")
    event: dict[str, Any] = Field(description="The payment as it was received: the transaction contract's fields")
    features: dict[str, Any] = Field(description="What was known when it was first decided, by feature")
    labels: list[LabelRow] = Field(description="What was said of it since")


class Rejected(BaseModel):
    """An event that could not be used."""

    source: str = Field(description="Where it came from")
    source_partition: int = Field(description="Partition there")
    source_offset: int = Field(description="Position there")
    received_at: datetime = Field(description="UTC")
    event_id: str | None = Field(None, description="Its id, where it has one")
    reject_reason: str = Field(description="The first fault")
    raw: str | None = Field(None, description="The bytes as text, for keys with the scope look")


class RejectedPage(BaseModel):
    """Rejected events, the latest first."""

    items: list[Rejected] = Field(description="At most `limit` of them")
    next: str | None = Field(None, description="`cursor` of the next page; null at the end")
