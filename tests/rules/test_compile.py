"""A compiled ruleset decides as the reference does: precedence, channels, lists, reasons, canaries and shadows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskwave.errors import RiskwaveError
from riskwave.rules.check import check_ruleset, run_case
from riskwave.rules.columns import rule_columns
from riskwave.rules.compile import Canary, Compiled, compile_ruleset, entries_table
from riskwave.rules.lists import ListEntry, Lists, list_entry
from riskwave.rules.pack import Ruleset, parse_rules
from riskwave.rules.reference import decide
from tests.rules.packs import CHANNELS, RULE, rule, when, written

NOW = datetime(2026, 1, 31, 12)
Row = dict[str, Any]


def named(name: str, predicate: str, **changed: Any) -> dict[str, Any]:
    return rule(**{"rule": name, "when": predicate, "thresholds": {}, "reason": name, **changed})


PACK = parse_rules(
    written(
        RULE,
        named("known_good", "in_list('allow_card', card_id)", action="allow", severity="P2"),
        named(
            "far", "card_km_from_last > :km", thresholds={"km": 500}, action="review", severity="P0", reason="{:km} km"
        ),
        named(
            "bad_ip", "in_list('block_ip', ip)", action="block", severity="P0", reason="{ip}, {is_declined}, {event_ts}"
        ),
        named("online", "is_declined", channels=["ecommerce"], action="challenge", severity="P0"),
        named(
            "watched", "in_list('watch_card', card_id)", action="review", severity="P2", reason="{card_km_from_last} km"
        ),
        named("quiet", "card_txn_count_10m >= 1", state="shadow", action="block"),
        named("unfinished", "card_txn_count_10m >= 0", state="draft", action="block"),
    ),
    name="card",
)
OTHER = parse_rules(written(rule(action="block", thresholds={"max_count": 3, "min_amount": 0})), name="card")
CHECKED = check_ruleset(PACK)
COMPILED = {fast: compile_ruleset(PACK, dialect="duckdb", fast=fast) for fast in (False, True)}
READ = {
    **{"event_id": pa.string(), "card_id": pa.string(), "event_ts": pa.timestamp("us"), "channel": pa.string()},
    **{"card_txn_count_10m": pa.int64(), "card_amount_sum_10m": pa.int64(), "card_km_from_last": pa.float64()},
    **{"is_declined": pa.bool_(), "ip": pa.string()},
}
SCHEMA = pa.schema(READ.items())
ADDRESSES = ["10.0.0.1", "10.0.0.9", "10.0.1.1", "11.2.3.4", "256.0.0.1", "10.0.0", "::1", "", "010.0.0.1", "10.0.0.1x"]
NETWORKS = ["10.0.0.0/24", "10.0.0.0/8", "10.0.0.8/29", "0.0.0.0/0", "11.2.3.4/32", "10.0.0.1", "::1", "256.0.0.1"]

rows = st.lists(
    st.fixed_dictionaries(
        {
            "card_id": st.sampled_from(["c1", "c2", "c3"]),
            "event_ts": st.sampled_from([NOW, NOW - timedelta(days=1)]),
            "channel": st.sampled_from(["ecommerce", "cash", None]),
            "card_txn_count_10m": st.none() | st.integers(0, 8),
            "card_amount_sum_10m": st.none() | st.sampled_from([-5, 0, 19_999, 20_000, 123_456_789]),
            "card_km_from_last": st.none()
            | st.sampled_from([0.0, -0.004, 0.005, 500.0, 500.5, 1234.565, 1e20, float("nan")]),
            "is_declined": st.none() | st.booleans(),
            "ip": st.none() | st.sampled_from(ADDRESSES),
        }
    ),
    min_size=1,
    max_size=6,
)
expiries = st.none() | st.sampled_from([NOW, NOW - timedelta(days=1), NOW + timedelta(microseconds=1)])
entries = st.lists(
    st.one_of(
        st.builds(list_entry, st.sampled_from(["allow_card", "watch_card"]), st.sampled_from(["c1", "c2"]), expiries),
        st.builds(list_entry, st.just("block_ip"), st.sampled_from(NETWORKS), expiries),
    ),
    max_size=6,
)
values = st.fixed_dictionaries(
    {}, optional={("card_velocity", "max_count"): st.integers(0, 8), ("far", "km"): st.sampled_from([499.5, 0.0, 500])}
)


class Asked:
    """DuckDB with the three relations; gives the statement's rows by event_id."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()

    def ask(
        self, compiled: Compiled, given: Sequence[Row], entries: Sequence[ListEntry], values: Any
    ) -> dict[str, Row]:
        table = pa.Table.from_pylist([{**row, "event_id": f"e{n}"} for n, row in enumerate(given)], SCHEMA)
        if compiled.fast:
            table = compiled.looked_up(table, Lists.of(entries))
        relations = {
            "decision_input": table,
            "rule_thresholds": compiled.threshold_row(values, 7),
            "list_entries": entries_table(entries),
        }
        for name, relation in relations.items():
            self.connection.register(name, relation)
        found = self.connection.sql(compiled.sql).to_arrow_table().to_pylist()
        answers = {row["event_id"]: row for row in found}
        assert len(answers) == len(found) == len(given)
        return answers


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    made = Asked()
    yield made
    made.connection.close()


@settings(max_examples=30)
@given(rows, entries, values, st.booleans())
def test_decides_as_the_reference(
    asked: Asked, given: list[Row], entries: list[ListEntry], values: Any, fast: bool
) -> None:
    found = asked.ask(COMPILED[fast], given, entries, values)
    for n, row in enumerate(given):
        expected = decide(CHECKED, row, values, Lists.of(entries))
        assert {name: found[f"e{n}"][name] for name in vars(expected)} == vars(expected)
        assert found[f"e{n}"]["control_version"] == 7


def decided(asked: Asked, row: Row, *entries: ListEntry) -> Row:
    return asked.ask(compile_ruleset(PACK, dialect="duckdb"), [{"event_ts": NOW, **row}], entries, {})["e0"]


def test_an_allow_list_spares_all_but_a_block(asked: Asked) -> None:
    good, bad = list_entry("allow_card", "c1"), list_entry("block_ip", "10.0.0.0/8")
    row = {"card_id": "c1", "ip": "10.1.2.3", "card_km_from_last": 600.0, "is_declined": True, "channel": "ecommerce"}
    spared = decided(asked, row, good)
    assert (spared["action"], spared["severity"], spared["is_anomaly"]) == ("allow", None, False)
    assert spared["rule_ids"] == ["known_good", "online", "far"]
    blocked = decided(asked, row, good, bad)
    assert (blocked["action"], blocked["severity"]) == ("block", "P0")
    assert blocked["reasons"] == ["10.1.2.3, yes, 2026-01-31 12:00", "known_good", "online", "500.00 km"]
    assert blocked["rule_vector"] == "01111000"


def test_nothing_known_fires_nothing(asked: Asked) -> None:
    found = decided(asked, {})
    assert (found["action"], found["rule_ids"], found["rule_vector"]) == ("allow", [], "00000000")
    assert found["ruleset_channel"] == "rest"
    assert found["ruleset_revision"] == PACK.revision


def test_an_entry_is_in_force_until_it_expires(asked: Asked) -> None:
    row = {"card_id": "c1"}
    assert decided(asked, row, list_entry("watch_card", "c1", NOW))["action"] == "allow"
    assert decided(asked, row, list_entry("watch_card", "c1", NOW + timedelta(microseconds=1)))["action"] == "review"


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_canary_decides_its_cards_and_a_shadow_none(asked: Asked, share: float, fast: bool) -> None:
    canary = Canary(OTHER, share)
    compiled = compile_ruleset(PACK, dialect="duckdb", canary=canary, shadows=[OTHER], fast=fast)
    given = [
        {"card_id": f"c{n}", "event_ts": NOW, "card_txn_count_10m": 4, "card_amount_sum_10m": 5} for n in range(60)
    ]
    found = asked.ask(compiled, given, [], {("card_velocity", "max_count"): 5})
    for n, row in enumerate(given):
        taken = canary.takes(row["card_id"])
        got = found[f"e{n}"]
        assert got["ruleset_revision"] == (OTHER if taken else PACK).revision
        assert (got["action"], got["rule_ids"]) == (("block", ["card_velocity"]) if taken else ("allow", []))
        said = {"revision": OTHER.revision, "action": "block", "rule_ids": ["card_velocity"]}
        assert [json.loads(text) for text in got["shadow_rulesets"]] == [said]
    assert sum(canary.takes(row["card_id"]) for row in given) in {0.0: [0], 0.5: range(18, 43), 1.0: [60]}[share]


def test_thresholds_have_their_columns() -> None:
    compiled = compile_ruleset(PACK, dialect="duckdb", shadows=[OTHER])
    assert [(t.column, t.sql_type, t.default, t.min, t.max, t.unit) for t in compiled.thresholds][:3] == [
        ("card_velocity__max_count", "bigint", 6, None, None, "payments"),
        ("card_velocity__min_amount", "bigint", 20_000, 0.0, 100_000.0, "minor units"),
        ("far__km", "double precision", 500.0, None, None, "km"),
    ]
    assert compiled.thresholds[3].column == "shadow1__card_velocity__max_count"
    assert compiled.lists == ("allow_card", "block_ip", "watch_card")
    assert compiled.rules[:2] == ("card_velocity", "known_good")


def test_model_columns_are_unknown_without_a_model(asked: Asked) -> None:
    pack = parse_rules(written(when("model_score >= 0.5 or model_score is null")), name="card")
    found = asked.ask(compile_ruleset(pack, dialect="duckdb"), [{"card_id": "c"}], [], {})
    assert found["e0"]["action"] == "challenge"
    assert "model_score" in compile_ruleset(pack, dialect="duckdb", scored=True).columns


def test_both_dialects_and_what_they_refuse() -> None:
    assert " ~ " not in compile_ruleset(PACK, dialect="duckdb").sql
    assert (
        "list_where" not in compile_ruleset(PACK, dialect="risingwave", canary=Canary(OTHER, 0.5), shadows=[OTHER]).sql
    )
    with pytest.raises(RiskwaveError, match="fast is for duckdb"):
        compile_ruleset(PACK, dialect="risingwave", fast=True)
    with pytest.raises(RiskwaveError, match="canary share 2: expected 0 to 1"):
        compile_ruleset(PACK, dialect="duckdb", canary=Canary(OTHER, 2))


def test_the_text_of_a_ruleset_is_the_ruleset() -> None:
    again = parse_rules(PACK.text, name="card")
    assert (again.text, again.revision) == (PACK.text, PACK.revision)
    assert PACK.revision.startswith("card-")
    assert parse_rules(written(RULE), name="card").revision != OTHER.revision
    assert [r.model_copy(update={"where": ""}) for r in again.rules] == [
        r.model_copy(update={"where": ""}) for r in PACK.rules
    ]


def test_cases_are_run_by_the_reference() -> None:
    cases = [
        {"given": {"ip": "10.1.1.1"}, "lists": {"block_ip": ["10.0.0.0/8"]}, "expect": "fired"},
        {"given": {"ip": "11.1.1.1"}, "lists": {"block_ip": ["10.0.0.0/8"]}, "expect": "not fired"},
        {"given": {"ip": "11.1.1.1"}, "expect": "not fired"},
    ]
    pack: Ruleset = parse_rules(
        written(named("a", "in_list('block_ip', ip)", cases=cases), channels=CHANNELS), name="card"
    )
    (checked,) = check_ruleset(pack).rules
    assert [run_case(checked, case) for case in checked.rule.cases] == [True, False, False]


def test_ipv6_networks_are_refused() -> None:
    with pytest.raises(RiskwaveError, match="IPv6 is looked up by exact address"):
        list_entry("block_ip", "2001:db8::/32")
    with pytest.raises(RiskwaveError, match="has host bits set"):
        list_entry("block_ip", "10.0.0.1/8")
    assert list_entry("watch_merchant", "a/b").low is None


def test_every_column_of_decision_input_may_be_named() -> None:
    columns = rule_columns()
    assert {"event_id", "card_txn_count_10m", "model_score", "model_version"} <= columns.keys()
    assert columns["channel"].values == ("card_present", "ecommerce", "transfer", "cash")
    assert (columns["local_hour"].kind, columns["local_hour"].unit) == ("integer", "hours")


def test_a_held_rule_is_recorded_before_its_time_and_acts_from_then_on() -> None:
    """On both sides of the moment, by the statement and by the reference."""
    checked = check_ruleset(
        parse_rules(
            "- {rule: held, when: card_txn_count_1h >= 2, action: block, severity: P0, reason: held, owner: o}\n"
            "- {rule: other, when: card_txn_count_1h >= 3, action: review, severity: P2, reason: other, owner: o}\n",
            name="card",
        )
    )
    until = datetime(2026, 1, 31, 0, 0, 0, 500_000)
    held = {"held": until}
    compiled = compile_ruleset(checked.ruleset, dialect="duckdb", held={checked.ruleset.revision: held})
    rows = [
        {"event_id": f"{count}-{place}", "event_ts": at, "card_txn_count_1h": count}
        for count in (1, 2, 3)
        for place, at in enumerate((until - timedelta(microseconds=1), until))
    ]
    with duckdb.connect() as connection:
        connection.register("decision_input", pa.Table.from_pylist(rows))
        connection.register("rule_thresholds", compiled.threshold_row({}, 1))
        found = connection.execute(
            f"select event_id, action, severity, rule_ids, reasons, shadow_rule_ids, rule_vector from ({compiled.sql}) "
            "order by event_id"
        ).fetchall()
    assert found == [
        ("1-0", "allow", None, [], [], [], "00"),
        ("1-1", "allow", None, [], [], [], "00"),
        ("2-0", "allow", None, [], [], ["held"], "10"),
        ("2-1", "block", "P0", ["held"], ["held"], [], "10"),
        ("3-0", "review", "P2", ["other"], ["other"], ["held"], "11"),
        ("3-1", "block", "P0", ["held", "other"], ["held", "other"], [], "11"),
    ]
    for row, told in zip(rows, found, strict=True):
        by_hand = decide(checked, row, {}, Lists(), held)
        assert told[1:] == (
            *(by_hand.action, by_hand.severity, by_hand.rule_ids, by_hand.reasons),
            *(by_hand.shadow_rule_ids, by_hand.rule_vector),
        )
