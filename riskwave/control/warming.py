"""Rules whose windows reach back before the history: which they are, until when, and whether they act meanwhile.

A ruleset that is the first to decide has nothing before it, and acts from its first event on. A rule that comes later,
new or looking back further than before, is held: recorded as a rule in the shadow is, until its windows are whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from riskwave.control.store import Control

if TYPE_CHECKING:
    from riskwave.rules.check import CheckedRuleset


@dataclass(frozen=True)
class WarmingRule:
    """A rule that reads a feature whose window begins before the history does.

    since: the history's first event; until: from when on the window is whole (both event time, UTC without a zone);
    acts: else it is held: recorded, and acts on nothing.
    """

    revision: str
    rule: str
    feature: str
    window: str
    since: datetime
    until: datetime
    acts: bool

    def __str__(self) -> str:
        does = "acts meanwhile" if self.acts else "recorded, acts from then on"
        return (
            f"{self.rule}: warming since {self.since:%Y-%m-%d %H:%M}, until {self.until:%Y-%m-%d %H:%M} (event time): "
            f"{self.feature} looks back {self.window}; {does}"
        )


def known_events(connection: sqlite3.Connection) -> tuple[datetime, datetime] | None:
    """Times of the state's first and last event (UTC without a zone); None before there are any."""
    row = connection.execute("select first_event, last_event from known_events").fetchone()
    return None if row is None else (datetime.fromisoformat(row[0]), datetime.fromisoformat(row[1]))


def warming_rules(control: Control, revision: str | None = None) -> list[WarmingRule]:
    """Rules of the rulesets in force, or of the one named, that are warming at the state's last event."""
    with control.reading() as connection:
        known = known_events(connection)
        if known is None:
            return []
        first, last = known
        rows = connection.execute(
            "select w.revision, w.rule, w.feature, w.window_name, w.seconds, h.until from rule_windows as w "
            "join ruleset_versions as v on v.revision = w.revision and v.until_version is null "
            "left join held_rules as h on h.revision = w.revision and h.rule = w.rule "
            "and h.control_version = v.control_version "
            "where v.state in ('live', 'canary', 'shadow') and (?1 is null or w.revision = ?1) order by w.rowid",
            [revision],
        ).fetchall()
    found = []
    for of, rule, feature, window, seconds, held in rows:
        until = first + timedelta(seconds=seconds) if held is None else datetime.fromisoformat(held)
        if until > last:
            found.append(WarmingRule(of, rule, feature, window, first, until, held is None))
    return found


def note_events(control: Control, first: datetime | None, last: datetime | None) -> bool:
    """Say when the state's first and last event were; False, and nothing is changed, while another writes."""
    if first is None or last is None:
        return control.note("delete from known_events")
    return control.note(
        "insert into known_events (one, first_event, last_event) values (1, ?, ?) on conflict do update "
        "set first_event = excluded.first_event, last_event = excluded.last_event",
        (first.isoformat(), last.isoformat()),
    )


def add_windows(connection: sqlite3.Connection, checked: CheckedRuleset) -> None:
    """Keep how far back a new revision's rules look."""
    from riskwave.rules.windows import reach

    for rule in checked.rules:
        far = reach(rule)
        if far is not None:
            connection.execute(
                "insert into rule_windows (revision, rule, feature, window_name, seconds, acts) "
                "values (?, ?, ?, ?, ?, ?)",
                [
                    *(checked.ruleset.revision, rule.rule.rule, far.feature, far.window),
                    *(int(far.length.total_seconds()), rule.rule.while_warming == "act"),
                ],
            )


def hold(connection: sqlite3.Connection, revision: str, live: str | None) -> None:
    """Hold, from now on, the rules of a revision that decides whose windows are not whole and new to what is live.

    live: the revision that was live before, None for the first; what was held there is new still.
    """
    known = known_events(connection)
    if known is None or live is None:
        return
    first, last = known
    version = connection.execute("select control_version from control").fetchone()[0]
    held = held_until(connection, live, version - 1)
    acting = {
        rule: seconds
        for rule, seconds in connection.execute("select rule, seconds from rule_windows where revision = ?", [live])
        if rule not in held or held[rule] <= last
    }
    for rule, seconds in connection.execute(
        "select rule, seconds from rule_windows where revision = ? and not acts", [revision]
    ).fetchall():
        until = first + timedelta(seconds=seconds)
        if until > last and acting.get(rule, -1) < seconds:
            _hold(connection, revision, rule, until)


def hold_as_before(connection: sqlite3.Connection, revision: str, version: int) -> None:
    """Hold what was held at a version."""
    for rule, until in held_until(connection, revision, version).items():
        _hold(connection, revision, rule, until)


def held_until(connection: sqlite3.Connection, revision: str, version: int | None = None) -> Mapping[str, datetime]:
    """Rules of a revision that act on no event before a time, now or at a version."""
    when = "v.until_version is null"
    if version is not None:
        when = "v.control_version <= :v and coalesce(v.until_version > :v, 1)"
    rows = connection.execute(
        "select h.rule, h.until from held_rules as h join ruleset_versions as v "
        "on v.revision = h.revision and v.control_version = h.control_version "
        f"where h.revision = :revision and {when} order by h.rule",
        {"revision": revision, "v": version},
    )
    return {rule: datetime.fromisoformat(until) for rule, until in rows}


def _hold(connection: sqlite3.Connection, revision: str, rule: str, until: datetime) -> None:
    connection.execute(
        "insert into held_rules (revision, control_version, rule, until) select ?, control_version, ?, ? from control",
        [revision, rule, until.isoformat()],
    )
