"""The report's own features, in numpy: about what a first ruleset would look at."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskwave.simulator.arrow import Column, pc
from riskwave.simulator.draws import Floats, Ints
from riskwave.simulator.report.windows import Keyed
from riskwave.simulator.world import haversine_km

_SPANS = {"10m": 600, "1h": 3600, "24h": 86_400}
_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000


def features(payments: pa.Table, profiles: pa.Table, devices: pa.Table) -> dict[str, Floats]:
    """Numeric features by name, rows as in `payments`: one row an event, sorted by event_ts."""
    amount = _numbers(payments["billing_amount_minor"])
    card = _codes(payments["card_id"])
    ts = _numbers(payments["event_ts"].cast(pa.int64())).astype(np.int64)
    by_card = Keyed(card, ts)
    return {
        "amount": amount,
        **_card_windows(payments, by_card, amount),
        **_card_habits(by_card, amount, ts),
        **_places(payments, profiles, by_card, ts),
        **_first_times(payments, card, ts),
        **_others(payments, card, ts),
        **_profile(payments, profiles, amount),
        **_device_facts(payments, devices, ts),
        **_flags(payments),
    }


def _card_windows(payments: pa.Table, by_card: Keyed, amount: Floats) -> dict[str, Floats]:
    declined = _is(payments, "response_code", "00") == 0
    found = {}
    for name, span in _SPANS.items():
        found[f"card_txn_count_{name}"] = by_card.count(span)
        found[f"card_amount_sum_{name}"] = by_card.sum(amount, span)
        found[f"card_decline_count_{name}"] = by_card.sum(declined, span)
        for what in ("merchant_id", "merchant_country", "mcc"):
            found[f"card_{what}_count_{name}"] = by_card.distinct(_codes(payments[what]), span)
    return found


def _card_habits(by_card: Keyed, amount: Floats, ts: Ints) -> dict[str, Floats]:
    """Against the card's own last 30 days."""
    days30 = 30 * 86_400
    n, total = by_card.count(days30), by_card.sum(amount, days30)
    square = by_card.sum(amount**2, days30)
    mean = total / n
    deviation = np.sqrt(np.maximum(square / n - mean**2, 0)) + 1.0
    before = by_card.previous()
    gap = np.where(before >= 0, (ts - ts[before]) / 1e6, np.nan)
    turn = 2 * np.pi * (ts % _DAY_US) / _DAY_US
    x, y = by_card.sum(np.cos(turn), days30) / n, by_card.sum(np.sin(turn), days30) / n
    return {
        "card_amount_z_30d": np.where(n > 2, (amount - mean) / deviation, 0.0),
        "card_amount_to_mean_30d": amount / (mean + 1),
        "card_txn_count_30d": n,
        "seconds_since_last": gap,
        "hour_unusualness": 1 - (x * np.cos(turn) + y * np.sin(turn)),
        "amount_to_last": np.where(before >= 0, amount / (amount[before] + 1), np.nan),
    }


def _places(payments: pa.Table, profiles: pa.Table, by_card: Keyed, ts: Ints) -> dict[str, Floats]:
    lat, lon = _numbers(payments["latitude"]), _numbers(payments["longitude"])
    home_lat, home_lon = (_looked_up(payments, profiles, n) for n in ("home_latitude", "home_longitude"))
    before = by_card.previous()
    moved = np.where(before >= 0, haversine_km(lat[before], lon[before], lat, lon), np.nan)
    hours = np.maximum((ts - ts[before]) / _HOUR_US, 1 / 60)
    return {
        "km_from_home": haversine_km(home_lat, home_lon, lat, lon),
        "km_from_last": moved,
        "km_h_from_last": moved / hours,
    }


def _first_times(payments: pa.Table, card: NDArray[np.int64], ts: Ints) -> dict[str, Floats]:
    found = {}
    for what in ("merchant_id", "merchant_country", "device_id", "mcc", "ip"):
        other = _codes(payments[what])
        pair = np.where(other >= 0, card * (int(other.max(initial=0)) + 1) + other, -1)
        number = Keyed(_dense(pair), ts).number()
        found[f"card_times_at_{what}"] = np.where(other >= 0, number, np.nan).astype(np.float64)
        found[f"first_time_{what}"] = ((number == 0) & (other >= 0)).astype(np.float64)
    return found


def _others(payments: pa.Table, card: NDArray[np.int64], ts: Ints) -> dict[str, Floats]:
    """What else happens at the same device, address, merchant, terminal, BIN."""
    declined = _is(payments, "response_code", "00") == 0
    amount = _numbers(payments["billing_amount_minor"])
    found = {}
    for what in ("device", "ip", "merchant", "terminal"):
        keyed = Keyed(_codes(payments["ip" if what == "ip" else f"{what}_id"]), ts)
        for name, span in (("1h", 3600), ("24h", 86_400)):
            count = keyed.count(span)
            found[f"{what}_txn_count_{name}"] = count
            found[f"{what}_card_count_{name}"] = keyed.distinct(card, span)
            found[f"{what}_decline_share_{name}"] = keyed.sum(declined, span) / np.maximum(count, 1)
        if what == "merchant":
            found["merchant_amount_mean_24h"] = keyed.sum(amount, 86_400) / np.maximum(count, 1)
            found["amount_to_merchant_mean"] = amount / (found["merchant_amount_mean_24h"] + 1)
            found["merchant_rush"] = keyed.count(3600) / np.maximum(keyed.count(7 * 86_400), 1)
    by_bin = Keyed(_codes(payments["bin"]), ts)
    found["bin_decline_share_1h"] = by_bin.sum(declined, 3600) / np.maximum(by_bin.count(3600), 1)
    return found


def _profile(payments: pa.Table, profiles: pa.Table, amount: Floats) -> dict[str, Floats]:
    named = ("mean_amount_minor", "std_amount_minor", "single_limit_minor")
    mean, deviation, limit = (_looked_up(payments, profiles, name) for name in named)
    opened = _looked_up(payments, profiles, "opened_at")
    home = _texts_looked_up(payments, profiles, "home_country")
    abroad = pc.not_equal(payments["merchant_country"].combine_chunks(), home)
    return {
        "profile_amount_z": (amount - mean) / (deviation + 1),
        "profile_limit_share": amount / (limit + 1),
        "tenure": _numbers(payments["event_ts"].cast(pa.int64())) - opened,
        "is_foreign_merchant": _numbers(abroad),
    }


def _device_facts(payments: pa.Table, devices: pa.Table, ts: Ints) -> dict[str, Floats]:
    facts = {n: _looked_up(payments, devices, n) for n in ("is_emulator", "is_rooted", "first_seen_at")}
    zone = _looked_up(payments, devices, "timezone_offset_minutes")
    local = _numbers(payments["local_ts"].cast(pa.int64()))
    return {
        "device_is_emulator": facts["is_emulator"],
        "device_is_rooted": facts["is_rooted"],
        "device_age": ts - facts["first_seen_at"],
        "device_zone_difference": np.abs(zone - (local - ts) / 60e6),
    }


def _flags(payments: pa.Table) -> dict[str, Floats]:
    found = {}
    for column in (
        "entry_mode", "cardholder_verification", "cvv_result", "avs_result", "channel", "transaction_type",
        "three_ds_status", "response_code", "wallet", "mcc", "message_type",
    ):  # fmt: skip
        values: list[Any] = payments[column].unique().drop_null().to_pylist()
        for value in sorted(values):
            found[f"{column}={value}"] = _is(payments, column, value)
    found["has_device"] = _numbers(payments["device_id"].is_valid())
    found["is_recurring"] = _numbers(payments["is_recurring"])
    return found


def _is(payments: pa.Table, column: str, value: str) -> Floats:
    return _numbers(pc.fill_null(pc.equal(payments[column], value), False))


def _numbers(column: Column) -> Floats:
    values = column.cast(pa.float64()) if not pa.types.is_boolean(column.type) else column.cast(pa.int8())
    return np.asarray(
        values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values.to_numpy(),
        np.float64,
    )


def _codes(column: Column) -> Ints:
    """A number for each different text; -1 for null."""
    encoded = column.combine_chunks().dictionary_encode()
    codes: Ints = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _dense(codes: Ints) -> Ints:
    found = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return np.where(codes >= 0, found, -1)


def _place(payments: pa.Table, facts: pa.Table) -> Column:
    """Row of each payment's first version in `facts`; null for none."""
    key = facts.column_names[0]
    texts = facts[key].combine_chunks()
    return pc.index_in(payments[key].combine_chunks(), value_set=texts)


def _looked_up(payments: pa.Table, facts: pa.Table, name: str) -> Floats:
    column = facts[name].combine_chunks()
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return _numbers(column.take(_place(payments, facts)))


def _texts_looked_up(payments: pa.Table, facts: pa.Table, name: str) -> Column:
    return facts[name].combine_chunks().take(_place(payments, facts))
