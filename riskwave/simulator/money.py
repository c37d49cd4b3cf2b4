"""From euros to what the merchant charged and what the card was billed, in minor units."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskwave.simulator.draws import Floats, Ints, unit_hash
from riskwave.simulator.events import CHANNELS, Events
from riskwave.simulator.setting import Setting
from riskwave.simulator.world import world

_FOREIGN_FEE = 1.012


@dataclass(frozen=True)
class Amounts:
    """Amounts in minor units, and positions of their currencies in World.currency."""

    minor: Ints
    currency: Ints
    billed: Ints
    billing_currency: Ints


def amounts(events: Events, setting: Setting) -> Amounts:
    """Each event's amount in the merchant's currency (transfers: the card's own) and in the card's."""
    w, people, merchants = world(), setting.people, setting.merchants
    own = w.country_currency[w.city_country[people.city[events["card"]]]]
    theirs = w.country_currency[w.city_country[merchants.city[events["merchant"]]]]
    currency = np.where(events["channel"] == CHANNELS.index("transfer"), own, theirs)
    cash = events["channel"] == CHANNELS.index("cash")
    minor = _price(events["eur"], cash, w.per_euro[currency], w.decimals[currency])
    rate = w.per_euro[own] * 10.0 ** w.decimals[own] / (w.per_euro[currency] * 10.0 ** w.decimals[currency])
    exchanged = np.round(minor * rate * _FOREIGN_FEE).astype(np.int64)
    return Amounts(minor, currency, np.where(currency == own, minor, exchanged), own)


def _price(eur: Floats, cash: NDArray[np.bool_], per_euro: Floats, decimals: NDArray[Any]) -> Ints:
    """Minor units: cash in round notes, a third of the prices ending in 9."""
    units = eur * per_euro
    note = 10.0 ** np.floor(np.log10(np.maximum(10 * per_euro, 1)))
    units = np.where(cash, np.maximum(np.round(units / note), 1) * note, units)
    minor = np.round(units * 10.0**decimals).astype(np.int64)
    nice = (unit_hash(minor, 31) < 0.33) & ~cash & (minor >= 100)
    return np.where(nice, minor // 10 * 10 + 9, minor)
