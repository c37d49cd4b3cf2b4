"""Which rules, with which thresholds and lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskwave.control import Control, Snapshot, control_path
from riskwave.control.carry import Carried, carry, specs
from riskwave.control.rulesets import find_revision, stored_ruleset
from riskwave.control.snapshot import RulesetInForce
from riskwave.errors import RiskwaveError
from riskwave.project import in_project
from riskwave.rules.check import CheckedRule, CheckedRuleset, check_ruleset
from riskwave.rules.lists import ListEntry, Lists
from riskwave.rules.pack import load_rules, parse_rules

if TYPE_CHECKING:
    from riskwave.backtest.then import Then


@dataclass(frozen=True)
class Given:
    """A ruleset to evaluate. values: thresholds by (rule, name), the pack's own for those not there; held: rules that
    act on no event before a time, as one decision met them; kept: what is said of thresholds that keep an edited value;
    then: thresholds and lists that each event met, in place of these.
    """

    name: str
    checked: CheckedRuleset
    values: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    lists: Lists = field(default_factory=Lists)
    held: Mapping[str, datetime] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    then: Then | None = None

    @property
    def revision(self) -> str:
        """The name of the ruleset's text."""
        return self.checked.ruleset.revision

    def thresholds(self, rule: CheckedRule) -> dict[str, Any]:
        """A rule's values by name."""
        return {t.name: self.values.get((rule.rule.rule, t.name), t.value) for t in rule.thresholds}


def given(named: str, state: Path | None, *, own: bool = False) -> Given:
    """The ruleset of a path, or of a revision (live, canary, …) with the thresholds in force.

    state: whose control store has the lists, the revisions, and the thresholds that were edited: a path's pack has the
    values that it would take if it were published now; own: its own instead. Raises RiskwaveError where there is no
    such ruleset.
    """
    store = None if state is None else control_path(state)
    named = str(in_project(Path(named)))
    is_path = Path(named).exists()
    if not is_path and (store is None or not store.is_file()):
        beside = f"{store} is not there" if store else "name the state that has it with --state"
        raise RiskwaveError(f"{named}: no such file or folder, and for a revision {beside}")
    if store is None or not store.is_file():
        return Given(named, check_ruleset(load_rules(Path(named))))
    with Control.open(store, read_only=True) as control:
        snapshot = control.snapshot()
        if is_path:
            return _as_published(named, check_ruleset(load_rules(Path(named))), snapshot, own=own)
        revision = find_revision(control, named)
        held = snapshot.of(revision)
        in_force = held.thresholds if held else {}
        return Given(named, check_ruleset(stored_ruleset(control, revision)), in_force, lists_of(snapshot))


def given_text(text: str, state: Path, *, name: str = "card") -> Given:
    """The ruleset that a text says, with the values that it would take if it were published now."""
    checked = check_ruleset(parse_rules(text, name=name))
    with Control.open(control_path(state), read_only=True) as control:
        return _as_published("the draft", checked, control.snapshot())


def _as_published(named: str, checked: CheckedRuleset, snapshot: Snapshot, *, own: bool = False) -> Given:
    carried = [] if own else _carried(checked, snapshot.live)
    values = {each.spec.key: each.value for each in carried}
    kept = tuple(str(each) for each in carried if each.how in ("kept", "reset"))
    return Given(named, checked, values, lists_of(snapshot), kept=kept)


def _carried(checked: CheckedRuleset, live: RulesetInForce | None) -> list[Carried]:
    """The values that publishing would give a pack."""
    if live is None:
        return []
    defaults = {spec.key: spec.value for spec in specs(check_ruleset(live.ruleset))}
    return carry(specs(checked), defaults, live.thresholds)


def lists_of(snapshot: Snapshot) -> Lists:
    """The lists of a snapshot, ready to be looked up."""
    return Lists.of(ListEntry(e.list_name, e.value, e.expires_at, e.low, e.high) for e in snapshot.lists)
