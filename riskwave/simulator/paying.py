"""How a payment is made: entry, verification, device, address, 3-D Secure, the issuer's answer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskwave.simulator.calendar import Outings
from riskwave.simulator.draws import Floats, Ints, unit_hash
from riskwave.simulator.events import AVSS, CVMS, CVVS, ENTRIES, RESPONSES, THREE_DS
from riskwave.simulator.population import Population
from riskwave.simulator.setting import Setting
from riskwave.simulator.world import world

#: Above the devices of the population are numbered those of passing visits (private windows, cleared
#: cookies, borrowed computers), of merchants' booking desks, and the attackers' own. devices.py gives ids.
PASSING = 1 << 29
DESK = 1 << 30
ATTACK = DESK + PASSING


@dataclass(frozen=True)
class Paid:
    """The payments so far: who, when and where, and a column each of what was bought."""

    out: Outings
    merchant: Ints
    eur: Floats
    channel: Ints
    online: NDArray[np.bool_]


def pay(rng: np.random.Generator, setting: Setting, paid: Paid) -> dict[str, NDArray[Any]]:
    """The columns of Events that say how each payment was made."""
    people, merchants, online = setting.people, setting.merchants, paid.online
    card, rows = paid.out.card, len(paid.merchant)
    entry, cvm, wallet = _at_the_terminal(rng, people, paid)
    address, ip_latitude, ip_longitude = _address(rng, setting, paid)
    device = _device(rng, people, paid)
    on_file = online & (rng.random(rows) < 0.22)
    asked = online & ~on_file
    by_mail = asked & (rng.random(rows) < 0.012)  # or by telephone
    cvv = np.where(asked & (rng.random(rows) < 0.85), CVVS.index("match"), CVVS.index("not_provided"))
    cvv = np.where((cvv == 0) & (rng.random(rows) < 0.012), CVVS.index("no_match"), cvv)
    address_check = rng.choice(3, rows, p=[0.86, 0.1, 0.04])
    three_ds = rng.choice(len(THREE_DS), rows, p=[0.83, 0.03, 0.09, 0.03, 0.01, 0.01])
    three_ds = np.where(asked & (rng.random(rows) < 0.72), three_ds, -1)
    refused = np.isin(three_ds, (1, 5)) | ((cvv == CVVS.index("no_match")) & (rng.random(rows) < 0.7))
    answer = _answer(rng, paid.eur, people.level[card])
    online_wallet = online & (rng.random(rows) < 0.12)
    return {
        "entry": np.select([on_file, by_mail, online], [5, ENTRIES.index("manual"), 4], entry),
        "cvm": np.where(online, CVMS.index("none"), cvm),
        "cvv": cvv,
        "avs": np.where(online & (rng.random(rows) < 0.35), address_check, AVSS.index("not_checked")),
        "latitude": np.where(online, ip_latitude, merchants.latitude[paid.merchant]),
        "longitude": np.where(online, ip_longitude, merchants.longitude[paid.merchant]),
        "ip": np.where(online, address, -1),
        "device": np.where(online | (wallet > 0), device, -1),
        "wallet": np.where(online_wallet, people.wallet[card], wallet),
        "response": np.where(refused, RESPONSES.index("05"), answer),
        "three_ds": three_ds,
    }


def _at_the_terminal(rng: np.random.Generator, people: Population, paid: Paid) -> tuple[Ints, Ints, Ints]:
    """Entry, verification and wallet of payments with the card or the phone in hand."""
    w, card, rows = world(), paid.out.card, len(paid.merchant)
    cash = paid.channel == 3
    phone = (people.wallet[card] > 0) & ~cash & (rng.random(rows) < 0.5)
    stripe = ~phone & (rng.random(rows) < w.magstripe_share[w.city_country[paid.out.city]] * 1.6)
    tap = phone | (~cash & (rng.random(rows) < 0.62))
    typed = ~phone & ~cash & (rng.random(rows) < 0.008)
    entry = np.select([stripe, typed, tap], [ENTRIES.index("magstripe"), ENTRIES.index("manual"), 1], 0)
    asks = (entry == 0) | cash | ((paid.eur > 50) & (entry == 1))
    cvm = np.where(asks, CVMS.index("pin"), CVMS.index("none"))
    cvm = np.where((entry == 2) & ~cash, CVMS.index("signature"), cvm)
    return entry, np.where(phone, CVMS.index("device"), cvm), np.where(phone, people.wallet[card], 0)


def _address(rng: np.random.Generator, setting: Setting, paid: Paid) -> tuple[Ints, Floats, Floats]:
    """Address, and the place that its geolocation gives."""
    w, rows, people, network = world(), len(paid.merchant), setting.people, setting.network
    card, day, city = paid.out.card, paid.out.day, paid.out.city
    u, v = rng.random(rows), rng.random(rows)
    vpn = (u < 0.004) | (people.uses_vpn[card] & (u < 0.7))
    away = paid.out.travelling | (city != people.city[card])
    mobile = ~vpn & (v < np.where(away, 0.6, 0.38))
    office = ~vpn & ~mobile & (away | (v > 0.92))
    # roaming surfaces at home, half of the time
    roams = mobile & away & (rng.random(rows) < 0.5)
    country = np.where(roams, w.city_country[people.city[card]], w.city_country[city])
    address = np.select(
        [vpn, mobile, office],
        [
            network.vpn(rng.random(rows)),
            # a carrier gives a customer the same address for a day
            network.carrier(country, unit_hash(card, day, 21)),
            network.office(city, unit_hash(card, day // 5, 22)),
        ],
        network.home(people.family[card], day),
    )
    place = np.select([vpn, mobile], [network.vpn_city(address), w.gateway[country]], city)
    at_home = ~vpn & ~mobile & ~office
    latitude = np.where(at_home, people.latitude[card], w.latitude[place])
    return address, latitude, np.where(at_home, people.longitude[card], w.longitude[place])


def _device(rng: np.random.Generator, people: Population, paid: Paid) -> Ints:
    """Phone (the new one once bought), laptop, the family's tablet, a passing visit or a booking desk."""
    card, day, rows = paid.out.card, paid.out.day, len(paid.merchant)
    phone = np.where(day >= people.phone_day[card], people.next_phone[card], people.phone[card])
    u = rng.random(rows)
    device = np.select([u < 0.66, u < 0.88], [phone, people.laptop[card]], people.tablet[card])
    web = paid.online & (paid.channel == 1)
    passing = web & (rng.random(rows) < np.where(people.hides[card], 0.6, 0.035))
    visit = PASSING + (unit_hash(card, day, paid.out.ts // 3_600_000_000, 23) * PASSING).astype(np.int64)
    desk = web & (rng.random(rows) < 0.02)
    device = np.select([desk, passing], [DESK + paid.merchant, visit], device)
    return np.where(paid.online, device, phone)


def _answer(rng: np.random.Generator, eur: Floats, level: Floats) -> Ints:
    """The issuer's answer: mostly yes; large sums meet limits and empty accounts more often."""
    u = rng.random(len(eur))
    strain = 0.012 + 0.05 * np.clip(eur / level / 1000, 0, 1)
    edges = [strain, strain + 0.003, strain + 0.004, strain + 0.006, strain + 0.007]
    codes = [RESPONSES.index(code) for code in ("51", "05", "54", "61", "91")]
    return np.select([u < edge for edge in edges], codes, RESPONSES.index("00"))
