"""The audit log: append-only rows, each sealed by a hash over itself and the seal before."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

_COLUMNS = "a.id, a.at, a.author, a.why, a.what, a.subject, a.before, a.after, a.control_version"


@dataclass(frozen=True)
class Entry:
    """One change: at is UTC; before and after are texts, JSON for list entries, None for what was not there."""

    id: int
    at: str
    author: str
    why: str | None
    what: str
    subject: str
    before: str | None
    after: str | None
    control_version: int


@dataclass(frozen=True)
class Verification:
    """Whether the log is as it was written.

    rows: in the log; unsealed: the last ones, not yet hashed; head: the last seal, to be noted elsewhere; broken: the
    id of the first row that was changed, removed or put in later, None when there is none.
    """

    rows: int
    unsealed: int
    head: str
    broken: int | None

    @property
    def intact(self) -> bool:
        """Whether no row was changed, removed or put in between."""
        return self.broken is None


def entries(
    connection: sqlite3.Connection, *, subject: str | None = None, what: Iterable[str] = (), last: int | None = None
) -> list[Entry]:
    """The log, oldest first: all of it, of one subject (a rule has its thresholds), or the last so many."""
    kinds = list(what)
    where = ["1"]
    given: list[str | int] = []
    if subject is not None:
        where.append("(subject = ? or subject like ? escape '\\' or subject like ? escape '\\')")
        pattern = subject.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        given += [subject, f"{pattern}.%", f"{pattern}@%"]
    if kinds:
        where.append(f"what in ({', '.join('?' * len(kinds))})")
        given += kinds
    query = f"select {_COLUMNS} from audit as a where {' and '.join(where)} order by a.id desc"
    if last is not None:
        query += " limit ?"
        given.append(last)
    return [Entry(*row) for row in reversed(connection.execute(query, given).fetchall())]


def seal(connection: sqlite3.Connection, most: int = -1) -> int:
    """Hash the rows that are not yet, at most so many; within a transaction of the caller. Gives how many."""
    last, previous = connection.execute("select id, hash from audit_seals order by id desc limit 1").fetchone() or (
        0,
        "",
    )
    rows = connection.execute(
        f"select {_COLUMNS} from audit as a where a.id > ? order by a.id limit ?", [last, most]
    ).fetchall()
    for row in rows:
        previous = _hash(previous, row)
        connection.execute("insert into audit_seals (id, hash) values (?, ?)", [row[0], previous])
    return len(rows)


def verify(connection: sqlite3.Connection) -> Verification:
    """Hash the log anew and compare."""
    rows = connection.execute(
        f"select s.id, s.hash, {_COLUMNS} from audit as a left join audit_seals as s on s.id = a.id "
        "union all select s.id, s.hash, s.id, null, null, null, null, null, null, null, null from audit_seals as s "
        "where s.id not in (select id from audit) order by 3"
    ).fetchall()
    sealed = max((row[0] for row in rows if row[0] is not None), default=0)
    previous, broken, unsealed = "", None, 0
    for seal_id, kept, *row in rows:
        if seal_id is None and row[0] > sealed:
            unsealed += 1
            continue
        previous = _hash(previous, tuple(row))
        if previous != kept and broken is None:
            broken = row[0]
    return Verification(len(rows), unsealed, previous, broken)


def _hash(previous: str, row: tuple[object, ...]) -> str:
    said = json.dumps([previous, *row], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
