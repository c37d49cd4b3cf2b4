"""Every feature, computed the slow way from its description, to hold the SQL to it."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.models.landed import Row

HOUR = timedelta(hours=1)
WINDOWS = {
    "1m": HOUR / 60,
    "5m": HOUR / 12,
    "10m": HOUR / 6,
    "30m": HOUR / 2,
    "1h": HOUR,
    "24h": 24 * HOUR,
    "7d": 168 * HOUR,
    "30d": 720 * HOUR,
}
MONTH = WINDOWS["30d"]


def known(row: Row) -> Row:
    """A payment with what staging adds to it."""
    billing = row["amount_minor"] if row["billing_amount_minor"] is None else row["billing_amount_minor"]
    declined = row["response_code"] not in (None, "00")
    if declined:
        code = "d"
    elif row["transaction_type"] == "refund":
        code = "r"
    elif billing == 0:
        code = "v"
    elif row["transaction_type"] == "cash_withdrawal":
        code = "c"
    else:
        code = "s" if billing < 2000 else "m" if billing < 50000 else "l"
    hour = (row["local_ts"] or row["event_ts"]).hour
    return {**row, "billing": billing, "declined": declined, "code": code, "hour": hour}


def kilometres(here: Row, there: Row) -> float:
    """By the haversine, from one {latitude, longitude} to another."""
    a, b, c, d = map(math.radians, (here["latitude"], here["longitude"], there["latitude"], there["longitude"]))
    root = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(root))


def milliseconds(earlier: datetime, later: datetime) -> int:
    """Whole milliseconds, rounded down."""
    return (later - earlier) // timedelta(milliseconds=1)


def mean(values: list[float]) -> float | None:
    """The mean, or None of nothing."""
    return statistics.fmean(values) if values else None


def deviation(values: list[float]) -> float | None:
    """The sample standard deviation, or None below two values."""
    return statistics.stdev(values) if len(values) >= 2 else None


def share(rows: list[Row], test: Callable[[Row], bool]) -> float | None:
    """The share of rows that pass, or None of nothing."""
    return sum(map(test, rows)) / len(rows) if rows else None


def distinct(rows: list[Row], field: str) -> int:
    """Distinct values, None not counted."""
    return len({row[field] for row in rows} - {None})


def _was_there(row: Row) -> bool:
    """Whether the place is known and is the card's: an online payment's is its ip address's."""
    return row["latitude"] is not None and row["channel"] != "ecommerce"


class ByHand:
    """All payments, labels, profiles and devices there are; features(row) computes those of one payment."""

    def __init__(self, made: list[Row], labels: list[Row], profiles: list[Row], devices: list[Row]) -> None:
        self.rows = sorted(map(known, made), key=lambda row: (row["event_ts"], row["event_id"]))
        self.by_card: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            self.by_card[row["card_id"]].append(row)
        self.sessions = {row["event_id"]: self._session(row) for row in self.rows}
        self.profiles, self.devices = profiles, devices
        by_id = {row["event_id"]: row for row in self.rows}
        arrived = sorted(labels, key=lambda label: label["arrived_at"], reverse=True)
        counted = [
            {**by_id[label["event_id"]], "arrived_at": label["arrived_at"]}
            for label in arrived
            if label["verdict"] == "fraud"
            and by_id[label["event_id"]]["event_ts"] <= label["arrived_at"]
            and label["arrived_at"] <= by_id[label["event_id"]]["event_ts"] + MONTH
        ]
        # The first label of an event takes the place of those after it.
        self.frauds = list({fraud["event_id"]: fraud for fraud in counted}.values())

    def features(self, row: Row) -> dict[str, Any]:
        """Every feature but the payment's own fields, by name."""
        profile = self._as_of(self.profiles, "card_id", row)
        return {
            **self._card_day(row),
            **self._card_month(row),
            **self._profile(row, profile),
            **self._device(row),
            **self._ip(row),
            **self._busy(row, "merchant", "merchant_id"),
            **self._busy(row, "bin", "bin"),
            "merchant_fraud_rate_30d": self._fraud_rate(row, "merchant_id"),
        }

    def _exact(self, row: Row, key: str, window: str) -> list[Row]:
        first = row["event_ts"] - WINDOWS[window]
        return [o for o in self.rows if o[key] == row[key] and first <= o["event_ts"] <= row["event_ts"]]

    def _before(self, row: Row, *, placed: bool = False) -> Row | None:
        """The card's payment before, ties in order of event_id, if it was made in the last 720 hours."""
        history = self.by_card[row["card_id"]]
        for other in reversed(history[: history.index(row)]):
            if _was_there(other) or not placed:
                return other if other["event_ts"] >= row["event_ts"] - MONTH else None
        return None

    def _gap(self, row: Row) -> int | None:
        before = self._before(row)
        return None if before is None else milliseconds(before["event_ts"], row["event_ts"])

    def _session(self, row: Row) -> datetime | None:
        first, before = row, self._before(row)
        while before is not None and milliseconds(before["event_ts"], first["event_ts"]) <= 30 * 60 * 1000:
            first, before = before, self._before(before)
        start: datetime = first["event_ts"]
        return start if start >= row["event_ts"] - 24 * HOUR else None

    def _card_day(self, row: Row) -> dict[str, Any]:
        windows = {name: self._exact(row, "card_id", name) for name in WINDOWS}
        day, gap, session = windows["24h"], self._gap(row), self.sessions[row["event_id"]]
        last = self._before(row, placed=True) if _was_there(row) else None
        far = None if last is None else kilometres(last, row)
        took = None if last is None else max(milliseconds(last["event_ts"], row["event_ts"]), 60000)
        return {
            **{f"card_txn_count_{w}": len(windows[w]) for w in ("1m", "5m", "10m", "1h", "24h")},
            **{f"card_amount_sum_{w}": sum(o["billing"] for o in windows[w]) for w in ("10m", "1h", "24h")},
            **{f"card_decline_count_{w}": sum(o["declined"] for o in windows[w]) for w in ("10m", "1h")},
            "card_amount_max_24h": max(o["billing"] for o in day),
            "card_seconds_since_last": None if gap is None else gap / 1000,
            "card_merchant_count_24h": distinct(day, "merchant_id"),
            "card_mcc_count_24h": distinct(day, "mcc"),
            "card_country_count_24h": distinct(day, "merchant_country"),
            "card_km_from_last": far,
            "card_kmh_from_last": None if far is None or took is None else far * 3600000 / took,
            "card_session_txn_count": len(day)
            if session is None
            else sum(self.sessions[o["event_id"]] == session for o in day),
            "card_session_seconds": 86400.0 if session is None else milliseconds(session, row["event_ts"]) / 1000,
            "card_events_30m": "".join(o["code"] for o in windows["30m"]),
        }

    def _card_month(self, row: Row) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for w in ("7d", "30d"):
            amounts = [o["billing"] for o in self._exact(row, "card_id", w)]
            out |= {
                f"card_txn_count_{w}": len(amounts),
                f"card_amount_sum_{w}": sum(amounts),
                f"card_amount_avg_{w}": mean(amounts),
                f"card_amount_std_{w}": deviation(amounts),
                f"card_amount_max_{w}": max(amounts),
            }
        month = self._exact(row, "card_id", "30d")
        gaps = [gap / 1000 for o in month if (gap := self._gap(o)) is not None]
        others = [o["billing"] for o in month if o is not row]
        spread = deviation(others)
        firsts = {"merchant": "merchant_id", "country": "merchant_country", "device": "device_id"}
        return {
            **out,
            "card_gap_avg_30d": mean(gaps),
            "card_gap_std_30d": deviation(gaps),
            "card_amount_zscore_30d": (row["billing"] - statistics.fmean(others)) / spread if spread else None,
            "card_hour_share_30d": share(month, lambda o: o["hour"] == row["hour"]),
            **{
                f"card_{name}_first_30d": row[field] is not None and sum(o[field] == row[field] for o in month) == 1
                for name, field in firsts.items()
            },
        }

    def _as_of(self, versions: list[Row], key: str, row: Row) -> Row:
        found = [v for v in versions if v[key] == row[key] and v["valid_from"] <= row["event_ts"]]
        return max(found, key=lambda version: version["valid_from"], default={})

    def _profile(self, row: Row, profile: Row) -> dict[str, Any]:
        home = {"latitude": profile.get("home_latitude"), "longitude": profile.get("home_longitude")}
        far = None if None in (home["latitude"], row["latitude"]) else kilometres(home, row)
        radius, spread = profile.get("usual_radius_km"), profile.get("std_amount_minor")
        country, opened = profile.get("home_country"), profile.get("opened_at")
        plain = (
            "segment",
            "risk_class",
            "status",
            "single_limit_minor",
            "daily_limit_minor",
            "mean_daily_count",
        )
        return {
            "card_home_km": far,
            "card_home_km_ratio": far / radius if far is not None and radius else None,
            "card_amount_zscore_profile": (row["billing"] - profile["mean_amount_minor"]) / spread if spread else None,
            "card_is_abroad": None
            if None in (country, row["merchant_country"])
            else country != row["merchant_country"],
            **{f"profile_{name}": profile.get(name) for name in (*plain, "travels_abroad")},
            "profile_tenure_days": None if opened is None else milliseconds(opened, row["event_ts"]) / 86400000,
        }

    def _device(self, row: Row) -> dict[str, Any]:
        device = self._as_of(self.devices, "device_id", row)
        seen = device.get("first_seen_at")
        windows = {w: self._exact(row, "device_id", w) for w in ("10m", "1h", "24h")}
        has = row["device_id"] is not None
        return {
            **{f"device_txn_count_{w}": len(rows) if has else None for w, rows in windows.items()},
            **{f"device_card_count_{w}": distinct(windows[w], "card_id") if has else None for w in ("1h", "24h")},
            "device_decline_rate_1h": share(windows["1h"], lambda o: o["declined"]) if has else None,
            "device_type": device.get("device_type"),
            "device_os": device.get("os"),
            "device_is_emulator": device.get("is_emulator"),
            "device_is_rooted": device.get("is_rooted"),
            "device_age_days": None if seen is None else milliseconds(seen, row["event_ts"]) / 86400000,
        }

    def _tiled(self, row: Row, key: str, window: str) -> list[Row]:
        """Of the complete minutes (hours, from 24h on) before the payment's own."""
        own = row["event_ts"].replace(second=0, microsecond=0)
        own = own.replace(minute=0) if window == "24h" else own
        first = own - WINDOWS[window]
        return [o for o in self.rows if o[key] == row[key] is not None and first <= o["event_ts"] < own]

    def _ip(self, row: Row) -> dict[str, Any]:
        windows = {w: self._tiled(row, "ip", w) for w in ("10m", "1h", "24h")}
        return {
            **{f"ip_txn_count_{w}": len(rows) for w, rows in windows.items()},
            **{f"ip_card_count_{w}": distinct(windows[w], "card_id") for w in ("1h", "24h")},
            "ip_decline_rate_1h": share(windows["1h"], lambda o: o["declined"]),
            "ip_fraud_rate_30d": self._fraud_rate(row, "ip"),
        }

    def _busy(self, row: Row, entity: str, key: str) -> dict[str, Any]:
        windows = {w: self._tiled(row, key, w) for w in ("10m", "1h", "24h")}
        return {
            **{f"{entity}_txn_count_{w}": len(rows) for w, rows in windows.items()},
            **{f"{entity}_amount_avg_{w}": mean([o["billing"] for o in rows]) for w, rows in windows.items()},
            **{f"{entity}_decline_rate_{w}": share(rows, lambda o: o["declined"]) for w, rows in windows.items()},
        }

    def _fraud_rate(self, row: Row, key: str) -> float | None:
        """Of the 30 complete days before: labels by their arrival over payments by their time."""
        if row[key] is None:
            return None
        day = row["event_ts"].replace(hour=0, minute=0, second=0, microsecond=0)
        frauds = [o for o in self.frauds if o[key] == row[key] and day - MONTH <= o["arrived_at"] < day]
        made = [o for o in self.rows if o[key] == row[key] and day - MONTH <= o["event_ts"] < day]
        return len(frauds) / len(made) if made else None
