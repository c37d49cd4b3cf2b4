"""Standing agreements: the same merchant and amount every month or week, at night, without the cardholder."""

import numpy as np

from riskwave.simulator.categories import categories
from riskwave.simulator.draws import DAY_S, MICROS, lognormal_mean, pick, stream
from riskwave.simulator.events import ENTRIES, RESPONSES, Events
from riskwave.simulator.setting import Setting

_WHAT = ((4899, 5), (4814, 3), (4900, 1.5), (6300, 1), (7997, 1), (8398, 0.7), (5815, 2), (5968, 1.2))


def subscriptions(setting: Setting, most: int) -> Events:
    """At most `most` recurring payments: about three agreements a card, one in ten of them weekly."""
    rng, c = stream(setting.seed, 4), categories()
    people, merchants = setting.people, setting.merchants
    card = np.repeat(np.arange(len(people)), rng.poisson(2.2 * np.minimum(people.online, 2)))
    category = c.of(*(code for code, _ in _WHAT))[pick(rng, np.array([s for _, s in _WHAT]), len(card))]
    every = np.where(rng.random(len(card)) < 0.1, 7, 30)
    due = (rng.random(len(card)) * every).astype(np.int64)
    merchant = merchants.choose(merchants.online_group(category), rng.random(len(card)))
    eur = lognormal_mean(rng, c.mean_eur[category], c.spread[category]) * people.level[card]
    hour = rng.normal(3.5, 1.2, len(card)) * 3600
    times = np.where(due < people.days, 1 + (people.days - 1 - due) // every, 0)
    one = np.repeat(np.arange(len(card)), times)
    nth = np.arange(len(one)) - np.repeat(np.cumsum(times) - times, times)
    kept = np.sort(rng.permutation(len(one))[:most])
    one, nth = one[kept], nth[kept]
    day = due[one] + nth * every[one]
    jitter = rng.random(len(one)) * 1800
    short = rng.random(len(one)) < 0.02
    return Events.make(
        len(one),
        {
            "ts": setting.start + ((day * DAY_S + np.abs(hour[one]) + jitter) * MICROS).astype(np.int64),
            "card": card[one],
            "channel": 1,
            "merchant": merchant[one],
            "eur": np.round(eur[one], 2),
            "entry": ENTRIES.index("credential_on_file"),
            "latitude": merchants.latitude[merchant[one]],
            "longitude": merchants.longitude[merchant[one]],
            "response": np.where(short, RESPONSES.index("51"), 0),
            "recurring": True,
        },
    )
