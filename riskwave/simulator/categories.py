"""What people pay for: merchant categories with their amounts, hours and share of online trade."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

# MCC, trade, mean amount in euro, spread of its logarithm, share online, weight in spending, hours
_CATEGORIES = """
5411 Market 32 .7 .05 20 shop; 5499 Corner 9 .6 0 9 day; 5812 Restaurant 38 .6 .03 8 meal
5814 Grill 12 .5 .15 9 meal; 5813 Bar 24 .6 0 3 night; 5541 Fuel 52 .45 0 4 commute
5542 Pump 48 .45 0 2 commute; 4111 Transit 4.5 .5 .3 7 commute; 4121 Rides 17 .6 .7 4 night
4112 Rail 42 .8 .7 1.5 day; 4511 Air 230 .7 .95 .5 online; 7011 Hotel 190 .6 .5 .9 day
4722 Travel 420 .8 .8 .25 online; 5912 Pharmacy 19 .6 .1 3 shop; 8011 Clinic 70 .7 .1 .6 shop
5311 Stores 48 .8 .2 2.5 shop; 5651 Fashion 55 .7 .45 3 shop; 5661 Shoes 75 .5 .5 1 shop
5732 Electronics 190 1 .5 1.2 shop; 5045 Computers 450 .9 .7 .25 online; 5944 Jewels 260 1 .2 .3 shop
5712 Furniture 310 1 .4 .35 shop; 5200 Hardware 62 .9 .2 1.8 shop; 5942 Books 21 .6 .5 1 shop
5945 Toys 38 .7 .5 .8 shop; 5947 Gifts 28 .8 .3 .7 shop; 5815 Media 9 .5 1 3 online
5816 Games 14 .9 1 2 online; 5817 Apps 7 .7 1 2 online; 5818 Digital 30 1 1 .9 online
4899 Streaming 14 .3 1 .4 online; 4814 Telecom 30 .4 .9 .6 online; 4900 Energy 85 .5 .9 .4 day
6300 Insurance 60 .6 .95 .3 day; 7997 Gym 35 .3 .9 .3 day; 8398 Relief 22 .9 .8 .8 online
6011 Bank 90 .6 0 3 day; 4829 Transfer 140 1.2 1 1.8 online; 6051 Exchange 120 1.2 1 .35 online
7995 Casino 35 1.1 1 .8 late; 5999 Shop 40 1 .4 2 shop; 5968 Club 12 .7 1 .7 online
7230 Hair 35 .5 0 1 shop; 7832 Cinema 22 .4 .4 .7 night; 5399 Bazaar 35 1 1 5 online
5310 Discount 22 .6 .05 2 shop; 6540 Giftcards 50 .7 .6 .7 online; 5094 Bullion 380 .8 .5 .08 day
"""

# Relative weight of each local hour of the day.
_HOURS = {
    "shop": "0 0 0 0 0 0 1 3 6 9 10 10 10 9 9 10 11 12 10 6 3 1 0 0",
    "day": "1 1 0 0 1 2 5 9 9 8 8 8 9 8 8 8 9 9 8 7 5 4 3 2",
    "meal": "1 0 0 0 0 0 1 3 3 2 3 8 14 10 4 3 4 7 12 13 10 6 3 2",
    "night": "8 5 3 2 1 0 1 1 1 1 1 2 3 3 3 3 4 6 8 10 11 12 12 10",
    "commute": "0 0 0 0 1 4 9 12 9 5 4 4 5 5 5 7 10 12 9 5 3 2 2 1",
    "online": "4 2 1 1 1 1 2 4 5 6 7 7 8 7 6 6 7 8 9 11 12 12 10 7",
    "late": "10 8 6 4 2 1 1 1 2 2 3 3 4 4 4 4 5 6 7 9 11 13 14 13",
}

SEGMENTS = ("student", "mass", "family", "affluent", "senior", "business")
#: Mix used while away from home instead of the segment's own.
TRAVELLING = len(SEGMENTS)

# Multipliers of the common weights, by segment: what this kind of customer buys more or less of.
_TASTES = {
    "student": {5814: 2, 5813: 2.5, 5816: 3, 4121: 1.5, 5712: 0.3, 5944: 0.3, 6300: 0.3},
    "mass": {5411: 1.1, 6011: 1.2},
    "family": {5411: 1.5, 5945: 3, 5651: 1.5, 5912: 1.4, 5813: 0.5},
    "affluent": {5812: 1.8, 4511: 3, 7011: 2.5, 5944: 3, 4722: 2, 5732: 1.5},
    "senior": {5912: 2.5, 8011: 3, 6011: 2, 5816: 0.1, 5817: 0.4, 4121: 0.4, 7995: 0.5},
    "business": {4511: 4, 7011: 4, 5812: 2, 4121: 2.5, 4112: 3, 5045: 3, 5816: 0.4},
}
_TRAVEL = {7011: 12, 5812: 2.5, 4121: 3, 4511: 3, 4112: 2, 5947: 4, 5813: 1.5, 6011: 1.8, 5944: 2, 4900: 0.1}


@dataclass(frozen=True)
class Categories:
    """Columns over merchant categories."""

    mcc: list[str]
    trade: list[str]
    mean_eur: NDArray[np.float64]
    spread: NDArray[np.float64]
    online_share: NDArray[np.float64]
    weight: NDArray[np.float64]
    hours: NDArray[np.int64]
    mix: NDArray[np.float64]  # cumulative: segment (and TRAVELLING) by category
    hour_mix: NDArray[np.float64]  # cumulative: hours profile by hour

    def of(self, *mcc: int) -> NDArray[np.int64]:
        """Positions of the categories with these codes."""
        return np.array([self.mcc.index(str(code)) for code in mcc])


@cache
def categories() -> Categories:
    """The one list of categories."""
    rows = [r.split() for line in _CATEGORIES.strip().splitlines() for r in line.split(";")]
    mcc = [r[0] for r in rows]
    weight = np.array([float(r[5]) for r in rows])
    names = list(_HOURS)
    mixes = [_TASTES[s] for s in SEGMENTS] + [_TRAVEL]
    mix = np.array([[w * m.get(int(code), 1) for code, w in zip(mcc, weight, strict=True)] for m in mixes])
    hours = np.array([[float(h) for h in _HOURS[n].split()] for n in names])
    return Categories(
        mcc=mcc,
        trade=[r[1] for r in rows],
        mean_eur=np.array([float(r[2]) for r in rows]),
        spread=np.array([float(r[3]) for r in rows]),
        online_share=np.array([float(r[4]) for r in rows]),
        weight=weight,
        hours=np.array([names.index(r[6]) for r in rows]),
        mix=np.cumsum(mix, axis=1) / mix.sum(axis=1, keepdims=True),
        hour_mix=np.cumsum(hours, axis=1) / hours.sum(axis=1, keepdims=True),
    )
