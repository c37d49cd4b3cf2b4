"""When and where people go out to pay: days, hours, trips, and the minutes between two shops."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskwave.simulator.categories import TRAVELLING, categories
from riskwave.simulator.draws import DAY_S, MICROS, Floats, Ints, pick_by_row, unit_hash
from riskwave.simulator.population import Population
from riskwave.simulator.setting import Setting
from riskwave.simulator.world import world

_WEEKDAY = np.array([0.92, 0.92, 0.95, 1.0, 1.2, 1.25, 0.76])  # Monday first
_DAY_TRIP = 0.035  # share of card-days spent in another city of the country
_SPREE = 0.006  # share of card-days of shopping without end
_FOLLOW_UP = 0.2  # share of payments made minutes after the one before
_MINUTES_BETWEEN = 11.0


@dataclass(frozen=True)
class Outings:
    """Columns over payments to be made, by card and day."""

    card: Ints
    day: Ints
    ts: Ints  # microseconds, UTC
    city: Ints
    category: Ints
    travelling: NDArray[np.bool_]
    spree: NDArray[np.bool_]


def outings(rng: np.random.Generator, setting: Setting, rows: int) -> Outings:
    """`rows` payments to be made."""
    w, c, people = world(), categories(), setting.people
    card, day, spree = _card_days(rng, setting, rows)
    travelling = _away(people, card, day)
    city = np.where(travelling, people.trip_city[card], _city_of_day(people, card, day))
    category = pick_by_row(rng, c.mix, np.where(travelling, TRAVELLING, people.segment[card]))
    hour = pick_by_row(rng, c.hour_mix, c.hours[category]) + rng.random(rows)
    of_day = hour * 3600 + people.chronotype_s[card]
    # nobody pays abroad before the plane has landed
    of_day = np.where(travelling & (day == people.trip_start[card]), (DAY_S + of_day) / 2, of_day)
    local_s = _after_leader(rng, day * DAY_S + of_day, _follow_ups(rng, card, day, spree))
    ts = setting.start + ((local_s - w.utc_offset_s[city]) * MICROS).astype(np.int64)
    return Outings(card, day, ts, city, category, travelling, spree)


def _away(people: Population, card: Ints, day: Ints) -> NDArray[np.bool_]:
    """Whether the card is on its trip that day."""
    some = people.trip_city[card] >= 0
    return np.asarray(some & (people.trip_start[card] <= day) & (day < people.trip_end[card]))


def _card_days(rng: np.random.Generator, setting: Setting, rows: int) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Card and day of each payment, in that order, and whether the day is a spree."""
    people = setting.people
    cards, days = len(people), people.days
    day = np.arange(days)
    date = setting.start // (DAY_S * MICROS) + day
    weekday = _WEEKDAY[(date + 3) % 7]
    dates = date.astype("datetime64[D]")
    of_month = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    since_salary = (of_month[None, :] - people.salary_day[:, None]) % 31
    salary = 1 + 0.5 * np.exp(-since_salary / 2.5)
    mood = rng.gamma(1.3, 1 / 1.3, (cards, days))
    spree = rng.random((cards, days)) < _SPREE
    away = _away(people, np.arange(cards)[:, None], day[None, :])
    busy = np.where(spree, 6.0, 1.0) * np.where(away, 1.5, 1.0)
    weight = people.per_day[:, None] * weekday * salary * mood * busy
    counts = rng.multinomial(max(rows, 0), (weight / weight.sum()).ravel())
    cell = np.repeat(np.arange(cards * days), counts)
    return cell // days, cell % days, spree.ravel()[cell]


def _city_of_day(people: Population, card: Ints, day: Ints) -> Ints:
    """Home, or now and then another city of the country for the day."""
    w = world()
    home = people.city[card]
    away = unit_hash(card, day, 11) < _DAY_TRIP
    country = w.city_country[home]
    inland = np.bincount(w.city_country, minlength=len(w.country))
    # cities of a country stand together in the table
    other = w.gateway[country] + (unit_hash(card, day, 12) * inland[country]).astype(np.int64)
    return np.where(away, other, home)


def _follow_ups(rng: np.random.Generator, card: Ints, day: Ints, spree: NDArray[np.bool_]) -> NDArray[np.bool_]:
    same = np.zeros(len(card), bool)
    same[1:] = (card[1:] == card[:-1]) & (day[1:] == day[:-1])
    return same & (rng.random(len(card)) < np.where(spree, 0.8, _FOLLOW_UP))


def _after_leader(rng: np.random.Generator, local_s: Floats, follows: NDArray[np.bool_]) -> Floats:
    """Times in which each follow-up comes minutes after the one before it."""
    gap = np.where(follows, 15 + rng.exponential(_MINUTES_BETWEEN * 60, len(local_s)), 0.0)
    run = np.cumsum(gap)
    leader = np.maximum.accumulate(np.where(follows, 0, np.arange(len(local_s))))
    after: Floats = local_s[leader] + run - run[leader]
    return after
