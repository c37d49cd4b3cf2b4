"""What an attack has to work with: victims, shops, devices, addresses; and the payments it makes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from riskwave.simulator.categories import categories
from riskwave.simulator.draws import DAY_S, MICROS, pick_cumulative
from riskwave.simulator.events import ALL_SCENARIOS, CVMS, CVVS, ENTRIES, RESPONSES, THREE_DS, Events
from riskwave.simulator.paying import ATTACK
from riskwave.simulator.setting import Setting
from riskwave.simulator.world import world

#: An address and the city its geolocation gives.
Where = tuple[int, int]
#: A device and where it is.
Visit = tuple[int, Where]

MINUTE = 60 * MICROS
HOUR = 3600 * MICROS
DAY = DAY_S * MICROS


class Scene:
    """Collects the rows of one episode after another.

    Every method takes and gives plain numbers: attacks are a percent of the events, told one event at a time.
    """

    def __init__(self, setting: Setting, rng: np.random.Generator) -> None:
        self.rng, self.start, self.end = rng, setting.start, setting.end
        self.people, self.merchants, self.network = setting.people, setting.merchants, setting.network
        self.episode, self.scenario = -1, -1
        self._rows: list[dict[str, Any]] = []
        self._devices = 0
        self._victims = np.cumsum(self.people.per_day * self.people.level**0.5)
        self._victims /= self._victims[-1]

    def begin(self, scenario: str) -> None:
        """The rows that follow belong to a new episode of this scenario."""
        self.episode += 1
        self.scenario = ALL_SCENARIOS.index(scenario)

    def events(self) -> Events:
        """Everything that was done."""
        columns = {name: [row.get(name) for row in self._rows] for name in self._names()}
        return Events.make(len(self._rows), columns)

    def fraud(self) -> int:
        """Fraudulent events so far."""
        return sum(row["scenario"] >= 0 for row in self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    # Chance

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return bool(self.rng.random() < p)

    def between(self, low: float, high: float) -> float:
        """A uniform number."""
        return float(self.rng.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def one_of(self, options: Sequence[Any]) -> Any:
        """One of these."""
        return options[int(self.rng.integers(len(options)))]

    def euros(self, typical: float, spread: float = 0.5) -> float:
        """A lognormal amount around `typical`."""
        return float(np.clip(typical * np.exp(self.rng.normal(0, spread)), 0.5, 6000))

    # Who, when, where

    def victim(self) -> int:
        """A card; the busy and the rich are found more often."""
        return int(pick_cumulative(self.rng, self._victims, 1)[0])

    def victims(self, most: int) -> list[int]:
        """Different cards, at most a third of all."""
        wanted = max(1, min(most, len(self.people) // 3))
        found: dict[int, None] = {}
        while len(found) < wanted:
            found[self.victim()] = None
        return list(found)

    def moment(self, lasts_days: float = 0.5) -> int:
        """When an attack starts: at any day that leaves room, at the hours of online life or at night."""
        last = max(self.people.days - lasts_days, 0.3)
        day = self.between(min(1.0, last / 2), last)
        hour = self.one_of((7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 1, 3))
        return self.start + int(day) * DAY + int((hour + self.between(0, 1)) * HOUR)

    def home(self, card: int) -> int:
        """City the card lives in."""
        return int(self.people.city[card])

    def city_at(self, card: int, near_km: float, far_km: float) -> int:
        """A city between these distances from the card's home; the nearest beyond when there is none."""
        km = world().distance_km[self.home(card)]
        some = np.flatnonzero((km >= near_km) & (km <= far_km))
        if len(some) == 0:
            return int(np.argsort(np.abs(km - near_km))[0])
        return int(some[self.rng.integers(len(some))])

    # With what

    def device(self) -> int:
        """A device nobody has seen."""
        self._devices += 1
        return ATTACK + self._devices

    def phone(self, card: int) -> int:
        """The victim's own phone, taken over from afar."""
        return int(self.people.phone[card])

    def vpn(self) -> Where:
        """A VPN exit and its city."""
        address = self.network.vpn(self.rng.random(1))
        return int(address[0]), int(self.network.vpn_city(address)[0])

    def carrier(self, city: int) -> Where:
        """A carrier's shared address near a city, and the city its geolocation gives."""
        country = world().city_country[city]
        address = self.network.carrier(np.array([country]), self.rng.random(1))
        return int(address[0]), int(world().gateway[country])

    def residence(self, city: int) -> Where:
        """A rented home connection (a residential proxy) in a city."""
        family = int(self.people.family[self.rng.integers(len(self.people))])
        return int(self.network.home(np.array([family]), np.array([0]))[0]), city

    def hideout(self, city: int) -> Where:
        """How an attacker who says he is in `city` comes in: by VPN, a carrier or a residential proxy."""
        ways: tuple[Callable[[], Where], ...] = (
            self.vpn,
            lambda: self.carrier(city),
            lambda: self.residence(city),
        )
        where: Where = self.one_of(ways)()
        return where

    # Shops

    def shop(self, city: int, *mcc: int) -> int:
        """A shop in a city, of one of these categories."""
        kind = categories().of(int(self.one_of(mcc)))
        group = self.merchants.shop_group(np.array([city]), kind)
        return int(self.merchants.choose(group, self.rng.random(1))[0])

    def online_shop(self, *mcc: int) -> int:
        """An online merchant of one of these categories."""
        group = self.merchants.online_group(categories().of(int(self.one_of(mcc))))
        return int(self.merchants.choose(group, self.rng.random(1))[0])

    def quiet_shop(self, *mcc: int) -> int:
        """An online merchant that few know."""
        group = self.merchants.online_group(categories().of(int(self.one_of(mcc))))
        return int(self.merchants.choose(group, self.rng.uniform(0.75, 1.0, 1))[0])

    # What is done

    def pos(self, card: int, ts: int, merchant: int, eur: float, **more: Any) -> None:
        """A payment with a card, or what passes for one, in hand."""
        entry = more.pop("entry", "contactless")
        row = {
            "entry": ENTRIES.index(entry),
            "cvm": CVMS.index("signature" if entry == "magstripe" else "none"),
            "latitude": float(self.merchants.latitude[merchant]),
            "longitude": float(self.merchants.longitude[merchant]),
        }
        self._add(card, ts, merchant, eur, {**row, **self._codes(more)})

    def cash(self, card: int, ts: int, city: int, eur: float, **more: Any) -> None:
        """A withdrawal."""
        more.setdefault("cvm", "pin")
        self.pos(card, ts, self.shop(city, 6011), eur, **{"entry": "chip", **more}, type=1, channel=3, message=1)

    def genuine(self, card: int, ts: int, merchant: int, eur: float) -> None:
        """The owner's own payment, no fraud, which the episode needs to have happened."""
        kept = self.episode, self.scenario
        self.episode, self.scenario = -1, -1
        self.pos(card, ts, merchant, eur, entry="chip", cvm="pin")
        self.episode, self.scenario = kept

    def web(self, card: int, ts: int, merchant: int, eur: float, **more: Any) -> None:
        """A payment online; `visit` is the device and where it is."""
        visit: Visit = more.pop("visit")
        device, (address, city) = visit
        w = world()
        row = {
            "channel": 1,
            "entry": ENTRIES.index("ecommerce"),
            "cvv": CVVS.index("match"),
            "device": device,
            "ip": address,
            "latitude": float(w.latitude[city]),
            "longitude": float(w.longitude[city]),
        }
        if "three_ds" not in more and self.chance(0.6):
            # what attackers get past: exemptions, attempts, stolen one-time codes
            more["three_ds"] = self.one_of(("Y", "Y", "Y", "Y", "A", "A", "U"))
        self._add(card, ts, merchant, eur, {**row, **self._codes(more)})

    def _codes(self, more: dict[str, Any]) -> dict[str, Any]:
        tables = {
            "response": RESPONSES, "cvm": CVMS, "cvv": CVVS, "three_ds": THREE_DS, "entry": ENTRIES,
        }  # fmt: skip
        return {k: tables[k].index(v) if k in tables and isinstance(v, str) else v for k, v in more.items()}

    def _add(self, card: int, ts: int, merchant: int, eur: float, row: dict[str, Any]) -> None:
        base = {
            "ts": min(int(ts), self.end - MICROS),
            "card": card,
            "merchant": merchant,
            "eur": round(eur, 2),
            "terminal": self.count(0, int(self.merchants.terminals[merchant]) - 1),
            "episode": self.episode,
            "scenario": self.scenario,
        }
        self._rows.append({**_DEFAULTS, **base, **row})

    def _names(self) -> list[str]:
        return list(self._rows[0]) if self._rows else []


_DEFAULTS: dict[str, Any] = {
    "type": 0, "channel": 0, "message": 0, "cvm": CVMS.index("none"), "cvv": CVVS.index("not_provided"),
    "avs": 3, "ip": -1, "device": -1, "wallet": 0, "response": 0, "three_ds": -1, "recurring": False,
    "original": -1,
}  # fmt: skip
