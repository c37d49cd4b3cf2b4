"""Legitimate life: who pays when, where and for what. Nothing here knows of attacks."""

import numpy as np

from riskwave.simulator.calendar import Outings, outings
from riskwave.simulator.categories import categories
from riskwave.simulator.draws import Floats, Ints, lognormal_mean, stream, unit_hash
from riskwave.simulator.events import CHANNELS, TYPES, Events
from riskwave.simulator.mishaps import after_the_fact
from riskwave.simulator.paying import Paid, pay
from riskwave.simulator.setting import Setting
from riskwave.simulator.subscriptions import subscriptions
from riskwave.simulator.world import world

_STANDING = 0.05  # at most this share are standing agreements
_MISHAPS = 0.034  # this share are failed tries, refunds and reversals
_HABIT = 0.72  # share of payments at a merchant the card is used to


def live(setting: Setting, rows: int) -> Events:
    """Exactly `rows` legitimate events, in no order.

    Payments follow each card's rate, weekday, salary and mood; a few percent are standing agreements, retries
    after a mistyped PIN or an empty account, refunds and reversals.
    """
    standing = subscriptions(setting, int(rows * _STANDING))
    extra = round(rows * _MISHAPS)
    both = Events.concat([_payments(setting, rows - len(standing) - extra), standing])
    return Events.concat([both, after_the_fact(setting, both, extra)])


def _payments(setting: Setting, rows: int) -> Events:
    rng, c = stream(setting.seed, 3), categories()
    out = outings(rng, setting, rows)
    category = out.category
    taste = setting.people.online[out.card]
    online = rng.random(rows) < c.online_share[category] ** (1 / taste)
    merchant = _merchant(rng, setting, out, online)
    eur = _amount(rng, setting, out, online)
    withdrawal, transfer = category == c.of(6011)[0], category == c.of(4829)[0]
    trial = online & np.isin(category, c.of(5968, 5817, 8398, 5815)) & (rng.random(rows) < 0.1)
    verification = trial & (rng.random(rows) < 0.5)
    eur = np.where(verification, 0.0, np.where(trial, np.round(1 + rng.random(rows) * 2), eur))
    kind = np.select([withdrawal, transfer, verification], [1, 3, 4], TYPES.index("purchase"))
    channel = np.select([withdrawal, transfer, online], [3, 2, 1], CHANNELS.index("card_present"))
    return Events.make(
        rows,
        {
            "ts": out.ts,
            "card": out.card,
            "type": kind,
            "channel": channel,
            "message": withdrawal | transfer,
            "merchant": merchant,
            "terminal": rng.random(rows) * setting.merchants.terminals[merchant],
            "eur": eur,
            **pay(rng, setting, Paid(out, merchant, eur, channel, online)),
        },
    )


def _merchant(rng: np.random.Generator, setting: Setting, out: Outings, online: np.ndarray) -> Ints:
    """Mostly one of the card's three habitual merchants of the category, else any."""
    merchants, rows = setting.merchants, len(out.card)
    shop = merchants.shop_group(out.city, out.category)
    group = np.where(online, merchants.online_group(out.category), shop)
    habit = np.minimum((rng.random(rows) ** 2 * 3).astype(np.int64), 2)
    usual = unit_hash(out.card, out.category, habit)
    return merchants.choose(group, np.where(rng.random(rows) < _HABIT, usual, rng.random(rows)))


def _amount(rng: np.random.Generator, setting: Setting, out: Outings, online: np.ndarray) -> Floats:
    """Euros: the category's distribution at the card's level and the city's prices; a few are far larger."""
    w, c, rows = world(), categories(), len(out.card)
    prices = np.where(online, 1.0, w.price_level[w.city_country[out.city]])
    usual = lognormal_mean(rng, c.mean_eur[out.category], c.spread[out.category])
    once = np.where(rng.random(rows) < 0.006, rng.uniform(4, 14, rows), 1.0)
    eur = usual * once * setting.people.level[out.card] * prices * np.where(out.spree, 1.6, 1.0)
    return np.clip(eur, 0.2, 9000)
