"""The lifecycle of rulesets: published, approved, promoted, rolled back, retired; each in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from riskwave.control.carry import Carried, Spec, carry, restore, specs, stored_specs
from riskwave.control.identity import identity
from riskwave.control.schema import NOW
from riskwave.control.snapshot import ACTIVE, Key, Value, stored, typed
from riskwave.control.store import Control
from riskwave.control.warming import add_windows, hold, hold_as_before
from riskwave.errors import RiskwaveError
from riskwave.rules.check import CheckedRuleset


@dataclass(frozen=True)
class Move:
    """A ruleset that took a state, or asks for it.

    before: its state before, None for a new one; replaced: the revision it took the place of; thresholds: its values,
    in the pack's order; pending: it waits for a second identity's approval, and nothing has changed yet.
    """

    revision: str
    state: str
    share: float | None
    before: str | None
    replaced: str | None
    thresholds: tuple[Carried, ...]
    pending: bool
    control_version: int


def publish(
    control: Control,
    checked: CheckedRuleset,
    *,
    why: str,
    author: str | None = None,
    state: str = "live",
    share: float | None = None,
    if_empty: bool = False,
) -> Move:
    """Give a checked ruleset a state: live, canary (with a share of cards) or shadow.

    Thresholds that were edited keep their values where the new ruleset allows them. With approvals required the
    ruleset waits as a draft until another identity approves. if_empty: only as the first ruleset of the store; else
    what is live stays. Raises RiskwaveError when it has that state already.
    """
    _check_share(state, share)
    ruleset = checked.ruleset
    with control.writing(why=why, author=author) as connection:
        first = connection.execute("select 1 from rulesets limit 1").fetchone() is None
        if if_empty and not first:
            live = _holder(connection, "live")
            return _move(connection, live or "", "live", None, live, None, (), pending=False)
        before = _state(connection, ruleset.revision)
        if before is None:
            _add(connection, checked)
        elif before[0] == state and before[1] == share:
            raise RiskwaveError(f"{ruleset.revision}: is {shared(state, share)} already; nothing to publish")
        elif before[0] == "live":
            raise RiskwaveError(
                f"{ruleset.revision}: is what decides now, and these rules are the same; change a rule first, or "
                "publish another revision live"
            )
        if _approvals(connection) and not first:
            return _request(connection, ruleset.revision, state, share, before[0] if before else None)
        return _activate(connection, ruleset.revision, state, share, before[0] if before else None)


def draft(control: Control, checked: CheckedRuleset, *, why: str, author: str | None = None) -> Move:
    """Keep a checked ruleset as a draft, which decides nothing. Raises RiskwaveError when the store has it already."""
    with control.writing(why=why, author=author) as connection:
        revision = checked.ruleset.revision
        before = _state(connection, revision)
        if before is not None:
            raise RiskwaveError(f"{revision}: is {shared(*before)} already; nothing to keep")
        _add(connection, checked)
        return _move(connection, revision, "draft", None, None, None, (), pending=False)


def approve(control: Control, revision: str, *, author: str | None = None, why: str | None = None) -> Move:
    """Let a waiting revision take the state it asks for. Raises RiskwaveError for its own author."""
    who = identity(author)
    asked = control.query("select author, why from approvals where revision = ? and status = 'pending'", (revision,))
    said = f"{why or asked[0][1]} (asked for by {asked[0][0]})" if asked else "approve"
    with control.writing(why=said, author=who) as connection:
        row = connection.execute(
            "select id, state, share, author from approvals where revision = ? and status = 'pending'", [revision]
        ).fetchone()
        if row is None:
            raise RiskwaveError(f"{revision}: nothing waits for approval; `riskwave rules list` shows what does")
        request, state, share, asker = row
        if asker.casefold() == who.casefold():
            raise RiskwaveError(f"{revision}: {who} asked for it and cannot approve it; another identity must")
        _close_request(connection, request, "approved", who)
        _audit(connection, "approval", revision, "pending", f"{shared(state, share)}, approved by {who}")
        before = _state(connection, revision)
        return _activate(connection, revision, state, share, before[0] if before else None)


def promote(control: Control, revision: str | None = None, *, why: str, author: str | None = None) -> Move:
    """Make the canary, or the canary or shadow named, live with its own thresholds' values."""
    with control.writing(why=why, author=author) as connection:
        chosen = revision or _holder(connection, "canary")
        if chosen is None:
            raise RiskwaveError("there is no canary to promote; name a shadow's revision, or publish with --canary 10%")
        found = _known(connection, chosen)
        if found[0] not in ("canary", "shadow"):
            raise RiskwaveError(f"{chosen}: is {found[0]}; only a canary or shadow is promoted")
        if _approvals(connection):
            return _request(connection, chosen, "live", None, found[0])
        return _activate(connection, chosen, "live", None, found[0])


def rollback(control: Control, *, why: str, author: str | None = None, to: str | None = None) -> Move:
    """Make the revision that was live before live again, with the thresholds it had; never waits for an approval.

    to: another revision that was live once. Raises RiskwaveError when there is none.
    """
    with control.writing(why=why, author=author) as connection:
        live = connection.execute("select revision, previous from rulesets where state = 'live'").fetchone()
        target = to or (live[1] if live else None)
        if target is None:
            raise RiskwaveError("no revision was live before this one; publish one, or name it with --to")
        found = _known(connection, target)
        if found[0] == "live":
            raise RiskwaveError(f"{target}: is live already")
        until = connection.execute(
            "select max(until_version) from ruleset_versions where revision = ? and state = 'live'", [target]
        ).fetchone()[0]
        if until is None:
            raise RiskwaveError(f"{target}: was never live; promote or publish it instead")
        values = _values(connection, target, until - 1)
        carried = tuple(restore(_specs(connection, target), values))
        return _activate(connection, target, "live", None, found[0], carried=carried, back=until - 1)


def retire(control: Control, revision: str, *, why: str, author: str | None = None) -> Move:
    """End a canary, a shadow, or a draft with its request for approval. Raises RiskwaveError for what is live."""
    with control.writing(why=why, author=author) as connection:
        found = _known(connection, revision)
        if found[0] in ("live", "retired"):
            fix = "publish another, or roll back" if found[0] == "live" else "nothing to do"
            raise RiskwaveError(f"{revision}: is {found[0]}; {fix}")
        _withdraw(connection, revision)
        _retire(connection, revision)
        return _move(connection, revision, "retired", None, found[0], None, (), pending=False)


def set_approvals(control: Control, value: str, *, why: str, author: str | None = None) -> None:
    """Whether a second identity must approve: off or required. What waits already still waits."""
    with control.writing(why=why, author=author) as connection:
        connection.execute("update settings set value = ? where name = 'approvals' and value <> ?1", [value])


def shared(state: str, share: float | None) -> str:
    """A state in words: `canary 10%`."""
    return state if share is None else f"{state} {share * 100:g}%"


def _activate(
    connection: sqlite3.Connection,
    revision: str,
    state: str,
    share: float | None,
    before: str | None,
    *,
    carried: tuple[Carried, ...] | None = None,
    back: int | None = None,
) -> Move:
    """Give a revision that the store has its state; what has it now is retired. back: to what it was at a version."""
    live = _holder(connection, "live")
    replaced = live if state == "live" else _holder(connection, "canary") if state == "canary" else None
    _withdraw(connection, revision)
    if carried is None and before not in ACTIVE:
        carried = _carried(connection, revision, live)
    if replaced is not None and replaced != revision:
        _retire(connection, replaced)
    if carried is not None:
        _set_values(connection, revision, carried)
    connection.execute("update rulesets set state = ?, share = ? where revision = ?", [state, share, revision])
    if back is not None:
        hold_as_before(connection, revision, back)
    elif state != "shadow":
        hold(connection, revision, live)
    if state == "live" and back is None:
        connection.execute("update rulesets set previous = ? where revision = ?", [live, revision])
    return _move(connection, revision, state, share, before, replaced, carried or (), pending=False)


def thresholds_of(control: Control, revision: str) -> dict[Key, str]:
    """A revision's values in force; of one that is not in force, those that it would be published with now."""
    with control.reading() as connection:
        found = _state(connection, revision)
        if found is not None and found[0] in ACTIVE:
            return {key: stored(value) for key, value in _values(connection, revision).items()}
        return {
            each.spec.key: stored(each.value) for each in _carried(connection, revision, _holder(connection, "live"))
        }


def _carried(connection: sqlite3.Connection, revision: str, live: str | None) -> tuple[Carried, ...]:
    """The values that a revision takes after those of the live one."""
    new = _specs(connection, revision)
    defaults = {spec.key: spec.value for spec in _specs(connection, live)} if live else {}
    return tuple(carry(new, defaults, _values(connection, live) if live else {}))


def _request(
    connection: sqlite3.Connection, revision: str, state: str, share: float | None, before: str | None
) -> Move:
    _withdraw(connection, revision)
    connection.execute(
        "insert into approvals (revision, state, share, author, why, requested_at) "
        f"select ?, ?, ?, author, why, {NOW} from control",
        [revision, state, share],
    )
    if before == "retired":
        connection.execute("update rulesets set state = 'draft' where revision = ?", [revision])
    _audit(connection, "approval", revision, before, f"pending: {shared(state, share)}")
    return _move(connection, revision, state, share, before, None, (), pending=True)


def _withdraw(connection: sqlite3.Connection, revision: str) -> None:
    for (request,) in connection.execute(
        "select id from approvals where revision = ? and status = 'pending'", [revision]
    ).fetchall():
        who = connection.execute("select author from control").fetchone()[0]
        _close_request(connection, request, "withdrawn", who)
        _audit(connection, "approval", revision, "pending", "withdrawn")


def _close_request(connection: sqlite3.Connection, request: int, status: str, who: str) -> None:
    connection.execute(
        f"update approvals set status = ?, decided_by = ?, decided_at = {NOW} where id = ?", [status, who, request]
    )


def _add(connection: sqlite3.Connection, checked: CheckedRuleset) -> None:
    ruleset = checked.ruleset
    connection.execute(
        "insert into rulesets (revision, text, state, rules, author, why, created_at) "
        f"select ?, ?, 'draft', ?, author, why, {NOW} from control",
        [ruleset.revision, ruleset.text, len(ruleset.rules)],
    )
    connection.executemany(
        "insert into ruleset_thresholds (revision, position, rule, name, kind, value, min, max, unit) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (ruleset.revision, at, s.rule, s.name, s.kind, stored(s.value), s.min, s.max, s.unit)
            for at, s in enumerate(specs(checked))
        ],
    )
    add_windows(connection, checked)


def _set_values(connection: sqlite3.Connection, revision: str, carried: Sequence[Carried]) -> None:
    connection.execute("delete from thresholds where revision = ?", [revision])
    connection.executemany(
        "insert into thresholds (revision, rule, name, value, kind, min, max, unit) values (?, ?, ?, ?, ?, ?, ?, ?)",
        [(revision, *c.spec.key, stored(c.value), c.spec.kind, c.spec.min, c.spec.max, c.spec.unit) for c in carried],
    )


def _retire(connection: sqlite3.Connection, revision: str) -> None:
    connection.execute("update rulesets set state = 'retired', share = null where revision = ?", [revision])
    connection.execute("delete from thresholds where revision = ?", [revision])


def _audit(connection: sqlite3.Connection, what: str, subject: str, before: str | None, after: str | None) -> None:
    connection.execute(
        "insert into audit (at, author, why, what, subject, before, after, control_version) "
        f"select {NOW}, author, why, ?, ?, ?, ?, control_version from control",
        [what, subject, before, after],
    )


def _move(
    connection: sqlite3.Connection,
    revision: str,
    state: str,
    share: float | None,
    before: str | None,
    replaced: str | None,
    carried: tuple[Carried, ...],
    *,
    pending: bool,
) -> Move:
    version = connection.execute("select control_version from control").fetchone()[0]
    return Move(revision, state, share, before, replaced, carried, pending, version)


def _specs(connection: sqlite3.Connection, revision: str) -> tuple[Spec, ...]:
    return stored_specs(
        connection.execute(
            "select rule, name, kind, value, min, max, unit from ruleset_thresholds where revision = ? "
            "order by position",
            [revision],
        )
    )


def _values(connection: sqlite3.Connection, revision: str, version: int | None = None) -> Mapping[Key, Value]:
    """A revision's values now, or at a version."""
    when = "until_version is null"
    if version is not None:
        when = "control_version <= :v and coalesce(until_version > :v, 1)"
    rows = connection.execute(
        f"select rule, name, kind, value from threshold_versions where revision = :revision and {when}",
        {"revision": revision, "v": version},
    )
    return {(rule, name): typed(kind, value) for rule, name, kind, value in rows}


def _holder(connection: sqlite3.Connection, state: str) -> str | None:
    row = connection.execute("select revision from rulesets where state = ?", [state]).fetchone()
    return str(row[0]) if row else None


def _state(connection: sqlite3.Connection, revision: str) -> tuple[str, float | None] | None:
    row = connection.execute("select state, share from rulesets where revision = ?", [revision]).fetchone()
    return (str(row[0]), row[1]) if row else None


def _known(connection: sqlite3.Connection, revision: str) -> tuple[str, float | None]:
    found = _state(connection, revision)
    if found is None:
        raise RiskwaveError(f"{revision}: no such revision; `riskwave rules list` shows them")
    return found


def _approvals(connection: sqlite3.Connection) -> bool:
    row = connection.execute("select value from settings where name = 'approvals'").fetchone()
    return bool(row[0] == "required")


def _check_share(state: str, share: float | None) -> None:
    if state not in ACTIVE:
        raise RiskwaveError(f"{state}: no state to publish to; expected {', '.join(ACTIVE)}")
    if (state == "canary") != (share is not None):
        raise RiskwaveError("a canary has a share of the cards, and nothing else has; such as --canary 10%")
    if share is not None and not 0 < share < 1:
        raise RiskwaveError(f"--canary {share:.0%}: expected more than 0% and less than 100%; for all use --live")
