"""A small state in which every query of sql/ has something to find."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from riskwave.contracts import Label, arrow_schema
from riskwave.control import Control, control_path
from riskwave.control.lifecycle import publish
from riskwave.engine.engine import Engine
from riskwave.rules.check import check_ruleset
from riskwave.rules.pack import parse_rules
from riskwave.sources.batch import FIELDS, raw_table

NOON = datetime(2026, 1, 10, 12, 0)
Payment = tuple[str, str, int, int]

#: event_id, card_id, minutes after noon, minor units. Three small amounts and then a large one are a probe and a drain.
FIRST: list[Payment] = [
    ("a1", "probed", 0, 500),
    ("a2", "probed", 1, 500),
    ("a3", "probed", 2, 500),
    ("a4", "probed", 3, 90_000),
    ("b1", "quiet", 0, 2_500),
    ("b2", "quiet", 70, 2_500),
    ("c1", "late", 10, 700),
    ("c2", "late", 12, 700),
    ("c3", "late", 20, 80_000),
]
#: The one rule that decides.
PROBE = """\
- rule: probe_then_drain
  when: sequence(card_events_30m, 'small{3,} large')
  action: block
  severity: P0
  reason: "probing payments followed by a large one on this card ({card_events_30m})"
  owner: card-risk
"""
#: Comes after c3 was allowed, and makes a probe of what is before it.
SECOND: list[Payment] = [("c0", "late", 5, 700), ("b1", "quiet", 0, 9_999)]


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state file: eleven payments, one of them late and one sent twice, two rows rejected, one fraud label."""
    path = tmp_path_factory.mktemp("sql") / "small.duckdb"
    label = {"event_id": "a4", "verdict": "fraud", "arrived_at": NOON + timedelta(days=2), "source": "chargeback"}
    with Control.open(control_path(path)) as control:
        publish(control, check_ruleset(parse_rules(PROBE, name="card")), why="for the queries", author="ann")
    engine = Engine(path)
    try:
        engine.process(rows(FIRST, 0))
        engine.process(rows(SECOND, 100), labels=pa.Table.from_pylist([label], schema=arrow_schema(Label)))
        engine.process(_unusable(200))
    finally:
        engine.close()
    return path


def rows(payments: list[Payment], offset: int) -> pa.Table:
    """RAW_SCHEMA rows of payments at one shop, numbered from an offset, all received at once."""
    made = [
        {
            "event_id": event_id,
            "event_ts": (NOON + timedelta(minutes=minutes)).isoformat(),
            "card_id": card_id,
            "amount_minor": str(amount),
            "currency": "EUR",
            "merchant_id": "shop",
        }
        for event_id, card_id, minutes, amount in payments
    ]
    return _raw(made, [None] * len(made), offset)


def _unusable(offset: int) -> pa.Table:
    good = {"event_ts": NOON.isoformat(), "card_id": "quiet", "currency": "EUR"}
    spoilt = [{**good, "event_id": f"d{amount}", "amount_minor": amount} for amount in ("-5", "-7")]
    return _raw([*spoilt, {}], [None, None, "not valid UTF-8"], offset)


def _raw(made: list[dict[str, Any]], errors: list[str | None], offset: int) -> pa.Table:
    return raw_table(
        {name: pa.array([row.get(name) for row in made], pa.string()) for name in FIELDS},
        raw=[str(row.get("amount_minor")).encode() if row else b"\xff{" for row in made],
        decode_error=errors,
        source="payments.csv",
        partition=0,
        offsets=range(offset, offset + len(made)),
        received_at=NOON + timedelta(days=60),
    )
