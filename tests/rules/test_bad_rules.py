"""Every bad rule is refused with one line that names where, what, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from riskwave.errors import RiskwaveError
from riskwave.rules.check import problems
from riskwave.rules.pack import load_rules, parse_rules
from tests.rules.packs import CHANNELS, RULE, rule, when, written

PREDICATES = [
    # names
    ("card_txn_cnt_10m > 3", "card_txn_cnt_10m: no such column; did you mean card_txn_count_10m?"),
    ('"secrets" = 1', "secrets: no such column"),
    ("payments.card_id = 'a'", "a rule sees no table; write the column alone, as card_id"),
    ("main.payments.card_id = 'a'", "a rule sees no table"),
    ("card_txn_count_10m > :max_cuont", ":max_cuont: is not defined; did you mean max_count?"),
    ("card_txn_count_10m > max_count and card_txn_count_1h > :max_count", "for the threshold write :max_count"),
    ("card_txn_count_10m > ?", "a placeholder without a name is no threshold"),
    ("card_txn_count_10m > %s", "a placeholder without a name is no threshold"),
    ("card_txn_count_10m > $1", "1: no parameter is known"),
    ("card_txn_count_10m > @x", "x: no parameter is known"),
    # injection
    ("is_declined; drop table decisions", "; is not allowed"),
    ("is_declined -- always", "a comment is not allowed"),
    ("is_declined /* always */", "a comment is not allowed"),
    ("is_declined or 1 = 1", "1 = 1 compares nothing of the event"),
    ("true", "names no column"),
    ("card_id in (select card_id from labels)", "use in_list('name', column)"),
    ("(select count(*) from labels) > 3", "a subquery is not allowed"),
    ("exists (select 1 from labels)", "a subquery is not allowed"),
    ("select 1", "a query is not allowed"),
    ("drop table decisions", "is a statement, no predicate"),
    ("sum(amount_minor) over () > 3", "a window function is not allowed"),
    ("count(*) > 3", "an aggregate is not allowed"),
    ("read_text('/etc/passwd') = 'x'", "read_text(): no such function"),
    ("pg_sleep(10)", "pg_sleep(): no such function"),
    ("random() < 0.5", "no such function"),
    ("now() > event_ts", "no such function"),
    ("rond(latitude) = 1", "rond(): no such function; did you mean round?"),
    ("amount_minor::text = '5'", "a cast is not allowed"),
    ("cast(ip as inet) = '10.0.0.1'", "a cast is not allowed"),
    ("interval '1 day' > event_ts", "an interval is not allowed"),
    ("card_id || 'x' = 'y'", "|| is not allowed"),
    ("card_id is not distinct from 'a'", "write = or <> and is null"),
    ("ip = any(array['a'])", "write in ('a', 'b')"),
    ("card_id = e'\\\\x'", "is not part of the language"),
    ("card_id = 'a", "cannot be read: close its quotes"),
    ("card_id = = 'a'", "is no predicate near"),
    ("(" * 60 + "is_declined" + ")" * 60, "brackets within each other"),
    (" or ".join(f"bin = '{n}'" for n in range(150)), "has more than 400 terms"),
    # types and units
    ("mcc = 5967", "mcc is text and 5967 is a number: = takes two alike; write '5967' in quotes"),
    ("card_txn_count_10m > '3'", "write 3 without quotes"),
    ("is_declined + 1 > 1", "+ takes a number, and is_declined is true or false"),
    ("is_declined > true", "true and false have no order"),
    ("is_declined = 1", "a flag stands alone"),
    ("amount_minor", "amount_minor is a number, no condition"),
    ("amount_minor and is_declined", "and takes true or false"),
    ("lower(amount_minor) = 'a'", "lower takes text"),
    ("card_id = null", "NULL is compared with is null"),
    ("round(latitude, 2) = 1", "round() takes one value"),
    ("extract(year from event_ts) = 2026", "only hour and minute"),
    ("event_ts > timestamp 'yesterday'", "'yesterday' is no timestamp"),
    ("card_txn_count_10m > 99999999999999999999", "is too large for a whole number"),
    (
        "card_txn_count_10m > card_amount_sum_10m",
        "card_txn_count_10m is in payments and card_amount_sum_10m in minor units",
    ),
    ("card_txn_count_10m + card_km_from_last > 3", "+ needs one unit"),
    ("channel = 'ecomerce'", "channel is never 'ecomerce'; did you mean ecommerce?"),
    ("amount_minor / 0 > 1", "divides by zero"),
    # patterns
    ("card_id ~ '(a+)+$'", "repeats a repeat without end"),
    ("card_id ~ '(a|b*)*'", "repeats a repeat without end"),
    ("card_id ~ 'a{1000}'", "at most 100 times"),
    ("card_id ~ '((a{50}){50}){2}'", "is too large"),
    (f"card_id ~ '{'a' * 300}'", "is too long (300 characters"),
    ("card_id ~ '(?=a)b'", "looks around"),
    ("card_id ~ '(a)\\1'", "has \\1, which engines take differently"),
    ("card_id ~ '\\d+'", "write a class such as [0-9]"),
    ("card_id ~ '[a'", "has a [ that is not closed"),
    ("card_id ~ merchant_id", "~ takes a literal pattern"),
    ("card_id like 'a\\%'", "engines take \\ in like differently"),
    ("card_id ilike 'a%'", "write lower(column) like 'pattern'"),
    ("sequence(card_events_30m, 'declin large')", "has declin, which is no event; did you mean decline?"),
    ("sequence(card_id, 'decline')", "card_id holds no event codes; sequence takes"),
    ("sequence(card_events_30m, '(small+)+')", "repeats a repeat without end"),
    # lists
    ("in_list('Block IP', ip)", "'Block IP' is no name of a list"),
    ("in_list(ip, 'block_ip')", "write in_list('list_name', column)"),
    ("in_list('block_ip', amount_minor)", "takes a text column as second"),
    ("card_id in ()", "in () is empty"),
    ("card_id in (merchant_id)", "in takes literals and thresholds"),
    # never true
    (
        "card_txn_count_10m >= 10 and card_txn_count_10m <= 5",
        "can never be true: card_txn_count_10m would have to be at least 10",
    ),
    ("card_txn_count_10m > 5 and card_txn_count_10m < 6", "can never be true"),
    ("card_txn_count_10m between 10 and 5", "between 10 and 5 has its bounds reversed"),
    ("merchant_decline_rate_1h >= 5", "at least 5 and at most 1"),
    ("card_txn_count_1h < 0", "can never be true"),
    ("channel = 'cash' and channel = 'ecommerce'", "no value of channel is left"),
    ("is_declined and not is_declined", "no value of is_declined is left"),
    ("card_id is null and card_id = 'a'", "must be null and also compared"),
    ("is_declined or (local_hour > 22 and local_hour < 3)", "local_hour would have to be at least 23 and at most 2"),
]

RULES = [
    (rule(thresholds={**RULE["thresholds"], "spare": 3}), "thresholds.spare: is unused, nothing names it"),
    (
        rule(reason="{:spare}", thresholds={**RULE["thresholds"], "spare": 3}),
        "thresholds.spare: is unused, only the reason",
    ),
    (rule(thresholds={"max_count": 6}), ":min_amount: is not defined"),
    (rule(thresholds={**RULE["thresholds"], "max_count": {"value": 6, "min": 7}}), "6 is below its own min 7"),
    (rule(thresholds={**RULE["thresholds"], "max_count": {"value": 6, "max": 5}}), "6 is above its own max 5"),
    (rule(thresholds={**RULE["thresholds"], "max_count": {"value": 6, "min": 9, "max": 5}}), "min 9 is above max 5"),
    (rule(thresholds={**RULE["thresholds"], "max_count": "six"}), "is text"),
    (
        rule(thresholds={**RULE["thresholds"], "max_count": [6]}),
        "thresholds.max_count.value: [6]: expected a single value",
    ),
    (rule(thresholds={**RULE["thresholds"], "max_count": {"value": 6, "unit": "cards"}}), "needs one unit"),
    (rule(thresholds={**RULE["thresholds"], "max_count": {"valu": 6}}), "valu: no such field; did you mean value?"),
    (rule(thresholds={**RULE["thresholds"], "max_count": float("nan")}), "is no number that can be compared"),
    (rule(thresholds={**RULE["thresholds"], "Max": 6}), "'Max' is no name"),
    (when("card_txn_count_10m >= :lo and card_txn_count_10m <= :hi", lo=9, hi=5), "can never be true"),
    (when("card_txn_count_10m between :lo and :hi", lo=9, hi=5), "between 9 and 5 has its bounds reversed"),
    (rule(ownr="me"), "ownr: no such field; did you mean owner?"),
    (rule(owner=...), "owner: is missing; write it"),
    (rule(action="blok"), "'blok' is none of allow, challenge, review, block; did you mean block?"),
    (rule(severity="P9"), "'P9' is none of P0, P1, P2"),
    (rule(rule="Card Velocity"), "'Card Velocity' is no name"),
    (rule(when="is_declined or " * 400 + "is_declined"), "is 6011 characters long, at most 4000; shorten it"),
    (rule(rule="a__b"), "'a__b' is no name"),
    (rule(when=5), "when: 5: expected text, in quotes"),
    (rule(tags="velocity"), "tags: 'velocity': expected a list"),
    (rule(channels=["ecomerce"]), "channels: ecomerce: no such channel; did you mean ecommerce?"),
    (rule(channels=[]), "channels: is empty"),
    (
        rule(reason="{card_txn_cnt_10m} payments"),
        "{card_txn_cnt_10m}: no such column; did you mean card_txn_count_10m?",
    ),
    (rule(reason="{:max_cuont}"), "no such threshold; did you mean max_count?"),
    (rule(reason="{card_id:money}"), "money is for numbers"),
    (rule(reason="{card_txn_count_10m:money}"), "money is for minor units"),
    (rule(reason="{card_amount_sum_10m:mony}"), "no such form; did you mean money?"),
    (rule(reason="{oops"), "has a bracket that names nothing"),
    (
        rule(cases=[{"given": {"card_txn_cnt_10m": 1}, "expect": "fired"}]),
        "given.card_txn_cnt_10m: no such column; did you",
    ),
    (rule(cases=[{"given": {"mcc": 5967}, "expect": "fired"}]), "given.mcc: 5967 is not text, in quotes"),
    (rule(cases=[{"given": {"merchant_country": False}, "expect": "fired"}]), "false is not text"),
    (rule(cases=[{"given": {}, "expect": "fires"}]), "'fires' is none of fired, not fired; did you mean fired?"),
    (rule(cases=[{"given": {}, "expect": "fired", "thresholds": {"max": 1}}]), "thresholds.max: no such threshold"),
    (rule(cases=[{"given": {}, "expect": "fired", "lists": {"block_ip": []}}]), "the rule reads no such list"),
]


def refused(text: str) -> str:
    with pytest.raises(RiskwaveError) as fault:
        parse_rules(text, name="bad")
    said = str(fault.value)
    assert "\n" not in said
    assert said.startswith("bad:")
    return said


@pytest.mark.parametrize(("predicate", "expected"), PREDICATES, ids=range(len(PREDICATES)))
def test_bad_predicates(predicate: str, expected: str) -> None:
    thresholds = {"max_count": 6} if "max_c" in predicate else {}
    said = refused(written(when(predicate, **thresholds)))
    assert "rule card_velocity: when: " in said
    assert expected in said


@pytest.mark.parametrize(("bad", "expected"), RULES, ids=range(len(RULES)))
def test_bad_rules(bad: dict[str, Any], expected: str) -> None:
    assert expected in refused(written(bad))


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (CHANNELS[:1], "the last channel takes every event that is left; write when: true"),
        ([{"channel": "all", "when": True}, *CHANNELS], "before the last leaves no event to the rest"),
        ([{"channel": "a", "when": "chanel = 'cash'"}, *CHANNELS], "chanel: no such column; did you mean channel?"),
        ([{"channel": "a", "when": "in_list('a', ip)"}, *CHANNELS], "in_list is for rules"),
        ([{"channel": "a", "when": "is_declined", "action": "x"}, *CHANNELS], "action: no such field"),
        ([CHANNELS[0], *CHANNELS], "channel ecommerce: is already at"),
    ],
)
def test_bad_channels(channels: list[dict[str, Any]], expected: str) -> None:
    assert expected in refused(written(RULE, channels=channels))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no rules"),
        ("rules: 5", "rules: expected a list; found '5'"),
        ("ruls: []", "ruls: no such section; did you mean rules?"),
        ("- card_velocity", "expected `- rule: name` with its fields"),
        ("- rule: a\n  rule: b", "bad:2: rule is given twice"),
        ("- rule: 'a", "not YAML"),
        ("- rule: !!python/object:os.system {}", "not YAML"),
        ("just text", "expected a list of rules"),
    ],
)
def test_bad_files(text: str, expected: str) -> None:
    assert expected in refused(text)


def test_names_are_unique_over_files(tmp_path: Path) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.yml").write_text(written(RULE, channels=[]))
    with pytest.raises(
        RiskwaveError, match=r"b\.yml:2: rule card_velocity: is already at .*a\.yml:2; rename or remove one"
    ):
        load_rules(folder)


def test_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "velocity.yml"
    file.write_text(written(RULE, when("card_txn_cnt_10m > 3") | {"rule": "other"}))
    with pytest.raises(RiskwaveError, match=r"velocity\.yml:16: rule other: when: card_txn_cnt_10m: no such column"):
        load_rules(file)
    assert len(problems(file)) == 1


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match=r"no \.yml file there"):
        load_rules(tmp_path)
    with pytest.raises(RiskwaveError, match="cannot read the rules"):
        load_rules(tmp_path / "none.yml")


def test_every_fault_is_listed(tmp_path: Path) -> None:
    file = tmp_path / "many.yml"
    bad = [when("nothing > 1") | {"rule": f"rule_{n}"} for n in range(3)]
    file.write_text(written(*bad, RULE))
    assert [line.split(": ")[1] for line in problems(file)] == ["rule rule_0", "rule rule_1", "rule rule_2"]
