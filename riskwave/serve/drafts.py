"""Rules that somebody is writing: read beside those that decide, every fault with its place, what may be named."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from riskwave.control.checked import failed_cases
from riskwave.control.lists import list_entries
from riskwave.control.rulesets import find_revision, stored_ruleset
from riskwave.control.store import Control
from riskwave.errors import RiskwaveError
from riskwave.rules.check import check_ruleset, faults
from riskwave.rules.columns import rule_columns
from riskwave.rules.compile import compile_ruleset
from riskwave.rules.pack import Ruleset, make_ruleset, merge
from riskwave.rules.reading import read_text
from riskwave.rules.sequence import WORDS

_PLACED = re.compile(
    r"^(?:[^:\s]*:)?(?P<line>\d+): (?:(?:rule|channel) (?P<rule>[a-z0-9_]+): )?(?:(?P<field>[a-z_]+[a-z_.0-9]*): )?"
    r"(?P<detail>.*)$",
    re.DOTALL,
)
#: How the language is written, and what it means (docs/rules.md).
LANGUAGE = {
    "abs(x)": "without its sign",
    "round(x)": "to whole numbers, half away from zero",
    "floor(x)": "the whole number below",
    "ceil(x)": "the whole number above",
    "greatest(x, y)": "the larger; passes over what is not known",
    "least(x, y)": "the smaller; passes over what is not known",
    "coalesce(x, 0)": "the first that is known",
    "nullif(x, 0)": "not known where both are the same",
    "lower(x)": "A to Z as a to z",
    "upper(x)": "a to z as A to Z",
    "length(x)": "characters of a text",
    "hour(event_ts)": "hour of the day, UTC",
    "minute(event_ts)": "minute of the hour, UTC",
    "between x and y": "both ends included",
    "in ('a', 'b')": "one of these",
    "is null": "not known",
    "is not true": "false, or not known",
    "like 'a%'": "begins with a",
    "~ '^[a-c]+$'": "matches a pattern",
    "case when … then … else … end": "a choice",
    "in_list('block_ip', ip)": "whether a list has it",
    "sequence(card_events_30m, 'decline{2,} large')": f"the card's events; words: {', '.join(WORDS)}, start, !word",
}
_PLAIN: dict[str, Any] = {"type": None, "unit": None, "values": []}


def read_draft(control: Control, text: str, name: str, into: str | None) -> tuple[Ruleset, Ruleset]:
    """What a text says, and the ruleset it makes: itself, or that of a revision with its rules put in.

    Raises RiskwaveError for a text that is none, and for an unknown revision.
    """
    own = read_text(text, name)
    return own, own if into is None else merge(stored_ruleset(control, find_revision(control, into)), own)


def whole_draft(control: Control, text: str, name: str, into: str | None) -> Ruleset:
    """The ruleset that a text makes. Raises RiskwaveError for the first fault."""
    return check_ruleset(read_draft(control, text, name, into)[1]).ruleset


def find_faults(
    control: Control, text: str, name: str, into: str | None
) -> tuple[Ruleset | None, list[dict[str, Any]]]:
    """The ruleset that a text makes, and its faults; without any it compiles for both engines and its cases hold."""
    try:
        own, whole = read_draft(control, text, name, into)
    except RiskwaveError as fault:
        return None, [_placed(str(fault), text)]
    found = list(faults(whole, rule_columns()))
    if not found:
        try:
            # The rules that were there were compiled when they were published.
            mine = make_ruleset(whole.name, own.rules, whole.channels)
            checked = check_ruleset(mine)
            for dialect in ("duckdb", "risingwave"):
                compile_ruleset(mine, dialect=dialect)
            found = [said for rule in checked.rules for said in failed_cases(rule)]
        except RiskwaveError as fault:
            found = [str(fault)]
    return whole, [_placed(said, text) for said in found]


def words(control: Control) -> list[dict[str, Any]]:
    """What a rule may name: columns, what the language has, lists."""
    lists = sorted({entry.list_name for entry in list_entries(control)})
    return [*_fixed(), *(_PLAIN | {"name": name, "kind": "list", "description": "A list"} for name in lists)]


@cache
def _fixed() -> tuple[dict[str, Any], ...]:
    columns = (
        {
            "name": column.name,
            "kind": "column",
            "type": column.kind,
            "unit": column.unit,
            "values": list(column.values),
            "description": column.description,
        }
        for column in rule_columns().values()
    )
    language = (_PLAIN | {"name": name, "kind": "language", "description": said} for name, said in LANGUAGE.items())
    return (*columns, *language)


def _placed(said: str, text: str) -> dict[str, Any]:
    """A fault as where it is, what is wrong and what to do."""
    said = " ".join(said.split())
    found = _PLACED.match(said)
    place = found.groupdict() if found else {"line": None, "rule": None, "field": None, "detail": said}
    detail, _, fix = str(place["detail"]).rpartition("; ")
    line = int(place["line"]) if place["line"] else 1
    return {
        "line": _line_of(text, line, place["field"]),
        "rule": place["rule"],
        "field": place["field"],
        "detail": detail or fix,
        "fix": fix if detail else None,
    }


def _line_of(text: str, first: int, field: str | None) -> int:
    """The line of a field of the rule that begins on a line."""
    lines = text.splitlines()
    names = (field or "").split(".")
    for at in range(first - 1, len(lines)):
        written = lines[at].strip()
        if at >= first and re.match(r"- (rule|channel):", written):
            break
        if re.match(rf"(- )?{re.escape(names[0])}:", written) and names[0]:
            return at + 1
    return first
