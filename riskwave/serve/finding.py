"""Decisions found in the state."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from riskwave.contracts import Decision
from riskwave.serve.problems import ProblemError
from riskwave.serve.reading import Reading
from riskwave.sources.batch import FIELDS

_DECISION = tuple(Decision.model_fields)
SHOWN = """
d.event_id, d.event_ts, d.card_id, s.amount_minor, s.currency, s.billing_amount_minor, s.merchant_id, s.merchant_name,
s.merchant_country,
s.channel, s.ip, s.device_id, s.mcc, s.latitude, s.longitude, d.action, d.is_anomaly, d.severity, d.model_score,
d.model_version, d.rule_ids, d.reasons, d.decided_at, l.verdict
"""
#: What an event turned out to be: fraud, where anybody ever said so.
VERDICTS = "(select event_id, min(verdict) as verdict, min(scenario) as scenario from labels group by event_id)"
#: Entities by the name they go by in paths, and their column.
ENTITIES = {"card": "card_id", "device": "device_id", "ip": "ip", "merchant": "merchant_id"}


class Filters(BaseModel):
    """What decisions are looked for. Times: from inclusive, to exclusive, by the event's own time."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: AwareDatetime | None = Field(None, alias="from", description="Events from then on")
    end: AwareDatetime | None = Field(None, alias="to", description="Events before then")
    action: Literal["allow", "challenge", "review", "block"] | None = Field(None, description="What was decided")
    flagged: bool | None = Field(None, description="true: any action but allow")
    rule: str | None = Field(None, max_length=128, description="A rule that fired")
    card: str | None = Field(None, max_length=128, description="The card's token")
    device: str | None = Field(None, max_length=128, description="The device")
    ip: str | None = Field(None, max_length=128, description="The address")
    merchant: str | None = Field(None, max_length=128, description="The merchant")
    min_score: float | None = Field(None, ge=0, le=1, description="The model's score at least")
    verdict: Literal["fraud", "legitimate"] | None = Field(None, description="What it turned out to be")
    limit: int = Field(50, ge=1, le=500, description="How many")
    cursor: str | None = Field(None, max_length=500, description="`next` of the page before")

    def looked_at(self) -> list[str]:
        """The people's entities that are named: a search by one is a look at it."""
        named = {"card": self.card, "device": self.device, "ip": self.ip}
        return [f"{kind}:{value}" for kind, value in named.items() if value is not None]


def search(reading: Reading, filters: Filters) -> dict[str, Any]:
    """A page of first decisions, the latest event first. Raises ProblemError for a cursor that is none."""
    where, given = ["d.version = 1"], dict[str, Any]()

    def add(condition: str, **values: Any) -> None:
        where.append(condition)
        given.update(values)

    if filters.start is not None:
        add("d.event_ts >= $start", start=naive(filters.start))
    if filters.end is not None:
        add("d.event_ts < $end", end=naive(filters.end))
    if filters.action is not None:
        add("d.action = $action", action=filters.action)
    if filters.flagged is not None:
        add("(d.action <> 'allow') = $flagged", flagged=filters.flagged)
    if filters.rule is not None:
        add("list_contains(d.rule_ids, $rule)", rule=filters.rule)
    for kind, column in ENTITIES.items():
        value = getattr(filters, kind)
        if value is not None:
            add(f"s.{column} = ${kind}", **{kind: value})
    if filters.min_score is not None:
        add("d.model_score >= $min_score", min_score=filters.min_score)
    if filters.verdict is not None:
        add("l.verdict = $verdict", verdict=filters.verdict)
    if filters.cursor is not None:
        moment, event_id = read_cursor(filters.cursor)
        add("(d.event_ts, d.event_id) < ($after_ts, $after_id)", after_ts=moment, after_id=event_id)
    rows = reading.rows(
        f"select {SHOWN} from decisions as d join stg_payments as s on d.event_id = s.event_id "
        f"left join {VERDICTS} as l on d.event_id = l.event_id where {' and '.join(where)} "
        f"order by d.event_ts desc, d.event_id desc limit {filters.limit + 1}",
        given,
    )
    return paged(rows, filters.limit)


def detail(reading: Reading, event_id: str) -> dict[str, Any] | None:
    """All that is known of an event, tokens and all; None for one that was not decided."""
    given = {"event_id": event_id}
    versions = reading.rows(
        f"select {', '.join(_DECISION)} from decisions where event_id = $event_id order by version", given
    )
    if not versions:
        return None
    known = reading.rows("select * from decision_input where event_id = $event_id and version = 1", given)
    event = reading.rows(f"select {', '.join(FIELDS)} from stg_payments where event_id = $event_id", given)
    labels = reading.rows(
        "select event_id, verdict, arrived_at, source, scenario, episode_id from labels where event_id = $event_id "
        "order by arrived_at",
        given,
    )
    return {
        "decision": versions[0],
        "versions": versions,
        "event": event[0] if event else {},
        "features": known[0] if known else {},
        "labels": labels,
    }


def paged(rows: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """One row more than the page was asked for, as the page and where the next begins."""
    items = rows[:limit]
    more = len(rows) > limit
    return {"items": items, "next": write_cursor(items[-1]["event_ts"], items[-1]["event_id"]) if more else None}


def naive(moment: datetime) -> datetime:
    """UTC without a zone, as the state has it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def write_cursor(moment: datetime, name: str) -> str:
    """Where a page ended."""
    return base64.urlsafe_b64encode(orjson.dumps([moment.isoformat(), name])).decode().rstrip("=")


def read_cursor(text: str) -> tuple[datetime, str]:
    """Where the page before ended. Raises ProblemError 422 for what is none."""
    try:
        moment, name = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return datetime.fromisoformat(moment).replace(tzinfo=None), str(name)
    except (ValueError, TypeError, binascii.Error, AttributeError):
        raise ProblemError(422, "cursor: not one of a page; send what `next` of the page before says") from None
