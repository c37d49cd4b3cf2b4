"""Notifications on their way: sent again until they are taken, or given up where everybody can see it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from riskwave.alerts.message import message_of
from riskwave.alerts.moments import moment, stamp
from riskwave.alerts.receivers import Receiver, UndeliveredError
from riskwave.alerts.routes import Retry
from riskwave.alerts.store import AlertStore
from riskwave.errors import RiskwaveError

AT_ONCE = 100


def send_due(store: AlertStore, name: str, receiver: Receiver, retry: Retry, now: datetime) -> tuple[int, int]:
    """Send what is due to a receiver, in order; gives how many were taken, and how many were not.

    One that answers nothing is asked no more before its time: what waits for it goes on waiting, together.
    """
    taken = failed = 0
    due = store.rows(
        "select * from deliveries where receiver = ? and state = 'waiting' and next_at <= ? order by id limit ?",
        [name, stamp(now), AT_ONCE],
    )
    for delivery in due:
        try:
            receiver.send(message_of(store, delivery["notification"], tokens=receiver.tokens))
        except UndeliveredError as fault:
            failed += 1
            _undelivered(store, delivery, fault, retry, now)
            if not fault.refused:
                break
        else:
            taken += 1
            with store.writing() as connection:
                connection.execute(
                    "update deliveries set state = 'delivered', attempts = attempts + 1, fault = null, "
                    "delivered_at = ? where id = ?",
                    [stamp(now), delivery["id"]],
                )
    return taken, failed


def drop_unknown(store: AlertStore, names: list[str]) -> int:
    """Give up what waits for receivers that there are no more; gives how many."""
    marks = ", ".join("?" * len(names))
    with store.writing() as connection:
        return connection.execute(
            f"update deliveries set state = 'dead', fault = 'the routes have no such receiver any more' "
            f"where state = 'waiting' and receiver not in ({marks})",
            names,
        ).rowcount


def dead_letters(store: AlertStore) -> list[dict[str, Any]]:
    """Deliveries that were given up, the oldest first."""
    return store.rows(
        "select d.id, d.notification, n.kind, n.route, d.receiver, d.attempts, d.fault, d.since, "
        "(select count(*) from told as t where t.notification = n.id) as alerts "
        "from deliveries as d join notifications as n on d.notification = n.id where d.state = 'dead' order by d.id"
    )


def resend(store: AlertStore, ids: list[int] | None, now: datetime) -> int:
    """Put dead letters on their way again, all of them without ids; gives how many.

    Raises RiskwaveError for an id that is not that of a dead letter; then none is.
    """
    at = stamp(now)
    with store.writing() as connection:
        dead = {row["id"] for row in connection.execute("select id from deliveries where state = 'dead'").fetchall()}
        unknown = sorted(set(ids or ()) - dead)
        if unknown:
            raise RiskwaveError(
                f"{unknown[0]}: no dead letter has that number; `riskwave alerts deadletters` lists them"
            )
        wanted = dead if ids is None else set(ids)
        connection.executemany(
            "update deliveries set state = 'waiting', attempts = 0, refused = 0, next_at = ?, since = ? where id = ?",
            [[at, at, each] for each in sorted(wanted)],
        )
    return len(wanted)


def _undelivered(
    store: AlertStore, delivery: dict[str, Any], fault: UndeliveredError, retry: Retry, now: datetime
) -> None:
    with store.writing() as connection:
        over = moment(delivery["since"]) + retry.give_up <= now
        connection.execute(
            "update deliveries set attempts = attempts + 1, fault = ?, refused = ?, state = ?, next_at = ? "
            "where id = ?",
            [
                str(fault),
                fault.refused,
                "dead" if over else "waiting",
                stamp(now + backoff(retry, delivery["attempts"] + 1)),
                delivery["id"],
            ],
        )
        if not fault.refused:
            # The oldest says how long it has been away already.
            tried = connection.execute(
                "select coalesce(max(attempts), 1) from deliveries "
                "where receiver = ? and state = 'waiting' and not refused",
                [delivery["receiver"]],
            ).fetchone()[0]
            connection.execute(
                "update deliveries set next_at = ? where receiver = ? and state = 'waiting' and not refused",
                [stamp(now + backoff(retry, tried)), delivery["receiver"]],
            )


def backoff(retry: Retry, attempts: int) -> timedelta:
    """How long to wait after so many attempts."""
    return min(retry.first * 2 ** min(attempts - 1, 30), retry.longest)
