"""What was decided about an event, and from what."""

from typing import Literal

from riskwave.contracts.fields import COUNTED, IDENTIFIER, Contract, UtcTimestamp, optional, required


class Decision(Contract):
    """A fact, never rewritten: a corrected event makes a new version that names the one it supersedes."""

    event_id: str = required("Event that was decided", **IDENTIFIER)
    version: int = required("1 for an event's first decision, then 2, 3, ...", ge=1)
    event_ts: UtcTimestamp = required("When the payment was made", unit="UTC", standard="ISO 8583 DE7")
    card_id: str = required("PAN token", standard="ISO 8583 DE2, tokenised", **IDENTIFIER)
    action: Literal["allow", "challenge", "review", "block"] = required(
        "What to do; precedence block > challenge > review > allow"
    )
    is_anomaly: bool = required("Whether the event is unusual, whatever the action")
    model_score: float | None = optional("Score of the model; null without one", ge=0, le=1, allow_inf_nan=False)
    model_version: str | None = optional("Model and version behind model_score", max_length=128)
    degraded: bool | None = optional("Whether a model was to score the event and could not: rules decided alone")
    shadow_scores: list[str] | None = optional("What each model version in the shadow says, as JSON")
    rule_ids: list[str] = required("Rules that fired, most severe first")
    reasons: list[str] = required("A sentence for each rule in rule_ids")
    severity: str | None = optional("Most severe of the fired rules (P1, P2, ...); null when none fired", max_length=16)
    ruleset_revision: str | None = optional("Revision of the ruleset that decided", max_length=128)
    ruleset_channel: str | None = optional("Channel whose rules decided (card_present, ecommerce, ...)", max_length=64)
    shadow_rule_ids: list[str] | None = optional("Rules in state shadow that would have fired")
    rule_vector: str | None = optional("Truth of every rule of the ruleset, in its order, one 0 or 1 each")
    shadow_rulesets: list[str] | None = optional("What each shadow ruleset would have decided, as JSON")
    control_version: int | None = optional("Names the thresholds, lists and rulesets in force", ge=0)
    history_from: UtcTimestamp | None = optional(
        "First event that was known: what looks back further was warming", unit="UTC"
    )
    warming_rule_ids: list[str] | None = optional("Of the rules that fired, in the shadow too, those that were warming")
    supersedes: int | None = optional("Version that this decision replaces; null for the first", ge=1)
    source: str | None = optional("Source the event was read from", max_length=1024)
    source_partition: int | None = optional("Partition in the source", **COUNTED)
    source_offset: int | None = optional("Position in the partition: Kafka offset, or line from 0", **COUNTED)
    decided_at: UtcTimestamp | None = optional("When the decision was made, by the engine's clock", unit="UTC")
