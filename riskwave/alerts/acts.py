"""What people do about alerts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from riskwave.alerts.moments import stamp
from riskwave.alerts.store import AlertStore, noted

Deed = Literal["acknowledge", "assign", "close", "snooze", "reopen"]
Resolution = Literal["fraud", "legitimate", "unsure", "duplicate"]
#: What an alert's history says was done.
DONE: dict[Deed, str] = {
    "acknowledge": "acknowledged",
    "assign": "assigned",
    "close": "closed",
    "snooze": "snoozed",
    "reopen": "reopened",
}


@dataclass(frozen=True)
class Act:
    """Done to alerts. to: whom they are assigned to; until: the end of a snooze, UTC; resolution: of closing."""

    deed: Deed
    note: str | None = None
    to: str | None = None
    until: datetime | None = None
    resolution: Resolution | None = None


@dataclass(frozen=True)
class Result:
    """What became of one alert. fault: why nothing was done to it."""

    event_id: str
    status: Literal["done", "unknown", "refused"]
    fault: str | None = None


def act(store: AlertStore, event_ids: Sequence[str], what: Act, *, who: str, now: datetime) -> list[Result]:
    """Do something to alerts, each by itself; what was done is on the disk when this returns."""
    with store.writing() as connection:
        return [_one(connection, event_id, what, who, now) for event_id in dict.fromkeys(event_ids)]


def _one(connection: sqlite3.Connection, event_id: str, what: Act, who: str, now: datetime) -> Result:
    known = connection.execute("select * from alerts where event_id = ?", [event_id]).fetchone()
    if known is None:
        return Result(event_id, "unknown", f"{event_id[:128]}: no alert was raised by that event")
    closed = known["status"] == "closed"
    if closed != (what.deed == "reopen"):
        why = "is closed; reopen it first" if closed else "is not closed"
        return Result(event_id, "refused", f"{event_id}: {why}")
    if what.deed == "snooze" and (what.until is None or what.until <= now):
        return Result(event_id, "refused", f"{event_id}: a snooze ends later than now")
    at = stamp(now)
    change = {**_change(known, what, who, at), "changed_at": at, "changed_by": who}
    settings = ", ".join(f"{name} = ?" for name in change)
    connection.execute(f"update alerts set {settings} where id = ?", [*change.values(), known["id"]])
    said = [what.to, stamp(what.until) if what.until else None, what.resolution, what.note]
    note = "; ".join(part for part in said if part) or None
    noted(connection, event_id, at=at, who=who, what=DONE[what.deed], note=note)
    return Result(event_id, "done")


def _change(known: sqlite3.Row, what: Act, who: str, at: str) -> dict[str, Any]:
    # Whoever acts knows: nobody is to be told any more.
    taken = {"status": "acknowledged", "snoozed_until": None, "waits_since": None, "assignee": known["assignee"] or who}
    if what.deed == "acknowledge":
        return taken
    if what.deed == "assign":
        # Who takes it has seen it; whom it is given has yet to.
        return {**taken, "assignee": who} if what.to == who else {"assignee": what.to, "open_since": at, "level": 0}
    if what.deed == "close":
        return {"status": "closed", "resolution": what.resolution, "snoozed_until": None, "waits_since": None}
    if what.deed == "snooze":
        # Told of again when the snooze is over.
        until = stamp(what.until) if what.until else None
        return {"status": "open", "snoozed_until": until, "waits_since": until, "open_since": until, "level": 0}
    return {"status": "open", "resolution": None, "open_since": at, "level": 0}
