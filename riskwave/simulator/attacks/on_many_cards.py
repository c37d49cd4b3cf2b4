"""Attacks on many cards at once: one merchant, one device, one terminal behind them."""

import numpy as np

from riskwave.simulator.attacks.scene import DAY, HOUR, MINUTE, Scene
from riskwave.simulator.draws import MICROS


def card_testing(s: Scene) -> None:
    """Numbers of one BIN tried with small sums at one merchant; those that work are then emptied."""
    ts, found = s.moment(0.8), s.victims(60)
    bins = s.people.bin[found]
    tried = np.bincount(bins).argmax()
    cards = [card for card, its in zip(found, bins, strict=True) if its == tried][: s.count(9, 16)]
    merchant = s.online_shop(8398, 5815, 5817, 5968)
    devices = [s.device() for _ in range(s.count(1, 3))]
    where = s.hideout(s.home(cards[0]))
    alive: dict[int, None] = {}
    for card in cards:
        for _ in range(s.count(1, 3)):
            # some number works in the end
            works = card == cards[-1] and not alive
            answer = "00" if works else s.one_of(("00", "14", "05", "N7", "54"))
            cvv = "no_match" if answer == "N7" else s.one_of(("match", "not_provided"))
            visit = (s.one_of(devices), where)
            s.web(card, ts, merchant, s.between(0.5, 6), visit=visit, response=answer, cvv=cvv)
            ts += int(s.between(2, 50) * MICROS)
            if answer == "00":
                alive[card] = None
                break
    for card in alive:
        later = ts + int(s.between(0.2, 6) * HOUR)
        for step in range(s.count(2, 4)):
            shop = s.online_shop(6540, 5732, 5399, 5818, 5816)
            s.web(card, later, shop, s.euros(60 + 40 * step, 0.5), visit=(s.one_of(devices), where))
            later += int(s.between(4, 60) * MINUTE)


def device_farm(s: Scene) -> None:
    """A rack of phones and emulators spends stolen numbers on what can be resold, some cards a device."""
    ts, devices = s.moment(1.0), [s.device() for _ in range(s.count(3, 6))]
    cards = s.victims(s.count(8, 14))
    city = s.home(cards[0])
    places = [s.hideout(city) for _ in range(s.count(2, 4))]
    # each number stays with its device; some go through the victims' own hijacked phones
    own = {c: s.phone(c) if s.chance(0.2) else s.one_of(devices) for c in cards}
    for step in range(s.count(18, 30)):
        card = s.one_of(cards)
        shop = s.online_shop(6540, 5818, 5816, 5399, 5732, 5999)
        answer = s.one_of(("05", "51", "N7")) if s.chance(0.15) else "00"
        cvv = "no_match" if answer == "N7" else s.one_of(("match", "match", "not_provided"))
        # some through a rented connection near the cardholder's home, to look right
        where = s.one_of(places) if s.chance(0.7) else s.residence(s.home(card))
        visit = (own[card], where)
        s.web(card, ts, shop, s.euros(28 + 4 * step, 0.6), visit=visit, response=answer, cvv=cvv)
        ts += int(s.between(3, 55) * MINUTE)


def merchant_bust_out(s: Scene) -> None:
    """A crew's small merchants, quiet until now, charge every card number they have and disappear."""
    kinds = s.rng.permutation([5999, 5732, 5651, 5399, 5812, 5411, 5311])[: s.count(2, 3)]
    crew, ts = [s.quiet_shop(int(kind)) for kind in kinds], s.moment(1.5)
    cards = s.victims(s.count(10, 20))
    for step in range(s.count(16, 32)):
        card, merchant = s.one_of(cards), s.one_of(crew)
        eur = s.people.level[card] ** 0.4 * s.euros(70 + 7 * step, 0.65)
        answer = s.one_of(("51", "61", "05")) if s.chance(0.1) else "00"
        if s.chance(0.45):
            visit = (s.device() if s.chance(0.5) else s.phone(card), s.carrier(s.home(card)))
            entry = s.one_of(("ecommerce", "credential_on_file"))
            s.web(card, ts, merchant, eur, visit=visit, response=answer, three_ds=-1, entry=entry)
        else:
            entry = s.one_of(("manual", "manual", "credential_on_file"))
            s.pos(card, ts, merchant, eur, entry=entry, response=answer, channel=1)
        ts += int(s.between(4, 110) * MINUTE)


def skimmed_terminal(s: Scene) -> None:
    """A tampered terminal copies cards for days; later each copy is used now and then, modestly."""
    merchant = s.shop(s.home(s.victim()), 5541, 5542, 5812, 4112)
    span = s.people.days * DAY
    opened = s.start + int(s.between(0.02, 0.3) * span)
    for card in s.victims(s.count(6, 10)):
        at = opened + int(s.between(0, 0.15) * span)
        s.genuine(card, at, merchant, s.euros(45, 0.4))  # here the card was copied
        ts = at + int(s.between(0.08, 0.45) * span)
        away = s.city_at(card, 60, 2500) if s.chance(0.7) else s.home(card)
        for step in range(s.count(2, 4)):
            entry = "magstripe" if s.chance(0.6) else s.one_of(("contactless", "manual", "chip"))
            shop = s.shop(away, 5411, 5541, 5732, 5311, 6540, 5651, 5310)
            answer = s.one_of(("05", "51")) if s.chance(0.08) else "00"
            s.pos(card, ts, shop, s.euros(45 + 22 * step, 0.6), entry=entry, response=answer)
            ts += int(s.between(0.3, 30) * HOUR)
