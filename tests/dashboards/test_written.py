"""What a form makes is what one would write; values around a threshold; CSV that no spreadsheet runs."""

from __future__ import annotations

import pytest

from dashboards.rules.thresholds import steps
from dashboards.rules.written import Condition, changes, rule_text
from dashboards.views.sql import as_csv, filled, kinds, starters
from riskwave.rules.pack import parse_rules
from riskwave.serve.console import checked_sql


def test_a_form_makes_the_same_sql() -> None:
    fields = {"rule": "odd", "action": "review", "severity": "P2", "reason": "{amount_minor}", "owner": "ann"}
    conditions = [
        Condition("card_txn_count_10m", ">=", 5, "least_count"),
        Condition("channel", "in", ["ecommerce", "cash"]),
        Condition("merchant_id", "=", "o'neill"),
        Condition("card_is_abroad", "is true"),
    ]
    rule = parse_rules(rule_text(fields, conditions, "and"), name="card").rules[0]
    assert rule.when == (
        "card_txn_count_10m >= :least_count and channel in ('ecommerce', 'cash') and merchant_id = 'o''neill' "
        "and card_is_abroad is true"
    )
    assert rule.thresholds["least_count"].value == 5


@pytest.mark.parametrize(
    ("now", "least", "most", "whole", "first", "last"),
    [
        (6.0, None, None, True, 2, 13),
        (6.0, 5.0, 8.0, True, 5, 8),
        (20_000.0, 0.0, None, True, 6_000, 44_000),
        (0.45, 0.0, 1.0, False, 0.1, 1.0),
        (0.0, 0.0, None, True, 0, 1),
    ],
)
def test_steps_are_round_and_have_the_value(
    now: float, least: float | None, most: float | None, whole: bool, first: float, last: float
) -> None:
    found = steps(now, least, most, whole=whole)
    assert now in found
    assert found == sorted(set(found))
    assert (found[0], found[-1]) == (pytest.approx(first), pytest.approx(last))
    assert 2 <= len(found) <= 30
    assert not whole or all(value == int(value) for value in found)


def test_what_differs_is_told_by_rule() -> None:
    one = {"rule": "a", "when": "x > 1", "action": "review", "thresholds": {"most": "3"}}
    two = {"rule": "b", "when": "y > 1", "action": "block", "thresholds": {}}
    found = changes([one, two], [{**one, "action": "block", "thresholds": {"most": "4"}}, {**two, "rule": "c"}])
    assert [(row["rule"], row["change"]) for row in found] == [
        ("b", "removed"),
        ("c", "added"),
        ("a", "action, most 3 → 4"),
    ]


def test_every_starter_may_run() -> None:
    assert {one.name for one in starters()} >= {"top_rules", "card_timeline"}
    for one in starters():
        assert one.title
        checked_sql(filled(one.text, dict.fromkeys(one.asks, "it's")))


def test_csv_has_no_formulas_and_charts_know_their_columns() -> None:
    rows = [["=1+1", 2, "2026-01-01T00:00:00Z", ["a", "b"]], ["-x", None, None, []]]
    assert as_csv(["name", "n", "at", "list"], rows).splitlines()[1:] == [
        '\'=1+1,2,2026-01-01T00:00:00Z,"a, b"',
        "'-x,,,",
    ]
    assert kinds(["name", "n", "at", "list"], rows) == {
        "name": "nominal",
        "n": "quantitative",
        "at": "temporal",
        "list": "nominal",
    }
