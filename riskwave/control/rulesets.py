"""Rulesets in the store, and their history."""

from __future__ import annotations

from dataclasses import dataclass, replace

from riskwave.control.snapshot import ACTIVE
from riskwave.control.store import Control
from riskwave.control.warming import WarmingRule, warming_rules
from riskwave.errors import RiskwaveError
from riskwave.rules.pack import Ruleset, parse_rules


@dataclass(frozen=True)
class Known:
    """A ruleset of the store. share: of cards, of a canary; author, why: of the state it has; waits_for: the state it
    asks to be approved for; warming: its rules whose windows begin before the history.
    """

    revision: str
    state: str
    share: float | None
    rules: int
    author: str
    why: str
    created_at: str
    waits_for: str | None
    warming: tuple[WarmingRule, ...] = ()


@dataclass(frozen=True)
class Spell:
    """A time that a ruleset had a state; valid_to and until_version are None while it lasts."""

    revision: str
    state: str
    share: float | None
    control_version: int
    until_version: int | None
    valid_from: str
    valid_to: str | None
    author: str
    why: str | None


def known_rulesets(control: Control) -> list[Known]:
    """Every ruleset: live, canary, shadow, draft, retired, the last made first."""
    rows = control.query(
        "select r.revision, r.state, r.share, r.rules, coalesce(v.author, r.author), coalesce(v.why, r.why), "
        "r.created_at, a.state from rulesets as r "
        "left join ruleset_versions as v on v.revision = r.revision and v.until_version is null "
        "left join approvals as a on a.revision = r.revision and a.status = 'pending' "
        "order by case r.state when 'live' then 0 when 'canary' then 1 when 'shadow' then 2 when 'draft' then 3 "
        "else 4 end, r.created_at desc, r.rowid desc"
    )
    warming = warming_rules(control)
    return [replace(Known(*row), warming=tuple(each for each in warming if each.revision == row[0])) for row in rows]


def ruleset_history(control: Control, revision: str | None = None) -> list[Spell]:
    """Every state that rulesets had, oldest first."""
    rows = control.query(
        "select revision, state, share, control_version, until_version, valid_from, valid_to, author, why "
        "from ruleset_versions where ?1 is null or revision = ?1 order by id",
        (revision,),
    )
    if not rows and revision is not None:
        raise RiskwaveError(f"{revision}: no such revision; `riskwave rules list` shows them")
    return [Spell(*row) for row in rows]


def find_revision(control: Control, named: str) -> str:
    """The revision that live, canary, a revision or the beginning of one names. Raises RiskwaveError for none."""
    if named in ACTIVE:
        rows = control.query("select revision from rulesets where state = ?", (named,))
    else:
        rows = control.query("select revision from rulesets where substr(revision, 1, length(?1)) = ?1", (named,))
    if len(rows) != 1:
        found = ", ".join(row[0] for row in rows)
        fix = f"name one of {found}" if rows else "`riskwave rules list` shows what there is"
        raise RiskwaveError(f"{named}: {'more than one' if rows else 'no such'} revision or file; {fix}")
    return str(rows[0][0])


def stored_ruleset(control: Control, named: str) -> Ruleset:
    """The rules of a revision, named as `find_revision` takes it."""
    revision = find_revision(control, named)
    text = control.query("select text from rulesets where revision = ?", (revision,))[0][0]
    return parse_rules(text, name=revision.rpartition("-")[0])
