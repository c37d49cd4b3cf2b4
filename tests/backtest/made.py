"""States made by hand: features, labels, and decisions by the reference of the language, under a control store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from riskwave.backtest.given import lists_of
from riskwave.control import Control
from riskwave.control.snapshot import Snapshot
from riskwave.rules.check import CheckedRuleset, check_ruleset
from riskwave.rules.columns import rule_columns
from riskwave.rules.compile import Canary
from riskwave.rules.pack import parse_rules
from riskwave.rules.reference import decide

START = datetime(2026, 1, 1)
Row = dict[str, Any]

PACK = """\
channels:
  - {channel: online, when: channel = 'ecommerce'}
  - {channel: rest, when: true}
rules:
  - rule: velocity
    when: card_txn_count_10m >= :max_count and card_amount_sum_10m >= :min_amount
    thresholds:
      max_count: {value: 6, min: 1, max: 100}
      min_amount: {value: 5000, min: 0}
    action: challenge
    severity: P1
    reason: "{card_txn_count_10m} payments of {card_amount_sum_10m:money}, {:max_count} or more"
    owner: card-risk
  - rule: far
    when: card_km_from_last > :km or card_is_abroad and not profile_travels_abroad
    thresholds: {km: 800.0}
    action: review
    severity: P2
    reason: "{card_km_from_last:whole} km from the last payment"
    owner: card-risk
    channels: [online]
  - rule: blocked
    when: in_list('block_ip', ip) and billing_amount_minor > :least
    thresholds: {least: 1000}
    action: block
    severity: P0
    reason: the address is blocked
    owner: card-risk
  - rule: trusted
    when: in_list('allow_card', card_id)
    action: allow
    severity: P2
    reason: the card is trusted
    owner: card-risk
  - rule: declines
    when: card_decline_count_1h >= :count
    thresholds: {count: 4}
    action: block
    severity: P1
    reason: "{card_decline_count_1h} declines"
    owner: card-risk
    state: shadow
"""


def pack(text: str = PACK) -> CheckedRuleset:
    """A pack named card."""
    return check_ruleset(parse_rules(text, name="card"))


def rows(count: int, seed: int = 1) -> list[Row]:
    """Events of twenty days; a value in ten is not known, and about a third fire a rule of PACK."""
    draws = np.random.default_rng(seed)

    def maybe(value: Any) -> Any:
        return None if draws.random() < 0.1 else value

    return [
        {
            "event_id": f"e{place:05d}",
            "event_ts": START + timedelta(minutes=place * 20 * 1440 / count),
            "card_id": f"c{draws.integers(40)}",
            "channel": maybe(str(draws.choice(["ecommerce", "card_present"]))),
            "ip": maybe(f"10.{draws.integers(4)}.{draws.integers(4)}.7"),
            "is_declined": bool(draws.random() < 0.1),
            "billing_amount_minor": maybe(int(draws.integers(100, 9_000))),
            "card_txn_count_10m": maybe(int(draws.integers(1, 10))),
            "card_amount_sum_10m": maybe(int(draws.integers(0, 20_000))),
            "card_km_from_last": maybe(float(draws.random() * 1_000)),
            "card_is_abroad": maybe(bool(draws.random() < 0.1)),
            "profile_travels_abroad": maybe(bool(draws.random() < 0.5)),
            "card_decline_count_1h": maybe(int(draws.integers(0, 6))),
            "version": 1,
        }
        for place in range(count)
    ]


def labels(events: Sequence[Row], seed: int = 2) -> list[Row]:
    """One event in eight a fraud, in attacks of about five, known three days later; some are cleared afterwards."""
    draws = np.random.default_rng(seed)
    told = []
    for place, event in enumerate(events):
        if draws.random() < 0.125:
            said = {
                "event_id": event["event_id"],
                "verdict": "fraud",
                "arrived_at": event["event_ts"] + timedelta(days=3),
                "episode_id": f"a{place // 40}",
                "scenario": ("testing", "takeover")[place // 40 % 2],
            }
            told.append(said)
            if draws.random() < 0.1:
                told.append({**said, "verdict": "legitimate", "arrived_at": event["event_ts"] + timedelta(days=9)})
    return told


def frauds(told: Sequence[Row]) -> dict[str, Row]:
    """Labels by event, of events that are frauds by their last verdict."""
    last: dict[str, Row] = {}
    for label in sorted(told, key=lambda label: label["arrived_at"]):
        last[label["event_id"]] = label
    return {event: label for event, label in last.items() if label["verdict"] == "fraud"}


def make_state(path: Path, events: Sequence[Row], told: Sequence[Row] = (), decisions: Sequence[Row] = ()) -> Path:
    """A state with these rows; a feature that a row lacks is not known."""
    with duckdb.connect(str(path)) as connection:
        for table, given in (("decision_input", inputs(events)), ("labels", label_table(told))):
            connection.register("given", given)
            connection.execute(f"create table {table} as select * from given")
            connection.unregister("given")
        if decisions:
            connection.register("given", pa.Table.from_pylist(list(decisions), DECISIONS))
            connection.execute("create table decisions as select * from given")
            connection.unregister("given")
    return path


def inputs(events: Sequence[Row]) -> pa.Table:
    """decision_input's rows."""
    types = {"text": pa.string(), "number": pa.float64(), "boolean": pa.bool_(), "timestamp": pa.timestamp("us")}
    fields = [
        (c.name, types.get(c.kind) or (pa.int32() if c.type == "integer" else pa.int64()))
        for c in rule_columns().values()
        if not c.name.startswith("model_")
    ]
    return pa.Table.from_pylist(list(events), pa.schema([*fields, ("version", pa.int32())]))


def label_table(told: Sequence[Row]) -> pa.Table:
    """The table `labels`."""
    texts = ("event_id", "verdict", "episode_id", "scenario")
    schema = pa.schema([*((name, pa.string()) for name in texts), ("arrived_at", pa.timestamp("us"))])
    return pa.Table.from_pylist(list(told), schema)


DECISIONS = pa.schema(
    [
        *((name, pa.string()) for name in ("event_id", "card_id", "action", "severity")),
        ("event_ts", pa.timestamp("us")),
        ("is_anomaly", pa.bool_()),
        ("model_score", pa.float64()),
        ("model_version", pa.string()),
        *((name, pa.list_(pa.string())) for name in ("rule_ids", "reasons", "shadow_rule_ids", "shadow_rulesets")),
        *((name, pa.string()) for name in ("ruleset_revision", "ruleset_channel", "rule_vector")),
        ("control_version", pa.int64()),
        ("version", pa.int32()),
    ]
)


@cache
def _checked(text: str) -> CheckedRuleset:
    return pack(text)


def decision(event: Row, snapshot: Snapshot) -> Row:
    """What is recorded of an event that is decided by a snapshot, worked out by the reference."""
    live, canary = snapshot.live, snapshot.canary
    assert live is not None
    taken = canary and Canary(canary.ruleset, canary.share or 0.0).takes(event["card_id"])
    deciding = canary if canary and taken else live
    lists = lists_of(snapshot)
    decided = decide(_checked(deciding.text), event, deciding.thresholds, lists)
    said = []
    for shadow in snapshot.shadows:
        there = decide(_checked(shadow.text), event, shadow.thresholds, lists)
        if there.rule_ids:
            said.append(json.dumps({"revision": shadow.revision, "action": there.action, "rule_ids": there.rule_ids}))
    return {
        **vars(decided),
        **{name: event.get(name) for name in ("event_id", "event_ts", "card_id", "version", "model_score")},
        "shadow_rulesets": said,
        "ruleset_revision": deciding.revision,
        "control_version": snapshot.control_version,
    }


def decided(control: Control, events: Sequence[Row]) -> list[Row]:
    """Decisions on events by what is in force now."""
    snapshot = control.snapshot()
    return [decision(event, snapshot) for event in events]
