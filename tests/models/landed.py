"""A small month of payments, landed as the sources land them, made to meet at the edges of every window."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import BaseModel

from riskwave.contracts import CardProfile, Device, Label, arrow_schema
from riskwave.sources.batch import FIELDS, raw_table

START = datetime(2026, 1, 1, 9, 30)
MICROSECOND = timedelta(microseconds=1)
#: The lengths of all windows: a payment is often made exactly so long after another, or a microsecond off.
LENGTHS = [
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=24),
    timedelta(days=7),
    timedelta(days=30),
]
Row = dict[str, Any]


def payments(count: int = 400, seed: int = 7) -> list[Row]:
    """Payments with few cards, devices, addresses and merchants, so that they share windows and tiles."""
    dice = random.Random(seed)
    times = [START]
    while len(times) < count:
        off = dice.choice([timedelta(0)] * 3 + [MICROSECOND, -MICROSECOND, timedelta(seconds=dice.randrange(600))])
        times.append(dice.choice(times[-40:]) + dice.choice([timedelta(0), *LENGTHS[: dice.randrange(1, 9)]]) + off)
    rows = []
    for number, event_ts in enumerate(times):
        placed = dice.random() < 0.7
        rows.append(
            {
                "event_id": f"e{number:04}",
                "event_ts": event_ts,
                "local_ts": event_ts + timedelta(hours=2) if dice.random() < 0.5 else None,
                "card_id": f"c{dice.randrange(4)}",
                "transaction_type": dice.choice(["purchase", "purchase", "refund", "cash_withdrawal", None]),
                "channel": dice.choice(["card_present", "ecommerce"]),
                "amount_minor": dice.choice([0, 150, 1999, 2000, 49999, 50000, dice.randrange(10**6)]),
                "billing_amount_minor": dice.choice([None, None, 777, 60000]),
                "currency": "EUR",
                "bin": dice.choice(["411111", "522222", None]),
                "mcc": dice.choice(["5411", "5812", "6011", None]),
                "merchant_id": dice.choice(["m1", "m2", "m3", None]),
                "merchant_country": dice.choice(["DE", "FR", "US", None]),
                "latitude": dice.choice([48.1, 52.5, 40.7]) if placed else None,
                "longitude": dice.choice([11.6, 13.4, -74.0]) if placed else None,
                "ip": dice.choice(["10.0.0.1", "10.0.0.2", None]),
                "device_id": dice.choice(["d1", "d2", None]),
                "response_code": dice.choice(["00", "00", "51", None]),
            }
        )
    return rows


def labels(made: list[Row], seed: int = 8) -> list[Row]:
    """Verdicts on a fifth of the payments; some come after exactly 720 hours, some too late to count."""
    dice = random.Random(seed)
    waits = [
        timedelta(0),
        timedelta(days=2),
        timedelta(days=9),
        timedelta(hours=720),
        timedelta(hours=720) + MICROSECOND,
    ]
    return [
        {
            "event_id": row["event_id"],
            "verdict": dice.choice(["fraud", "fraud", "legitimate"]),
            "arrived_at": row["event_ts"] + dice.choice(waits),
        }
        for row in made
        if dice.random() < 0.2
    ]


def profiles() -> list[Row]:
    """Two versions for one card, one for two, none for the last; the second begins with a payment."""
    home = {
        "home_latitude": 52.5,
        "home_longitude": 13.4,
        "home_country": "DE",
        "opened_at": datetime(2020, 2, 29),
    }
    return [
        {
            "card_id": "c0",
            "valid_from": datetime(2025, 1, 1),
            "risk_class": "low",
            "usual_radius_km": 25.0,
            **home,
        },
        {
            "card_id": "c0",
            "valid_from": START + timedelta(days=7),
            "risk_class": "high",
            "mean_amount_minor": 4000,
            "std_amount_minor": 1500,
            "daily_limit_minor": 100000,
            "single_limit_minor": 50000,
            "mean_daily_count": 1.5,
            "travels_abroad": False,
            "segment": "mass",
            "status": "active",
            **home,
        },
        {
            "card_id": "c1",
            "valid_from": START,
            "usual_radius_km": 0.0,
            "std_amount_minor": 0,
            "mean_amount_minor": 1,
        },
        {"card_id": "c2", "valid_from": START + timedelta(days=400), "risk_class": "medium"},
    ]


def devices() -> list[Row]:
    """Two versions of one device, none of the other."""
    return [
        {"device_id": "d1", "valid_from": datetime(2025, 6, 1), "device_type": "phone", "os": "android"},
        {
            "device_id": "d1",
            "valid_from": START + timedelta(days=1),
            "device_type": "phone",
            "os": "android",
            "is_emulator": True,
            "is_rooted": False,
            "first_seen_at": START + timedelta(days=2),
        },
    ]


def malformed() -> list[Row]:
    """Messages that cannot be used: not decoded, without an amount, in the far future."""
    good = {"card_id": "c0", "event_ts": START.isoformat(), "amount_minor": "100", "currency": "EUR"}
    return [
        {"decode_error": "not valid JSON: unexpected end"},
        {**good, "event_id": "without_amount", "amount_minor": None},
        {**good, "event_id": "far_ahead", "event_ts": "9999-12-31T00:00:00Z"},
    ]


def land(path: Path, made: list[Row], spoilt: list[Row]) -> None:
    """Write the four landed tables; every tenth payment is delivered again, with another amount."""
    again = [{**row, "amount_minor": 1} for row in made[::10]]
    rows = [{k: _text(v) for k, v in row.items()} for row in made + again] + spoilt
    received = raw_table(
        {name: pa.array([row.get(name) for row in rows], pa.string()) for name in FIELDS},
        raw=[repr(row).encode() for row in rows],
        decode_error=[row.get("decode_error") for row in rows],
        source="payments.csv",
        partition=0,
        offsets=range(len(rows)),
        received_at=max(row["event_ts"] for row in made),
    )
    tables = {
        "payments": received,
        "labels": _typed(Label, labels(made)),
        "card_profiles": _typed(CardProfile, profiles()),
        "devices": _typed(Device, devices()),
    }
    with duckdb.connect(str(path)) as state:
        for name, table in tables.items():
            state.register("arrived", table)
            state.execute(f"create table {name} as from arrived")


def _typed(contract: type[BaseModel], rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(contract))


def _text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value is None else str(value)
