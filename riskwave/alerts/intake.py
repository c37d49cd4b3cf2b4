"""Decisions that become alerts, or change those there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from riskwave.alerts.moments import stamp
from riskwave.alerts.store import AlertStore, noted, reached

#: Who changes an alert where nobody does.
SYSTEM = "riskwave"
ACTIONS = ("allow", "challenge", "review", "block")
SEVERITIES = ("P0", "P1", "P2")
#: Of a flagged decision whose rules say none.
LEAST = SEVERITIES[-1]
#: What an alert says of its event: what the decision has, and what the payment has.
DECISION = (
    *("version", "event_ts", "action", "severity", "card_id", "model_score", "model_version", "rule_ids", "reasons"),
    "decided_at",
)
PAYMENT = ("device_id", "ip", "merchant_id", "merchant_country", "channel", "amount_minor", "currency")
FACTS = (*DECISION, *PAYMENT, "revision")


def take(store: AlertStore, source: str, decisions: Sequence[Mapping[str, Any]], token: str, now: datetime) -> int:
    """Keep what decisions say, and how far the source was read by them, all or nothing; gives the alerts raised.

    decisions: rows of the decision contract, with the payment's fields where they are known, in the order they were
    made; without a version, decided_at and revision say which is the later. One that is known already changes nothing:
    a source may give it again.
    """
    at = stamp(now)
    with store.writing() as connection:
        raised = sum(_take(connection, decision, at) for decision in decisions)
        reached(connection, source, token)
    return raised


def _take(connection: sqlite3.Connection, decision: Mapping[str, Any], at: str) -> bool:
    facts = _facts(decision)
    event_id = decision["event_id"]
    known = connection.execute("select * from alerts where event_id = ?", [event_id]).fetchone()
    if known is None:
        if facts["action"] == "allow":
            return False
        row = {
            "event_id": event_id,
            **facts,
            "version": facts["version"] or 1,
            "raised_at": at,
            "status": "open",
            "changed_at": at,
            "changed_by": SYSTEM,
            "waits_since": at,
            "open_since": at,
        }
        marks = ", ".join("?" * len(row))
        connection.execute(f"insert into alerts ({', '.join(row)}) values ({marks})", list(row.values()))
        noted(connection, event_id, at=at, who=SYSTEM, what="raised", note=f"{facts['action']}, {facts['severity']}")
        return True
    if facts["version"] is None and _moment(facts) > _moment(known):
        facts["version"] = known["version"] + 1
    if (facts["version"] or 0) > known["version"]:
        _supersede(connection, known, facts, at)
    return False


def _supersede(connection: sqlite3.Connection, known: sqlite3.Row, facts: dict[str, Any], at: str) -> None:
    """The alert says what the later decision says: over by itself when that allows, told of anew when it is worse."""
    change = dict(facts)
    worse = _rank(facts) > _rank(known)
    nobodys = known["status"] == "closed" and known["changed_by"] == SYSTEM
    if facts["action"] == "allow":
        if known["status"] == "open":
            change |= {"status": "closed", "resolution": "superseded", "changed_at": at, "changed_by": SYSTEM}
            change |= {"waits_since": None, "snoozed_until": None}
    elif nobodys or (worse and known["status"] != "closed"):
        change |= {"waits_since": at, "route": None, "open_since": at, "level": 0, "snoozed_until": None}
        if nobodys:
            change |= {"status": "open", "resolution": None, "changed_at": at, "changed_by": SYSTEM}
    # A decision without its payment beside it says nothing of the payment.
    change = {name: value for name, value in change.items() if value is not None or name not in PAYMENT}
    settings = ", ".join(f"{name} = ?" for name in change)
    connection.execute(f"update alerts set {settings} where id = ?", [*change.values(), known["id"]])
    note = f"version {facts['version']}: {facts['action']}, {facts['severity']}"
    noted(connection, known["event_id"], at=at, who=SYSTEM, what="superseded", note=note)


def _rank(row: Mapping[str, Any] | sqlite3.Row) -> tuple[int, int]:
    """How bad it is: severity, then action."""
    return -SEVERITIES.index(row["severity"]), ACTIONS.index(row["action"])


def _moment(row: Mapping[str, Any] | sqlite3.Row) -> tuple[str, int]:
    """When it was decided; within one barrier by what was known."""
    return row["decided_at"], row["revision"] or 0


def _facts(decision: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: decision.get(name) for name in FACTS}
    for name in ("event_ts", "decided_at"):
        value = facts[name]
        facts[name] = stamp(value) if isinstance(value, datetime) else value
    for name in ("rule_ids", "reasons"):
        facts[name] = orjson.dumps(list(facts[name] or ())).decode()
    facts["severity"] = facts["severity"] if facts["severity"] in SEVERITIES else LEAST
    return facts
