"""Brings a deployment to what the control store says, and a new store to what a deployment has."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from riskwave.control.checked import checked_pack
from riskwave.control.lists import add_entry
from riskwave.control.snapshot import stored
from riskwave.control.store import Control
from riskwave.control.thresholds import live_thresholds, set_threshold
from riskwave.control.warming import note_events
from riskwave.errors import RiskwaveError
from riskwave.project import project_dir
from riskwave.risingwave.entries import NEVER, until
from riskwave.risingwave.rules import compiled, look, span, take, wanted
from riskwave.risingwave.server import Server
from riskwave.risingwave.takeover import TABLE, Found, Step, in_force, plan, version_in_force
from riskwave.rules.dbt import PACK

#: More steps than any change takes.
MOST_STEPS = 100
#: Who an edit is by that was found on the server.
FOUND = "risingwave"
AS_FOUND = "as it is on RisingWave"


class InForce(NamedTuple):
    """What a sync did: the control_version that decisions name from then on, and the steps taken."""

    control_version: int
    steps: tuple[Step, ...]


def steps_left(control: Control, server: Server) -> list[Step]:
    """What a sync would do now."""
    return plan(look(server), wanted(control.snapshot()))


def sync(control: Control, server: Server, *, say: Callable[[Step], None] | None = None) -> InForce:
    """Put what the store says in force. Interrupted, the next one does what is left.

    Raises RiskwaveError where no ruleset is live, and where another store governs the deployment.
    """
    taken: list[Step] = []
    with _alone(control.path):
        snapshot = control.snapshot()
        statement = compiled(snapshot)
        goal = wanted(snapshot, statement)
        # To look costs as much as a step: it is done once before them, and once after.
        while steps := plan(look(server), goal):
            for step in steps:
                if len(taken) == MOST_STEPS:
                    where = server.address.shown
                    raise RiskwaveError(f"{where}: {step} is not done by doing it; look at that relation")
                if say:
                    say(step)
                take(server, step, goal, statement)
                taken.append(step)
    return InForce(goal.version, tuple(taken))


def adopt(path: Path, server: Server, *, author: str | None = None) -> list[str]:
    """Make a store with the shipped pack live, and with the thresholds and entries that are in force on the server.

    Gives a line for each value that it could not take. Raises RiskwaveError where another pack decides.
    """
    found = look(server)
    pack = checked_pack(project_dir() / PACK, cases=False)
    revision = pack.ruleset.revision
    if found.feed and in_force(found) and not found.feed.startswith(f"{revision}."):
        raise RiskwaveError(
            f"{server.address.shown}: {found.feed.split('.')[0]} decides there, and {PACK} here is {revision}: name "
            "the state whose control store governs it with --state, or check that revision out"
        )
    # A store that is half made would be taken for what is wanted.
    partial = Path(f"{path}.partial")
    for file in (partial, Path(f"{partial}-wal"), Path(f"{partial}-shm")):
        file.unlink(missing_ok=True)
    with Control.open(partial, initial=pack, author=author) as control:
        left = _take_over(control, found)
    partial.replace(path)
    return left


def _take_over(control: Control, found: Found) -> list[str]:
    left: list[str] = []
    table, now = found.thresholds.get(TABLE), version_in_force(found)
    row = (table.row or {}) if table else {}
    for one in live_thresholds(control):
        value = row.get(f"{one.rule}__{one.name}")
        if value is not None and stored(value) != one.value:
            try:
                set_threshold(control, one.rule, one.name, stored(value), why=AS_FOUND, author=FOUND)
            except RiskwaveError as fault:
                left.append(str(fault))
    for (name, text), entry in found.entries.items():
        end = until(entry, now)
        if end is not None:
            expires_at = None if end == NEVER else end
            try:
                add_entry(control, name, text, reason=entry.reason or AS_FOUND, expires_at=expires_at, author=FOUND)
            except RiskwaveError as fault:
                left.append(str(fault))
    # What decisions have named already stays named: versions go on from there.
    with control.writing(why=AS_FOUND, author=FOUND) as connection:
        connection.execute("update control set control_version = max(control_version, ?)", [now])
    return left


def known_events(control: Control, server: Server) -> None:
    """Tell the store since when events are known there, which new rules may have to wait for."""
    first, last = span(server)
    note_events(control, first, last)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Of those that put one store in force, one at a time; what the second finds is what the first did."""
    with Path(f"{path}.sync").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
