"""Alerts found in the store."""

from __future__ import annotations

import base64
import binascii
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from riskwave.alerts.moments import moment, stamp
from riskwave.alerts.store import AlertStore
from riskwave.errors import RiskwaveError

#: Entities an alert is about, and their column.
ENTITIES = {"card": "card_id", "device": "device_id", "ip": "ip", "merchant": "merchant_id"}
#: Columns that are the store's own business.
INNER = ("id", "revision", "waits_since", "open_since", "level", "reached")
Order = Literal["newest", "urgent"]
Notice = Literal["waiting", "sending", "told", "failed", "snoozed", "none"]
#: How far telling of an alert has come: 2 at a receiver, 1 on its way, 0 given up; NULL where nobody was to be told.
_REACHED = (
    "(select max(case d.state when 'delivered' then 2 when 'waiting' then 1 else 0 end) from told as t "
    "join deliveries as d on d.notification = t.notification where t.event_id = alerts.event_id) as reached"
)


@dataclass(frozen=True)
class Sought:
    """What alerts are looked for; None is any. start, end: of the event's own time, the one inclusive, UTC."""

    status: str | None = None
    severity: str | None = None
    action: str | None = None
    rule: str | None = None
    card: str | None = None
    device: str | None = None
    ip: str | None = None
    merchant: str | None = None
    assignee: str | None = None
    unassigned: bool | None = None
    snoozed: bool | None = None
    start: datetime | None = None
    end: datetime | None = None
    order: Order = "newest"


def find(
    store: AlertStore, sought: Sought, now: datetime, *, limit: int, cursor: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of alerts, and the cursor of the next one; by number (newest), or severity and then number (urgent).

    Raises RiskwaveError for a cursor that is none.
    """
    where, given = _where(sought, now)
    keys = ("severity", "id") if sought.order == "urgent" else ("id",)
    if cursor is not None:
        last = _read_cursor(cursor, len(keys))
        if sought.order == "urgent":
            where.append("(severity > ? or (severity = ? and id < ?))")
            given += [last[0], last[0], last[1]]
        else:
            where.append("id < ?")
            given.append(last[0])
    order = "severity, id desc" if sought.order == "urgent" else "id desc"
    found = store.rows(
        f"select *, {_REACHED} from alerts where {' and '.join(where)} order by {order} limit ?", [*given, limit + 1]
    )
    following = None
    if len(found) > limit:
        found = found[:limit]
        following = _write_cursor([found[-1][key] for key in keys])
    return [shown(row, now) for row in found], following


def one(store: AlertStore, event_id: str, now: datetime) -> dict[str, Any] | None:
    """An alert with what was done about it and whom it was told; None where there is none."""
    with store.reading() as connection:
        found = connection.execute(f"select *, {_REACHED} from alerts where event_id = ?", [event_id]).fetchone()
        if found is None:
            return None
        deeds = connection.execute(
            "select at, who, what, note from deeds where event_id = ? order by id", [event_id]
        ).fetchall()
        notifications = connection.execute(
            "select n.id, n.kind, n.route, n.made_at, d.receiver, d.state, d.attempts, d.fault, d.delivered_at "
            "from told as t join notifications as n on t.notification = n.id "
            "join deliveries as d on d.notification = n.id where t.event_id = ? order by n.id, d.id",
            [event_id],
        ).fetchall()
    return {
        **shown(found, now),
        "history": [dict(row) for row in deeds],
        "notifications": [dict(row) for row in notifications],
    }


def counts(store: AlertStore, now: datetime) -> dict[str, Any]:
    """How many there are: by status, of those not closed by severity, snoozed, nobody's."""
    at = stamp(now)
    with store.reading() as connection:
        by_status = dict(connection.execute("select status, count(*) from alerts group by status").fetchall())
        by_severity = dict(
            connection.execute(
                "select severity, count(*) from alerts where status <> 'closed' group by severity"
            ).fetchall()
        )
        snoozed, nobodys = connection.execute(
            "select count(*) filter (where snoozed_until > ?), count(*) filter (where assignee is null) "
            "from alerts where status <> 'closed'",
            [at],
        ).fetchone()
    return {
        "open": by_status.get("open", 0),
        "acknowledged": by_status.get("acknowledged", 0),
        "closed": by_status.get("closed", 0),
        "snoozed": snoozed,
        "unassigned": nobodys,
        "severities": {name: by_severity.get(name, 0) for name in ("P0", "P1", "P2")},
    }


def shown(row: Mapping[str, Any] | sqlite3.Row, now: datetime) -> dict[str, Any]:
    """An alert as people and the API have it."""
    found = dict(row)
    until = found["snoozed_until"]
    snoozed = until is not None and moment(until) > now
    shown = {name: value for name, value in found.items() if name not in INNER}
    shown |= {name: orjson.loads(found[name]) for name in ("rule_ids", "reasons")}
    return {**shown, "snoozed_until": until if snoozed else None, "notice": _notice(found, snoozed=snoozed)}


def _notice(row: Mapping[str, Any], *, snoozed: bool) -> Notice:
    """How far telling of it has come: waiting ones are in a notification to come, throttled ones among them."""
    if snoozed:
        return "snoozed"
    if row["waits_since"] is not None:
        return "waiting"
    reached: dict[int | None, Notice] = {2: "told", 1: "sending", 0: "failed", None: "none"}
    return reached[row.get("reached")]


def _where(sought: Sought, now: datetime) -> tuple[list[str], list[Any]]:
    where: list[str] = ["true"]
    given: list[Any] = []

    def add(condition: str, *values: Any) -> None:
        where.append(condition)
        given.extend(values)

    for name in ("status", "severity", "action", "assignee"):
        value = getattr(sought, name)
        if value is not None:
            add(f"{name} = ?", value)
    for kind, column in ENTITIES.items():
        value = getattr(sought, kind)
        if value is not None:
            add(f"{column} = ?", value)
    if sought.rule is not None:
        add("exists (select 1 from json_each(rule_ids) where value = ?)", sought.rule)
    if sought.unassigned is not None:
        add(f"assignee is {'' if sought.unassigned else 'not '}null")
    if sought.snoozed is not None:
        add("(status <> 'closed' and coalesce(snoozed_until > ?, false)) = ?", stamp(now), sought.snoozed)
    if sought.start is not None:
        add("event_ts >= ?", stamp(sought.start))
    if sought.end is not None:
        add("event_ts < ?", stamp(sought.end))
    return where, given


def _write_cursor(keys: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(keys)).decode().rstrip("=")


def _read_cursor(text: str, length: int) -> list[Any]:
    try:
        *before, number = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if len(before) == length - 1 and all(isinstance(key, str) for key in before) and 0 <= int(number) < 2**63:
            return [*before, int(number)]
    except (ValueError, TypeError, binascii.Error):
        pass
    raise RiskwaveError("cursor: not one of a page; send what `next` of the page before says")
