"""The cards' profiles, as the issuer keeps them: what it knew before the first event, and a few changes."""

import numpy as np
import pyarrow as pa

from riskwave.contracts import CardProfile, arrow_schema
from riskwave.simulator.arrow import Column
from riskwave.simulator.categories import SEGMENTS
from riskwave.simulator.columns import card_ids
from riskwave.simulator.draws import DAY_S, MICROS, stream
from riskwave.simulator.population import BINS, expected_amounts
from riskwave.simulator.setting import Setting
from riskwave.simulator.texts import numbered, words
from riskwave.simulator.world import world

_CHANGED = 0.05  # share of cards whose limits are raised while we watch


def profile_table(setting: Setting) -> pa.Table:
    """The card_profile contract's table, one or two versions a card, by card and valid_from.

    Means come from the card's habits with an error of a year's statistics, not from the events that follow.
    """
    people, start = setting.people, setting.start
    rng, w, rows = stream(setting.seed, 8), world(), len(people)
    country = w.city_country[people.city]
    currency = w.country_currency[country]
    unit = w.per_euro[currency] * 10.0 ** w.decimals[currency]
    mean, deviation = expected_amounts(people)
    mean, deviation = mean * rng.lognormal(0, 0.12, rows), deviation * rng.lognormal(0, 0.2, rows)
    daily = people.per_day * rng.lognormal(0, 0.12, rows)
    credit = np.array([b[2] == "credit" for b in BINS])[people.bin]
    single = np.clip(np.round(mean * 25 / 500) * 500, 1000, 20000)
    opened = start - people.opened_day * DAY_S * MICROS
    risk = np.select([people.opened_day < 120, rng.random(rows) < 0.08], [2, 1], 0)
    changed = np.flatnonzero(rng.random(rows) < _CHANGED)
    which = np.r_[np.arange(rows), changed]
    raised = np.r_[np.ones(rows), np.full(len(changed), 2.0)]
    year_before = np.maximum(opened, start - 365 * DAY_S * MICROS)
    later = start + rng.integers(0, max(people.days, 1) * DAY_S, len(changed)) * MICROS

    def minor(eur: np.ndarray) -> Column:
        return pa.array(np.round((eur * unit)[which] * raised).astype(np.int64))

    def same(eur: np.ndarray) -> Column:
        return pa.array(np.round((eur * unit)[which]).astype(np.int64))

    fact = {
        "card_id": card_ids(which),
        "account_id": numbered("a", which, 7),
        "customer_id": numbered("u", people.customer[which], 7),
        "valid_from": pa.array(np.r_[year_before, later]).cast(pa.timestamp("us")),
        "segment": words(SEGMENTS, people.segment[which]),
        "risk_class": words(("low", "medium", "high"), risk[which]),
        "status": words(("active",), np.zeros(len(which))),
        "opened_at": pa.array(opened[which]).cast(pa.timestamp("us")),
        "product": words([b[2] for b in BINS], people.bin[which]),
        "home_country": words(w.country, country[which]),
        "home_city": words(w.city, people.city[which]),
        "home_latitude": pa.array(np.round(people.latitude[which], 5)),
        "home_longitude": pa.array(np.round(people.longitude[which], 5)),
        "billing_currency": words(w.currency, currency[which]),
        "single_limit_minor": minor(single),
        "daily_limit_minor": minor(single * 2),
        "credit_limit_minor": minor(np.where(credit, single * 3, 0.0)),
        "mean_amount_minor": same(mean),
        "std_amount_minor": same(deviation),
        "mean_daily_count": pa.array(np.round(daily[which], 3)),
        "usual_radius_km": pa.array(np.round(np.where(people.travels, 60.0, 18.0)[which], 1)),
        "travels_abroad": pa.array(people.travels[which]),
    }
    schema = arrow_schema(CardProfile)
    table = pa.Table.from_arrays([fact[name] for name in schema.names], schema=schema)
    return table.sort_by([("card_id", "ascending"), ("valid_from", "ascending")])
