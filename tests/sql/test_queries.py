"""Each query of sql/ runs on a state and gives what its first lines say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from riskwave.contracts import Transaction
from riskwave.engine.engine import Engine
from riskwave.project import project_dir
from riskwave.query import run_query
from riskwave.rules.columns import rule_columns
from riskwave.run.cli import open_inputs
from riskwave.run.loop import run_loop

FOLDER = project_dir() / "sql"
pytestmark = pytest.mark.xdist_group("sql")


def answer(name: str, state: Path, **values: str) -> list[dict[str, Any]]:
    names, rows = run_query(FOLDER / name, state, values)
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_every_query_is_listed_and_starts_with_what_it_answers() -> None:
    listed = (FOLDER / "README.md").read_text()
    for file in FOLDER.glob("*.sql"):
        assert f"| `{file.name}` |" in listed, file.name
        assert file.read_text().startswith("-- "), file.name


def test_every_query_has_a_test() -> None:
    tested = Path(__file__).read_text()
    for file in FOLDER.glob("*.sql"):
        assert f'"{file.name}"' in tested, file.name


def test_decisions_by_hour(state: Path) -> None:
    counts = {
        (row["hour"].hour, row["action"]): (row["payments"], row["amount"])
        for row in answer("decisions_by_hour.sql", state)
    }
    # Version 1 counts: c3 was allowed, though it would be blocked now. b1 was sent twice and counts once.
    assert counts == {(12, "allow"): (8, 861.0), (12, "block"): (1, 900.0), (13, "allow"): (1, 25.0)}


def test_top_rules(state: Path) -> None:
    assert answer("top_rules.sql", state) == [
        {
            "rule": "probe_then_drain",
            "fired": 1,
            "alone": 1,
            "cards": 1,
            "blocked": 1,
            "challenged": 0,
            "reviewed": 0,
        }
    ]


def test_rule_precision(state: Path) -> None:
    (row,) = answer("rule_precision.sql", state)
    assert row == {
        "rule": "probe_then_drain",
        "fired": 1,
        "frauds": 1,
        "rule_precision": 1.0,
        "share_of_frauds": 1.0,
        "fraud_amount": 900.0,
    }


def test_card_timeline(state: Path) -> None:
    rows = answer("card_timeline.sql", state, card_id="late")
    assert [row["event_id"] for row in rows] == ["c0", "c1", "c2", "c3"]
    assert [row["codes_30m"] for row in rows] == ["s", "s", "ss", "ssl"]
    assert (rows[3]["action"], rows[3]["action_now"], rows[3]["versions"]) == ("allow", "block", 2)
    assert rows[3]["amount"] == 800.0


def test_changed_decisions(state: Path) -> None:
    (row,) = answer("changed_decisions.sql", state)
    assert (row["event_id"], row["acted"], row["action_now"], row["versions"]) == ("c3", "allow", "block", 2)
    assert (row["rules_then"], row["rules_now"]) == ([], ["probe_then_drain"])


def test_rejected_by_reason(state: Path) -> None:
    reasons = {row["reason"]: row for row in answer("rejected_by_reason.sql", state)}
    negative = reasons["amount_minor: … is not between 0 and 1000000000000"]
    assert (negative["rows_rejected"], negative["example_offset"]) == (2, 200)
    assert negative["example"] == "-5"
    assert reasons["not valid UTF-8"]["example"] == r"\xFF{"


def test_hottest_keys(state: Path) -> None:
    rows = answer("hottest_keys.sql", state)
    assert [(row["entity"], row["key"], row["payments"], row["flagged"]) for row in rows] == [
        ("card", "late", 4, 0),
        ("card", "probed", 4, 1),
        ("card", "quiet", 2, 0),
        ("merchant", "shop", 10, 1),
    ]
    assert rows[0]["share"] == pytest.approx(0.4)


def test_slowest_minutes(state: Path) -> None:
    (row,) = answer("slowest_minutes.sql", state)
    assert row["payments"] == 10
    assert 0 < row["p50_ms"] <= row["p99_ms"] <= row["longest_ms"]


def test_unknown_values(tmp_path: Path) -> None:
    path = tmp_path / "odd.duckdb"
    said = {"event_ts": "2026-01-31T12:00:00Z", "card_id": "c1", "amount_minor": 100, "currency": "EUR"}
    lines = [
        {**said, "event_id": "e1", "channel": "Ecommerce", "mcc": "5411"},
        {**said, "event_id": "e2", "channel": "ecommerce", "mcc": "42", "merchant_country": "GB"},
        {**said, "event_id": "e3", "channel": "Ecommerce", "event_ts": "2026-01-31T12:00:01Z"},
    ]
    file = tmp_path / "odd.jsonl"
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    engine = Engine(path)
    run_loop(engine, open_inputs(str(file), None, None, None, None, follow=False).source)
    engine.close()
    found = [(row["field"], row["value"], row["payments"]) for row in answer("unknown_values.sql", path)]
    assert found == [("channel", "Ecommerce", 2), ("mcc", "42", 1)]


def test_unknown_values_are_by_the_contract() -> None:
    text = (FOLDER / "unknown_values.sql").read_text()
    for column in rule_columns().values():
        if column.name in Transaction.model_fields:
            assert all(f"'{value}'" in text for value in column.values), column.name
