"""Which notifications there shall be: alerts grouped, throttled, snoozed and escalated, by the time that is given."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson

from riskwave.alerts.finding import ENTITIES
from riskwave.alerts.moments import moment, stamp
from riskwave.alerts.routes import Route, Routes
from riskwave.alerts.store import AlertStore

MOST_ALERTS = 500  # of one notification; the others wait for the next
#: Escalations of a route are told of together, so often at most.
ESCALATE_EVERY = timedelta(minutes=1)

Row = sqlite3.Row


def plan(store: AlertStore, routes: Routes, now: datetime) -> int:
    """Make the notifications that are due, each alert in exactly one; gives how many.

    What is not due yet, throttled or snoozed waits, and stays visible as such. All or nothing is kept.
    """
    with store.writing() as connection:
        waiting: dict[str, list[Row]] = {}
        for alert in _waiting(connection, now):
            route = _routed(connection, routes, alert)
            if route is not None:
                waiting.setdefault(route.name, []).append(alert)
        made = 0
        for route in routes.routes:
            made += _tell(connection, route, waiting.get(route.name, []), now)
            made += _escalate(connection, route, now)
    return made


def make(
    connection: sqlite3.Connection,
    *,
    kind: str,
    route: str,
    entity: str,
    alerts: Iterable[tuple[str, str]],
    to: Sequence[str],
    now: datetime,
) -> int:
    """Put a notification on its way; alerts: event ids, each with the entity it was grouped by. Gives its number."""
    at = stamp(now)
    number = connection.execute(
        "insert into notifications (key, kind, route, entity, made_at) values (?, ?, ?, ?, ?) returning id",
        [uuid4().hex, kind, route, entity, at],
    ).fetchone()[0]
    connection.executemany(
        "insert into told values (?, ?, ?)", [[number, event_id, grouped] for event_id, grouped in alerts]
    )
    connection.executemany(
        "insert into deliveries (notification, receiver, state, next_at, since) values (?, ?, 'waiting', ?, ?)",
        [[number, receiver, at, at] for receiver in dict.fromkeys(to)],
    )
    return int(number)


def _waiting(connection: sqlite3.Connection, now: datetime) -> list[Row]:
    """Those to be told of, the most severe first, then the oldest."""
    return connection.execute(
        "select * from alerts where waits_since <= ? and status <> 'closed' order by severity, id", [stamp(now)]
    ).fetchall()


def _routed(connection: sqlite3.Connection, routes: Routes, alert: Row) -> Route | None:
    """The route of an alert, which is remembered; one that fits no route is not told of."""
    known = routes.named(alert["route"])
    if known is not None:
        return known
    found = routes.route_of(alert["severity"], alert["action"], orjson.loads(alert["rule_ids"]))
    if found is None:
        connection.execute("update alerts set waits_since = null, route = null where id = ?", [alert["id"]])
    else:
        connection.execute("update alerts set route = ? where id = ?", [found.name, alert["id"]])
    return found


def _tell(connection: sqlite3.Connection, route: Route, waiting: Sequence[Row], now: datetime) -> int:
    """A notification a group that is due, as long as there is room; what is beyond is in one digest."""
    groups: dict[str, list[Row]] = {}
    for alert in waiting:
        groups.setdefault(entity_of(route, alert), []).append(alert)
    due = [entity for entity, alerts in groups.items() if _is_due(connection, route, entity, alerts, now)]
    since = stamp(now - route.per)
    before = connection.execute(
        "select count(*) from notifications where route = ? and kind in ('alerts', 'digest') and made_at > ?",
        [route.name, since],
    ).fetchone()[0]
    room = route.most - before
    if not due or room <= 0:
        return 0
    alone = due if len(due) <= room else due[: room - 1]
    for entity in alone:
        _told(connection, route, "alerts", entity, [(entity, alert) for alert in groups[entity]], now)
    rest = due[len(alone) :]
    if rest:
        together = [(entity, alert) for entity in rest for alert in groups[entity]]
        _told(connection, route, "digest", "", together, now)
    return len(alone) + bool(rest)


def _told(
    connection: sqlite3.Connection,
    route: Route,
    kind: str,
    entity: str,
    alerts: Sequence[tuple[str, Row]],
    now: datetime,
) -> None:
    fitting = alerts[:MOST_ALERTS]
    make(
        connection,
        kind=kind,
        route=route.name,
        entity=entity,
        alerts=[(alert["event_id"], grouped) for grouped, alert in fitting],
        to=route.to,
        now=now,
    )
    connection.executemany(
        "update alerts set waits_since = null, snoozed_until = null where id = ?",
        [[alert["id"]] for _, alert in fitting],
    )


def _is_due(connection: sqlite3.Connection, route: Route, entity: str, alerts: Sequence[Row], now: datetime) -> bool:
    """Whether the first of a group has waited for others, and the group was not told of lately."""
    first = min(moment(alert["waits_since"]) for alert in alerts)
    if first + route.wait > now:
        return False
    last = connection.execute(
        "select max(n.made_at) from told as t join notifications as n on t.notification = n.id "
        "where t.entity = ? and n.route = ? and n.kind in ('alerts', 'digest')",
        [entity, route.name],
    ).fetchone()[0]
    return last is None or moment(last) + route.every <= now


def _escalate(connection: sqlite3.Connection, route: Route, now: datetime) -> int:
    """Tell others of what nobody has acted on, together."""
    made = 0
    for level, step in enumerate(route.escalate):
        name = f"level:{level + 1}"
        last = connection.execute(
            "select max(made_at) from notifications where route = ? and kind = 'escalation' and entity = ?",
            [route.name, name],
        ).fetchone()[0]
        if last is not None and moment(last) + max(route.every, ESCALATE_EVERY) > now:
            continue
        alerts = connection.execute(
            "select * from alerts where status = 'open' and route = ? and level = ? and open_since <= ? "
            "order by severity, id limit ?",
            [route.name, level, stamp(now - step.after), MOST_ALERTS],
        ).fetchall()
        if alerts:
            told = [(alert["event_id"], "") for alert in alerts]
            make(connection, kind="escalation", route=route.name, entity=name, alerts=told, to=step.to, now=now)
            connection.executemany(
                "update alerts set level = ? where id = ?", [[level + 1, alert["id"]] for alert in alerts]
            )
            made += 1
    return made


def entity_of(route: Route, alert: Row | dict[str, Any]) -> str:
    """What an alert is grouped by; one without a device, address or merchant stands for itself."""
    value = alert[ENTITIES[route.group_by]]
    return f"event:{alert['event_id']}" if value is None else f"{route.group_by}:{value}"
