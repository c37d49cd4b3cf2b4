"""What people did and looked at, written to the control store's hash-chained audit log."""

from __future__ import annotations

from collections.abc import Iterable

from riskwave.control.schema import NOW
from riskwave.control.store import Control

_INSERT = (
    "insert into audit (at, author, why, what, subject, before, after, control_version) "
    f"select {NOW}, author, why, ?, ?, null, ?, control_version from control"
)


def write_look(control: Control, *, who: str, subject: str, route: str, why: str | None = None) -> None:
    """Note that somebody looked at an entity or an event, before it is shown."""
    write(control, who=who, what="look", subject=subject, after=route, why=why or f"looked at {subject}")


def write(control: Control, *, who: str, what: str, subject: str, after: str | None, why: str) -> None:
    """Add a row to the audit log, sealed by its hash."""
    write_all(control, who=who, what=what, subjects=[subject], after=after, why=why)


def write_all(control: Control, *, who: str, what: str, subjects: Iterable[str], after: str | None, why: str) -> None:
    """Add a row of the same for each subject."""
    with control.writing(why=why, author=who) as connection:
        connection.executemany(_INSERT, [[what, subject, after] for subject in subjects])
