"""What a notification says: to people as text, to machines as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from riskwave.alerts.finding import shown
from riskwave.alerts.moments import moment
from riskwave.alerts.store import AlertStore
from riskwave.serve.mask import masked, without_tokens
from riskwave.sources.currencies import EXPONENTS

LINES = 10
#: What machines are told of an alert.
FIELDS = (
    *("event_id", "version", "event_ts", "action", "severity", "card_id", "device_id", "ip", "merchant_id"),
    *("merchant_country", "channel", "amount_minor", "currency", "model_score", "model_version", "rule_ids", "reasons"),
    *("decided_at", "raised_at", "status", "assignee"),
)


@dataclass(frozen=True)
class Message:
    """A notification's content. key: the same however often it is sent; alerts: the most severe first."""

    key: str
    kind: str
    route: str
    entity: str
    made_at: str
    alerts: Sequence[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "key": self.key,
            "kind": self.kind,
            "route": self.route,
            "entity": self.entity or None,
            "made_at": self.made_at,
            "alerts": list(self.alerts),
        }

    @property
    def title(self) -> str:
        """One line."""
        if self.kind == "test":
            return "Riskwave: a test"
        count = f"{len(self.alerts)} alert{'' if len(self.alerts) == 1 else 's'}"
        worst = self.alerts[0]
        about = {"escalation": "nobody has acted on ", "digest": "a digest of "}.get(self.kind, "")
        return f"{worst['severity']} {worst['action']}: {about}{count}{f' of {self.entity}' if self.entity else ''}"

    @property
    def text(self) -> str:
        """A line an alert, those that say the same together; the key at the end."""
        if self.kind == "test":
            lines = ["Whoever reads this is told of alerts here."]
        else:
            lines = [_line(alert) for alert in self.alerts[:LINES]]
            if len(self.alerts) > LINES:
                lines.append(f"and {len(self.alerts) - LINES} more")
        return "\n".join([*lines, f"notification {self.key}"])


def message_of(store: AlertStore, notification: int, *, tokens: bool) -> Message:
    """A notification as it is sent; tokens: with cards, devices and addresses as they are, not masked."""
    with store.reading() as connection:
        head = connection.execute("select * from notifications where id = ?", [notification]).fetchone()
        rows = connection.execute(
            "select a.* from told as t join alerts as a on t.event_id = a.event_id where t.notification = ? "
            "order by a.severity, a.id",
            [notification],
        ).fetchall()
    made = moment(head["made_at"])
    alerts = [{name: row[name] for name in FIELDS} for row in (shown(row, made) for row in rows)]
    entity = head["entity"] if head["kind"] == "alerts" else ""
    if not tokens:
        alerts = [without_tokens(alert) for alert in alerts]
        kind, _, name = entity.partition(":")
        if kind in ("card", "device", "ip"):
            entity = f"{kind}:{masked(name)}"
    return Message(head["key"], head["kind"], head["route"], entity, head["made_at"], alerts)


def _line(alert: dict[str, Any]) -> str:
    parts = [alert["severity"], alert["action"]]
    if alert["amount_minor"] is not None and alert["currency"]:
        decimals = EXPONENTS.get(alert["currency"], 2)
        parts.append(f"{alert['amount_minor'] / 10**decimals:,.{decimals}f} {alert['currency']}")
    if alert["merchant_id"]:
        parts.append(f"at {alert['merchant_id']}")
    at = alert["event_ts"][:19].replace("T", " ")
    return f"{' '.join(parts)}, {at} UTC: {'; '.join(alert['reasons']) or 'no reason given'} [{alert['event_id']}]"
