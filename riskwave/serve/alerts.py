"""What the API takes and answers of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from riskwave.alerts.acts import Act, Deed, Resolution
from riskwave.alerts.finding import ENTITIES, Notice, Order, Sought
from riskwave.serve.finding import naive

Status = Literal["open", "acknowledged", "closed"]
Severity = Literal["P0", "P1", "P2"]
Person = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True)]
Note = Annotated[str | None, Field(max_length=1_000, description="For those who read it later; kept in the audit")]
To = Annotated[Person | None, Field(description="Whom to; `me` is who asks; null: nobody")]
Until = Annotated[AwareDatetime, Field(description="When the snooze ends", examples=["2030-01-01T08:00:00Z"])]
How = Annotated[Resolution | None, Field(description="What it turned out to be")]


class AlertFilters(BaseModel):
    """What alerts are looked for. Times: from inclusive, to exclusive, by the event's own time."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    status: Status | None = Field(None, description="open: nobody has taken it")
    severity: Severity | None = Field(None, description="Of the most severe rule that fired")
    action: Literal["allow", "challenge", "review", "block"] | None = Field(
        None, description="What was decided; allow: by a later decision"
    )
    rule: str | None = Field(None, max_length=128, description="A rule that fired")
    card: str | None = Field(None, max_length=128, description="The card's token")
    device: str | None = Field(None, max_length=128, description="The device")
    ip: str | None = Field(None, max_length=128, description="The address")
    merchant: str | None = Field(None, max_length=128, description="The merchant")
    assignee: str | None = Field(None, max_length=128, description="Whose it is; `me` is who asks")
    unassigned: bool | None = Field(None, description="true: nobody's")
    snoozed: bool | None = Field(None, description="false: without those that are snoozed now")
    start: AwareDatetime | None = Field(None, alias="from", description="Events from then on")
    end: AwareDatetime | None = Field(None, alias="to", description="Events before then")
    order: Order = Field("newest", description="newest: the last raised first; urgent: by severity, then so")
    limit: int = Field(50, ge=1, le=500, description="How many")
    cursor: str | None = Field(None, max_length=500, description="`next` of the page before")

    def looked_at(self) -> list[str]:
        """The people's entities that are named: a search by one is a look at it."""
        named = {kind: getattr(self, kind) for kind in ENTITIES if kind != "merchant"}
        return [f"{kind}:{value}" for kind, value in named.items() if value is not None]

    def sought(self, who: str) -> Sought:
        """The same for the store."""
        given = self.model_dump(exclude={"limit", "cursor"})
        for name in ("start", "end"):
            given[name] = naive(given[name]) if given[name] is not None else None
        return Sought(**{**given, "assignee": who if self.assignee == "me" else self.assignee})


class AlertRow(BaseModel):
    """An alert: a flagged decision that somebody should look at. Tokens are masked without the scope look."""

    model_config = ConfigDict(title="Alert")

    event_id: str = Field(description="The event that raised it")
    version: int = Field(description="Of the decision it says: 1 for the one that acted, more for a later one")
    event_ts: datetime = Field(description="When the payment was made, UTC")
    action: str = Field(description="What was decided")
    severity: Severity = Field(description="Of the most severe rule that fired")
    card_id: str = Field(description="PAN token")
    device_id: str | None = Field(None, description="Device")
    ip: str | None = Field(None, description="Address")
    merchant_id: str | None = Field(None, description="Merchant")
    merchant_country: str | None = Field(None, description="ISO 3166-1 alpha-2")
    channel: str | None = Field(None, description="Where the payment was made")
    amount_minor: int | None = Field(None, description="Amount in minor units of the currency")
    currency: str | None = Field(None, description="ISO 4217")
    model_score: float | None = Field(None, description="Score of the model, 0 to 1")
    model_version: str | None = Field(None, description="The model")
    rule_ids: list[str] = Field(description="Rules that fired")
    reasons: list[str] = Field(description="A sentence a rule")
    decided_at: datetime | None = Field(None, description="When it was decided, UTC")
    raised_at: datetime = Field(description="When the alert was raised, UTC")
    status: Status = Field(description="open: nobody has taken it; acknowledged: somebody has")
    assignee: str | None = Field(None, description="Whose it is")
    snoozed_until: datetime | None = Field(None, description="Until when nobody is told of it, UTC; null: not snoozed")
    resolution: str | None = Field(
        None, description="Of a closed one: fraud, legitimate, unsure, duplicate; superseded: a later decision allows"
    )
    changed_at: datetime = Field(description="When somebody last did something about it, UTC")
    changed_by: str = Field(description="Who; riskwave where nobody did")
    route: str | None = Field(None, description="The route by which it is told of")
    notice: Notice = Field(
        description="waiting: to be told of, in a digest where it is throttled; sending: on its way; told; failed: "
        "given up, see the dead letters; snoozed; none: nobody is to be told"
    )


class AlertPage(BaseModel):
    """Alerts in the order asked for."""

    items: list[AlertRow] = Field(description="At most `limit` of them")
    next: str | None = Field(None, description="`cursor` of the next page; null at the end")


class AlertCounts(BaseModel):
    """How many alerts there are."""

    open: int = Field(description="Nobody has taken them; snoozed ones included")
    acknowledged: int = Field(description="Somebody has")
    closed: int = Field(description="Done with")
    snoozed: int = Field(description="Of those not closed")
    unassigned: int = Field(description="Of those not closed, nobody's")
    severities: dict[str, int] = Field(description="Of those not closed, by severity")


class AlertDeed(BaseModel):
    """Something that was done about an alert."""

    at: datetime = Field(description="When, UTC")
    who: str = Field(description="Who; riskwave where nobody did")
    what: str = Field(description="raised, superseded, acknowledged, assigned, snoozed, closed, reopened")
    note: str | None = Field(None, description="What was said with it")


class AlertDelivery(BaseModel):
    """A notification that has the alert, on its way to one receiver."""

    id: int = Field(description="The notification's number")
    kind: str = Field(description="alerts, digest or escalation")
    route: str = Field(description="The route")
    made_at: datetime = Field(description="When it was made, UTC")
    receiver: str = Field(description="To whom")
    state: Literal["waiting", "delivered", "dead"] = Field(description="dead: given up; it can be sent again")
    attempts: int = Field(description="How often it was tried")
    fault: str | None = Field(None, description="What went wrong last")
    delivered_at: datetime | None = Field(None, description="When it was taken, UTC")


class AlertDetail(AlertRow):
    """An alert with what was done about it and whom it was told."""

    model_config = ConfigDict(title="AlertDetail")

    history: list[AlertDeed] = Field(description="The oldest first")
    notifications: list[AlertDelivery] = Field(description="The oldest first, one a receiver")


class Noting(BaseModel):
    """What is said with it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"note": "calling the cardholder"}})

    note: Note = None


class Assigning(BaseModel):
    """Whose it shall be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"to": "ben", "note": "your merchant"}})

    to: To
    note: Note = None

    def act(self, who: str) -> Act:
        """The same for the store."""
        return Act("assign", self.note, to=who if self.to == "me" else self.to)


class Snoozing(BaseModel):
    """Until when."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"until": "2030-01-01T08:00:00Z", "note": "the bank opens"}}
    )

    until: Until
    note: Note = None

    def act(self) -> Act:
        """The same for the store."""
        return Act("snooze", self.note, until=naive(self.until))


class Closing(BaseModel):
    """What it turned out to be."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"resolution": "fraud", "note": "the cardholder called"}}
    )

    resolution: How = None
    note: Note = None

    def act(self) -> Act:
        """The same for the store."""
        return Act("close", self.note, resolution=self.resolution)


class Bulk(BaseModel):
    """What shall be done to which alerts."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"event_ids": ["e0000001", "e0000002"], "do": "close", "resolution": "duplicate"},
        },
    )

    event_ids: list[Annotated[str, Field(min_length=1, max_length=128)]] = Field(
        min_length=1, max_length=500, description="The events that raised them"
    )
    do: Deed = Field(description="What")
    to: To = None
    until: Until | None = None
    resolution: How = None
    note: Note = None

    @model_validator(mode="after")
    def _whole(self) -> Bulk:
        if (self.until is not None) != (self.do == "snooze"):
            raise ValueError("until: goes with snooze, and snooze with it")
        if self.to is not None and self.do != "assign":
            raise ValueError("to: goes with assign")
        if self.resolution is not None and self.do != "close":
            raise ValueError("resolution: goes with close")
        return self

    def act(self, who: str) -> Act:
        """The same for the store."""
        until = naive(self.until) if self.until is not None else None
        return Act(self.do, self.note, who if self.to == "me" else self.to, until, self.resolution)


class BulkResult(BaseModel):
    """What became of one alert."""

    event_id: str = Field(description="The event")
    status: Literal["done", "unknown", "refused"] = Field(description="unknown: there is no such alert")
    fault: str | None = Field(None, description="Why nothing was done to it")


class BulkResults(BaseModel):
    """What became of each, in the order they were named."""

    items: list[BulkResult] = Field(description="One an alert")
