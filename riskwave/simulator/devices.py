"""The devices that paid: their numbers, and their facts as the issuer knows them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskwave.contracts import Device, arrow_schema
from riskwave.simulator.arrow import Column, positions
from riskwave.simulator.draws import DAY_S, MICROS, Ints, pick, stream
from riskwave.simulator.events import Events
from riskwave.simulator.paying import ATTACK, DESK, PASSING
from riskwave.simulator.setting import Setting
from riskwave.simulator.texts import numbered, words
from riskwave.simulator.world import world

# maker, model, type, system, version, browser; weight for phones, laptops, tablets, passing visits
_MODELS = """
Apple|iPhone 15|phone|iOS|18.2|Safari|20 0 0 12; Apple|iPhone 13|phone|iOS|17.6|Safari|12 0 0 6
Samsung|Galaxy S24|phone|Android|15|Chrome|16 0 0 9; Samsung|Galaxy A54|phone|Android|14|Chrome|15 0 0 9
Xiaomi|Redmi 13|phone|Android|14|Chrome|10 0 0 6; Google|Pixel 8|phone|Android|15|Chrome|5 0 0 4
Apple|MacBook Air|desktop|macOS|15.2|Safari|0 10 0 9; Dell|Inspiron|desktop|Windows|11|Edge|0 14 0 12
Lenovo|ThinkPad|desktop|Windows|11|Chrome|0 16 0 12; HP|Pavilion|desktop|Windows|10|Firefox|0 9 0 9
Apple|iPad|tablet|iPadOS|18.2|Safari|0 0 14 4; Samsung|Galaxy Tab|tablet|Android|14|Chrome|0 0 10 3
"""
_LANGUAGE = {
    "DE": "de-DE", "AT": "de-AT", "FR": "fr-FR", "BE": "nl-BE", "NL": "nl-NL", "IT": "it-IT",
    "ES": "es-ES", "PT": "pt-PT", "IE": "en-IE", "GB": "en-GB", "PL": "pl-PL", "LU": "fr-LU",
}  # fmt: skip
_UPDATED = 0.25  # share of known devices whose system is updated while we watch


@dataclass(frozen=True)
class DeviceNumbers:
    """Every device that paid: its code in the events (ascending), and its id."""

    codes: Ints
    ids: Column

    def place_of(self, codes: NDArray[Any]) -> Ints:
        """Position of each code; -1 for none."""
        return np.where(codes >= 0, np.searchsorted(self.codes, codes), -1)


def number_devices(events: Events, seed: int) -> DeviceNumbers:
    """Ids in random order, so that an id says nothing about its device."""
    codes = np.unique(events["device"])
    codes = codes[codes >= 0].astype(np.int64)
    return DeviceNumbers(codes, numbered("d", stream(seed, 6).permutation(len(codes)), 8))


def device_table(events: Events, setting: Setting, numbers: DeviceNumbers) -> pa.Table:
    """The device contract's table, one or two versions a device, by device and valid_from."""
    people, start = setting.people, setting.start
    rng, w, rows = stream(setting.seed, 7), world(), len(numbers.codes)
    codes = numbers.codes
    used = np.flatnonzero(events["device"] >= 0)  # in time order
    place, first = np.unique(numbers.place_of(events["device"][used]), return_index=True)
    first_use, owner = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    first_use[place] = events["ts"][used[first]]
    owner[place] = events["card"][used[first]]
    is_attack, is_desk = codes >= ATTACK, (codes >= DESK) & (codes < ATTACK)
    is_passing = (codes >= PASSING) & (codes < DESK)
    bought = np.isin(codes, people.next_phone) & ~np.isin(codes, people.phone)
    # attackers keep some devices for weeks before they use them
    aged = is_attack & (rng.random(rows) < 0.2)
    is_new = is_passing | bought | (is_attack & ~aged)
    tenure = np.where(aged, rng.integers(5, 60, rows), 5 + people.opened_day[owner] * rng.random(rows))
    seen = np.where(
        is_new,
        first_use - rng.integers(1, 120, rows) * MICROS,
        start - (tenure * DAY_S).astype(np.int64) * MICROS,
    )

    kind = np.select(
        [is_desk, is_passing | is_attack, np.isin(codes, people.laptop), np.isin(codes, people.tablet)],
        [1, 3, 1, 2],
        0,
    )
    models = [m.strip().split("|") for line in _MODELS.strip().splitlines() for m in line.split(";")]
    weights = np.array([[float(x) for x in m[6].split()] for m in models]).T
    model = np.zeros(rows, np.int64)
    for k in range(4):
        some = np.flatnonzero(kind == k)
        model[some] = pick(rng, weights[k], len(some))
    home = people.city[owner]
    foreign = is_attack & (rng.random(rows) < 0.45)
    city = np.where(foreign, rng.integers(0, len(w.city), rows), home)
    language = pa.array([_LANGUAGE.get(code, "en-US") for code in w.country], pa.string())
    first_version = rng.integers(40, 58, rows)
    fact = {
        "fingerprint": numbered("f", rng.integers(0, 10**12, rows), 12),
        **{name: words([m[k] for m in models], model) for name, k in (("device_type", 2), ("manufacturer", 0),
           ("model", 1), ("os", 3), ("os_version", 4), ("browser", 5))},
        "language": words(language, w.city_country[city]),
        "timezone_offset_minutes": pa.array(w.utc_offset_s[city] // 60),
        "is_emulator": pa.array(rng.random(rows) < np.where(is_attack, 0.35, 0.006)),
        "is_rooted": pa.array(rng.random(rows) < np.where(is_attack, 0.3, 0.03)),
        "first_seen_at": pa.array(seen).cast(pa.timestamp("us")),
        "device_id": numbers.ids,
    }  # fmt: skip
    updated = np.flatnonzero(~is_new & (rng.random(rows) < _UPDATED))
    which = np.r_[np.arange(rows), updated]
    later = start + rng.integers(0, max(people.days, 1) * DAY_S, len(updated)) * MICROS
    fact = {name: column.take(positions(which)) for name, column in fact.items()}
    version = np.r_[first_version, first_version[updated] + 1]
    fact["app_version"] = words([f"7.{n}" for n in range(60)], version)
    fact["valid_from"] = pa.array(np.r_[seen, later]).cast(pa.timestamp("us"))
    schema = arrow_schema(Device)
    table = pa.Table.from_arrays([fact[name] for name in schema.names], schema=schema)
    return table.sort_by([("device_id", "ascending"), ("valid_from", "ascending")])
