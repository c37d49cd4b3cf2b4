"""The people: cards, homes, habits, trips, and the devices that they and their families use."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskwave.simulator.categories import SEGMENTS, categories
from riskwave.simulator.draws import Floats, Ints, pick, pick_by_row, stream
from riskwave.simulator.world import world

#: (BIN, scheme, product): the issuer's ranges.
BINS = (
    ("457120", "visa", "debit"), ("457121", "visa", "credit"), ("42830917", "visa", "debit"),
    ("516730", "mastercard", "debit"), ("516731", "mastercard", "credit"),
    ("53994802", "mastercard", "prepaid"),
    ("375510", "amex", "credit"), ("670481", "maestro", "debit"),
)  # fmt: skip
_BIN_WEIGHTS = (24, 12, 9, 20, 12, 6, 4, 13)
_PER_DAY = (1.9, 1.8, 2.3, 2.4, 1.2, 2.6)  # payments a card a day, by segment
_LEVEL = (0.6, 0.9, 1.0, 1.9, 0.85, 1.6)  # spending against the common mean, by segment


@dataclass(frozen=True)
class Population:
    """Columns over cards. A card's number is its position; devices are numbered in Devices."""

    days: int
    customer: Ints
    family: Ints
    segment: Ints
    city: Ints
    latitude: Floats
    longitude: Floats
    level: Floats
    per_day: Floats
    bin: Ints
    expiry: Ints  # months from January 2026
    opened_day: Ints  # days before the start
    salary_day: Ints
    chronotype_s: Ints  # shift of the day; night workers are ten hours late
    is_night_worker: NDArray[np.bool_]
    uses_vpn: NDArray[np.bool_]
    hides: NDArray[np.bool_]  # browses privately: each visit looks like a new device
    wallet: Ints
    online: Floats  # taste for paying online, 1 is common
    travels: NDArray[np.bool_]  # has travelled in the year before
    trip_city: Ints  # -1 without a trip
    trip_start: Ints  # day
    trip_end: Ints
    phone: Ints
    next_phone: Ints  # the phone after phone_day; the same phone when none was bought
    phone_day: Ints
    laptop: Ints
    tablet: Ints  # the family's, shared
    devices: int  # devices above are numbered below this

    def __len__(self) -> int:
        return len(self.customer)


def populate(cards: int, days: int, seed: int) -> Population:
    """People for `cards` cards over `days` days."""
    rng, w = stream(seed, 1), world()
    # One customer in ten has a second card; families of one to five live at one address.
    customer = np.cumsum(rng.random(cards) < 0.9) - 1
    customer -= customer.min()
    customers = int(customer[-1]) + 1
    family_of = np.cumsum(rng.random(customers) < 0.55)
    home = pick(rng, w.residents, int(family_of.max()) + 1)[family_of]
    segment = pick(rng, np.array([14, 34, 22, 12, 12, 6]), customers)
    level = np.array(_LEVEL)[segment] * np.exp(rng.normal(0, 0.4, customers))
    per_day = np.array(_PER_DAY)[segment] * rng.gamma(4, 0.25, customers)
    night = rng.random(customers) < 0.04
    shift = np.where(night, 10 * 3600, rng.normal(0, 4000, customers)).astype(np.int64)
    travels = rng.random(customers) < np.array([0.35, 0.35, 0.35, 0.7, 0.3, 0.8])[segment]
    trip_city, trip_start, trip_end = _trips(rng, home, travels, days)
    first = np.r_[True, np.diff(customer) > 0]
    per_customer = {
        "family": family_of,
        "segment": segment,
        "city": home,
        "latitude": w.latitude[home] + rng.normal(0, 0.06, customers),
        "longitude": w.longitude[home] + rng.normal(0, 0.08, customers),
        "level": level,
        "opened_day": (rng.gamma(1.6, 900, customers) + 20).astype(np.int64),
        "salary_day": np.where(rng.random(customers) < 0.6, 27, rng.choice([1, 15, 24], customers)),
        "chronotype_s": shift,
        "is_night_worker": night,
        "uses_vpn": rng.random(customers) < 0.05,
        "hides": rng.random(customers) < 0.07,
        "wallet": rng.choice([0, 1, 2], customers, p=[0.45, 0.3, 0.25]),
        "online": np.exp(rng.normal(0, 0.35, customers)),
        "travels": travels,
        "trip_city": trip_city,
        "trip_start": trip_start,
        "trip_end": trip_end,
    }
    phone = np.arange(customers)
    laptop = customers + np.arange(customers)
    tablet = 2 * customers + family_of
    bought = rng.random(customers) < 0.08
    next_phone = np.where(bought, int(tablet.max()) + np.cumsum(bought), phone)
    chosen: dict[str, NDArray[Any]] = {name: column[customer] for name, column in per_customer.items()}
    return Population(
        days=days,
        customer=customer,
        # a second card is used less
        per_day=per_day[customer] * np.where(first, 1, 0.5),
        bin=pick(rng, np.array(_BIN_WEIGHTS), cards),
        expiry=rng.integers(1, 48, cards),
        phone=phone[customer],
        next_phone=next_phone[customer],
        phone_day=rng.integers(0, max(days, 1), customers)[customer],
        laptop=laptop[customer],
        tablet=tablet[customer],
        devices=int(max(tablet.max(), next_phone.max())) + 1,
        **chosen,
    )


def _trips(rng: np.random.Generator, home: Ints, travels: NDArray[np.bool_], days: int) -> tuple[Ints, Ints, Ints]:
    """At most one trip a customer: near places more than far ones, home country a third of the time."""
    w, customers = world(), len(home)
    goes = rng.random(customers) < np.where(travels, 0.55, 0.1) * min(1.0, days / 30)
    distance = w.distance_km
    same = w.city_country[:, None] == w.city_country[None, :]
    pull = (w.visitors + 0.5) * np.exp(-distance / 4000) * np.where(same, 2.5, 1.0)
    np.fill_diagonal(pull, 0)
    cumulative = np.cumsum(pull, axis=1) / pull.sum(axis=1, keepdims=True)
    city = np.where(goes, pick_by_row(rng, cumulative, home), -1)
    start = rng.integers(0, max(days, 1), customers)
    length = 1 + rng.gamma(2.0, 2.6, customers).astype(np.int64)
    return city, start, start + length


def expected_amounts(people: Population) -> tuple[Floats, Floats]:
    """Mean and standard deviation (euros) of a card's payments, by its segment, level and prices at home."""
    c, w = categories(), world()
    share = np.diff(c.mix[: len(SEGMENTS)], axis=1, prepend=0)
    second = c.mean_eur**2 * np.exp(c.spread**2)
    mean = share @ c.mean_eur
    deviation = np.sqrt(share @ second - mean**2)
    scale = people.level * w.price_level[w.city_country[people.city]]
    return mean[people.segment] * scale, deviation[people.segment] * scale
