"""What was found out about an event, later."""

from typing import Literal

from riskwave.contracts.fields import IDENTIFIER, Contract, UtcTimestamp, optional, required


class Label(Contract):
    """A verdict on one event. It may be used only by what is decided after arrived_at."""

    event_id: str = required("Event the verdict is about", **IDENTIFIER)
    verdict: Literal["fraud", "legitimate"] = required("The verdict")
    arrived_at: UtcTimestamp = required("When the issuer learned it", unit="UTC")
    source: str | None = optional(
        "Who said so: chargeback, cardholder, investigator, ...",
        standard="ISO 20022 cafr.001 (fraud report)",
        max_length=32,
    )
    episode_id: str | None = optional("The attack the event is part of; null when legitimate", **IDENTIFIER)
    scenario: str | None = optional("Kind of attack; null when legitimate", max_length=64)
