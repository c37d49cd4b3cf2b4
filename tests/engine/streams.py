"""Small streams of payments for hypothesis: few keys, times that meet at the edges of windows, tiles and sessions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st
from pydantic import BaseModel

from riskwave.contracts import CardProfile, Device, Label, arrow_schema
from riskwave.sources.batch import FIELDS, raw_table

#: Half a minute before a minute, an hour and a day are full.
START = datetime(2026, 1, 10, 23, 59, 30)
LONGEST = timedelta(days=100)
MICROSECOND = timedelta(microseconds=1)
STEPS = [
    timedelta(0),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=24),
    timedelta(days=7),
    timedelta(days=30),
]
WAITS = [
    -timedelta(days=1),
    timedelta(0),
    timedelta(0),
    timedelta(days=2),
    timedelta(days=30),
    timedelta(days=30) + MICROSECOND,
]
MALFORMED: list[dict[str, Any]] = [
    {"decode_error": "not valid JSON: unexpected end"},
    {"amount_minor": None},
    {"amount_minor": "-1"},
    {"amount_minor": "NaN"},
    {"event_ts": "9999-12-31T00:00:00Z"},
    {"event_ts": "yesterday"},
    {"card_id": "4111111111111111"},
    {"event_id": " "},
]
Row = dict[str, Any]


@dataclass(frozen=True)
class Stream:
    """deliveries: payments as received, one after another; labels: with the share of the deliveries they come after."""

    deliveries: list[Row]
    labels: list[tuple[Row, float]]
    profiles: list[Row]
    devices: list[Row]

    def raw(self, order: list[int] | None = None) -> pa.Table:
        """The deliveries as RAW_SCHEMA, in an order; offsets count them in it."""
        rows = [self.deliveries[place] for place in order] if order is not None else self.deliveries
        texts = [{name: _text(row.get(name)) for name in FIELDS} for row in rows]
        return raw_table(
            {name: pa.array([row[name] for row in texts], pa.string()) for name in FIELDS},
            raw=[repr(row).encode() for row in rows],
            decode_error=[row.get("decode_error") for row in rows],
            source="payments",
            partition=0,
            offsets=range(len(rows)),
            received_at=[row["received_at"] for row in rows],
        )

    def labels_upto(self, before: float, upto: float) -> pa.Table:
        """The labels that come after a share in [before, upto) of the deliveries."""
        return typed(Label, [row for row, after in self.labels if before <= after < upto])

    def landed(self) -> dict[str, pa.Table]:
        """All there is, as it lands for a batch."""
        return {
            "payments": self.raw(),
            "labels": self.labels_upto(0, 2),
            "card_profiles": typed(CardProfile, self.profiles),
            "devices": typed(Device, self.devices),
        }

    def apart(self, prefix: str, later: timedelta) -> Stream:
        """The same stream with keys of its own and later, so that it may follow another in one engine."""
        keys = ("event_id", "card_id", "device_id", "merchant_id", "ip", "bin")

        def moved(row: Row) -> Row:
            new = {name: value + later if isinstance(value, datetime) else value for name, value in row.items()}
            return new | {name: prefix + row[name] for name in keys if row.get(name, " ") not in (None, " ")}

        return replace(
            self,
            deliveries=[moved(row) for row in self.deliveries],
            labels=[(moved(row), after) for row, after in self.labels],
            profiles=[moved(row) for row in self.profiles],
            devices=[moved(row) for row in self.devices],
        )


def typed(contract: type[BaseModel], rows: list[Row]) -> pa.Table:
    """Rows of a contract as its Arrow table."""
    return pa.Table.from_pylist(rows, schema=arrow_schema(contract))


@st.composite
def streams(draw: st.DrawFn, least: int = 4, most: int = 30) -> Stream:
    """A stream of `least` to `most` payments, some delivered twice or spoilt, with labels and facts."""
    times = [START]
    for _ in range(draw(st.integers(least, most)) - 1):
        near = times[-1 - draw(st.integers(0, min(len(times), 5) - 1))]
        off = draw(st.sampled_from([timedelta(0), timedelta(0), MICROSECOND, -MICROSECOND, timedelta(seconds=37)]))
        moment = near + draw(st.sampled_from(STEPS)) + off
        times.append(moment if moment - START < LONGEST else START)
    payments = [draw(_payment(place, moment)) for place, moment in enumerate(times)]
    deliveries: list[Row] = []
    for row in payments:
        kind = draw(st.sampled_from(["once"] * 8 + ["twice", "changed", "spoilt before", "spoilt"]))
        if kind == "spoilt before":
            deliveries.append(row | draw(st.sampled_from(MALFORMED)))
        deliveries.append(row | draw(st.sampled_from(MALFORMED)) if kind == "spoilt" else row)
        if kind in ("twice", "changed"):
            again = row if kind == "twice" else row | {"amount_minor": 7, "billing_amount_minor": None}
            deliveries.insert(draw(st.integers(0, len(deliveries))), again)
    for row in deliveries:
        row["received_at"] = max(times) + timedelta(hours=1)
    return Stream(deliveries, draw(_labels(payments)), draw(_profiles(times)), draw(_devices(times)))


@st.composite
def _payment(draw: st.DrawFn, place: int, moment: datetime) -> Row:
    def one(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    placed = one(True, True, False)
    return {
        "event_id": f"e{one(*'zyxab')}{place:03}",  # ties in time are not in order of arrival
        "event_ts": moment,
        "transmitted_ts": one(None, None, moment + one(*STEPS), moment + MICROSECOND, moment - MICROSECOND),
        "local_ts": moment + timedelta(hours=2) if one(True, False) else None,
        "card_id": one("c0", "c0", "c1"),
        "transaction_type": one("purchase", "purchase", "refund", "cash_withdrawal", None),
        "channel": one("card_present", "ecommerce"),
        "amount_minor": one(0, 150, 1999, 2000, 49999, 50000, 10**12),
        "billing_amount_minor": one(None, None, 777, 60000),
        "currency": "EUR",
        "bin": one("411111", "522222", None),
        "mcc": one("5411", "6011", None),
        "merchant_id": one("m0", "m1", None),
        "merchant_country": one("DE", "US", None),
        "latitude": one(48.1, 40.7) if placed else None,
        "longitude": one(11.6, -74.0) if placed else None,
        "ip": one("10.0.0.1", "10.0.0.2", None),
        "device_id": one("d0", "d1", None),
        "response_code": one("00", "00", "51", None),
    }


@st.composite
def _labels(draw: st.DrawFn, payments: list[Row]) -> list[tuple[Row, float]]:
    made = []
    for _ in range(draw(st.integers(0, 8))):
        row = draw(st.sampled_from(payments))
        label = {
            "event_id": draw(st.sampled_from([row["event_id"]] * 5 + ["never_seen"])),
            "verdict": draw(st.sampled_from(["fraud", "fraud", "legitimate"])),
            "arrived_at": row["event_ts"] + draw(st.sampled_from(WAITS)),
        }
        made.append((label, draw(st.sampled_from([0.0, 0.0, 0.5, 1.0]))))
    return made


@st.composite
def _profiles(draw: st.DrawFn, times: list[datetime]) -> list[Row]:
    keys = draw(st.lists(st.tuples(st.sampled_from(["c0", "c1"]), st.sampled_from(times)), max_size=3, unique=True))
    return [
        {
            "card_id": card,
            "valid_from": moment,
            "opened_at": START - timedelta(days=900),
            "home_latitude": draw(st.sampled_from([52.5, None])),
            "home_longitude": 13.4,
            "home_country": draw(st.sampled_from(["DE", None])),
            "daily_limit_minor": draw(st.sampled_from([None, 0, 100000])),
            "mean_amount_minor": 4000,
            "std_amount_minor": draw(st.sampled_from([0, 1500])),
            "usual_radius_km": draw(st.sampled_from([0.0, 25.0])),
            "travels_abroad": draw(st.sampled_from([True, False, None])),
        }
        for card, moment in keys
    ]


@st.composite
def _devices(draw: st.DrawFn, times: list[datetime]) -> list[Row]:
    keys = draw(st.lists(st.tuples(st.sampled_from(["d0", "d1"]), st.sampled_from(times)), max_size=2, unique=True))
    return [
        {
            "device_id": device,
            "valid_from": moment,
            "os": "android",
            "is_emulator": draw(st.booleans()),
            "first_seen_at": START,
        }
        for device, moment in keys
    ]


def _text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value is None else str(value)
