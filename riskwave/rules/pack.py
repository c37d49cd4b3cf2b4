"""Rule packs: files of rules and channels, read into models that know where each was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, field_validator

if TYPE_CHECKING:
    from riskwave.rules.check import CheckedRuleset

Action = Literal["allow", "challenge", "review", "block"]
Severity = Literal["P0", "P1", "P2"]
State = Literal["draft", "shadow", "live"]
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Value = StrictBool | StrictInt | StrictFloat | StrictStr | datetime | None

#: A rule, threshold or channel: it becomes part of a column's name, `<rule>__<threshold>`.
NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
#: The channel of a pack that declares none.
ANY_CHANNEL = "any"


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Written):
    """A named bound that analysts edit while the stream runs.

    min, max: what edits must keep to; unit: that of the column it is compared with, checked when given.
    """

    value: Scalar
    min: StrictInt | StrictFloat | None = None
    max: StrictInt | StrictFloat | None = None
    unit: StrictStr | None = None
    description: StrictStr = ""


class Case(_Written):
    """A literal test of a rule: columns that are not in `given` are NULL.

    thresholds: values in place of the defaults; lists: entries of the lists that the rule reads, by list.
    """

    given: dict[str, Value]
    expect: Literal["fired", "not fired"]
    thresholds: dict[str, Scalar] = {}
    lists: dict[str, tuple[StrictStr, ...]] = {}
    description: StrictStr = ""


class Rule(_Written):
    """A named predicate, and what happens where it holds.

    while_warming: what it does, where it is new, until its windows lie within the history: it is recorded (hold), or
    acts; where: `file:line`, for messages; no part of what the rule says.
    """

    rule: StrictStr = Field(pattern=NAME, max_length=60)
    when: StrictStr = Field(min_length=1, max_length=4_000)
    thresholds: dict[str, Threshold] = {}
    action: Action
    severity: Severity
    reason: StrictStr = Field(min_length=1, max_length=400)
    tags: tuple[StrictStr, ...] = ()
    owner: StrictStr = Field(min_length=1, max_length=100)
    channels: tuple[StrictStr, ...] | None = None
    state: State = "live"
    while_warming: Literal["hold", "act"] = "hold"
    cases: tuple[Case, ...] = ()
    where: str = Field(default="", exclude=True)

    @field_validator("thresholds", mode="before")
    @classmethod
    def _long_form(cls, given: Any) -> Any:
        """`max_count: 6` is short for `max_count: {value: 6}`."""
        if not isinstance(given, dict):
            return given
        return {name: told if isinstance(told, dict | Threshold) else {"value": told} for name, told in given.items()}

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.rule


class Channel(_Written):
    """A routing rule: the first whose predicate holds gives the event's channel, and so the rules that decide it."""

    channel: StrictStr = Field(pattern=NAME, max_length=60)
    when: StrictStr = Field(min_length=1, max_length=4_000)
    description: StrictStr = ""
    where: str = Field(default="", exclude=True)

    @field_validator("when", mode="before")
    @classmethod
    def _bare_true(cls, given: Any) -> Any:
        """YAML reads `when: true` as a boolean."""
        return "true" if given is True else given


@dataclass(frozen=True)
class Ruleset:
    """The rules of a pack in order (files by name, then as written), and its channels in order of routing."""

    name: str
    rules: tuple[Rule, ...]
    channels: tuple[Channel, ...]

    @cached_property
    def text(self) -> str:
        """The pack as one canonical YAML text, which `parse_rules` reads back as the same ruleset."""
        said = {
            "channels": [channel.model_dump(exclude_defaults=True) for channel in self.channels],
            "rules": [_plain(rule.model_dump(exclude_defaults=True)) for rule in self.rules],
        }
        return yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=1_000_000)

    @cached_property
    def revision(self) -> str:
        """The name of exactly this text: `card-` and 12 hexadecimal digits."""
        return f"{self.name}-{hashlib.sha256(self.text.encode()).hexdigest()[:12]}"

    @cached_property
    def checked(self) -> CheckedRuleset:
        """The ruleset checked, as `check_ruleset` has it: once, however often it is compiled."""
        from riskwave.rules.check import check_by
        from riskwave.rules.columns import rule_columns

        return check_by(self, rule_columns())

    def rule(self, name: str) -> Rule | None:
        """The rule of that name."""
        return next((rule for rule in self.rules if rule.rule == name), None)


def load_rules(path: Path | str) -> Ruleset:
    """The ruleset of a file, or of every .yml in a folder; it is named after the folder or file.

    Raises RiskwaveError with one line for the first fault: file and line, rule, field, value, and what to do.
    """
    from riskwave.rules.check import check_ruleset
    from riskwave.rules.reading import read_files

    return check_ruleset(read_files(Path(path))).ruleset


def parse_rules(text: str, *, name: str) -> Ruleset:
    """The ruleset that a text says, as `Ruleset.text` has it. Raises RiskwaveError as `load_rules` does."""
    from riskwave.rules.check import check_ruleset
    from riskwave.rules.reading import read_text

    return check_ruleset(read_text(text, name)).ruleset


def make_ruleset(name: str, rules: Iterable[Rule], channels: Iterable[Channel] = ()) -> Ruleset:
    """A ruleset of these; without channels every event is in the channel `any`."""
    routed = tuple(channels) or (Channel(channel=ANY_CHANNEL, when="true"),)
    return Ruleset(name, tuple(rules), routed)


def merge(base: Ruleset, own: Ruleset) -> Ruleset:
    """A ruleset with the rules of another: in place of those of the same name, else at its end.

    The other's channels count where it declares any.
    """
    written = {rule.rule: rule for rule in own.rules}
    rules = [written.pop(rule.rule, rule) for rule in base.rules]
    declared = own.channels != make_ruleset(own.name, own.rules).channels
    return Ruleset(base.name, (*rules, *written.values()), own.channels if declared else base.channels)


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    """Tuples as lists, and thresholds that are only a value in the short form."""
    plain = {key: _listed(told) for key, told in said.items()}
    if "thresholds" in plain:
        plain["thresholds"] = {
            name: told["value"] if set(told) == {"value"} else told for name, told in plain["thresholds"].items()
        }
    return plain


def _listed(told: Any) -> Any:
    if isinstance(told, list | tuple):
        return [_listed(item) for item in told]
    if isinstance(told, dict):
        return {key: _listed(item) for key, item in told.items()}
    return told
