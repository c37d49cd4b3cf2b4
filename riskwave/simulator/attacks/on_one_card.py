"""Attacks on one card. Amounts rise over several payments: whoever stops the third saves most of it."""

from riskwave.simulator.attacks.scene import DAY, HOUR, MINUTE, Scene


def account_takeover(s: Scene) -> None:
    """A stolen login: a small try, then transfers, crypto, vouchers, mostly from a new device elsewhere."""
    card, ts = s.victim(), s.moment()
    there = s.hideout(s.home(card) if s.chance(0.55) else s.city_at(card, 300, 9000))
    near, new = s.residence(s.home(card)), s.device()
    remote = s.one_of((0.1, 0.25, 0.8))  # how much goes through the victim's own phone, taken over
    visit = (new, there)
    scale = s.people.level[card] ** 0.6
    trial = 4 if s.chance(0.4) else 0
    s.web(card, ts, s.online_shop(5817, 5815, 5999), s.euros(6, 0.8), visit=visit, type=trial)
    for step in range(s.count(5, 8)):
        ts += int(s.between(3, 70) * MINUTE)
        eur = scale * s.euros(95 + 45 * step, 0.6)
        answer = "61" if s.chance(0.12) else "00"
        visit = (s.phone(card) if s.chance(remote) else new, there if s.chance(0.65) else near)
        if s.chance(0.4):
            payee = s.online_shop(4829)
            s.web(card, ts, payee, eur, visit=visit, response=answer, type=3, channel=2, message=1)
        else:
            shop = s.online_shop(6051, 6540, 5732, 5399, 5045, 5818)
            s.web(card, ts, shop, eur * 0.8, visit=visit, response=answer)


def lost_card_drain(s: Scene) -> None:
    """A lost card near home: small taps, a PIN guessed or not, then shops that sell what resells."""
    card, ts = s.victim(), s.moment()
    city = s.home(card) if s.chance(0.8) else s.city_at(card, 50, 500)
    scale = s.people.level[card] ** 0.4
    for _ in range(s.count(2, 4)):
        s.pos(card, ts, s.shop(city, 5499, 5814, 5411, 4111, 5912), s.euros(18, 0.6))
        ts += int(s.between(3, 30) * MINUTE)
    if s.chance(0.75):
        for _ in range(s.count(1, 3)):
            s.cash(card, ts, city, s.euros(150), cvm="pin_failed", response="55")
            ts += int(s.between(0.4, 4) * MINUTE)
    for step in range(s.count(4, 7)):
        shop = s.shop(city, 5732, 5311, 5651, 5944, 5947, 6540, 5541, 5411)
        entry = s.one_of(("contactless", "contactless", "chip", "magstripe"))
        answer = "65" if s.chance(0.15) else "00"
        s.pos(card, ts, shop, scale * s.euros(48 + 16 * step, 0.6), response=answer, entry=entry)
        ts += int(s.between(4, 40) * MINUTE)


def impossible_travel(s: Scene) -> None:
    """A copy of the card used far away while its owner pays at home."""
    card, ts = s.victim(), s.moment()
    city = s.city_at(card, 120, 700) if s.chance(0.35) else s.city_at(card, 700, 9500)
    new = s.device()
    scale = s.people.level[card] ** 0.4
    for step in range(s.count(5, 8)):
        eur = scale * s.euros(42 + 18 * step, 0.65)
        if s.chance(0.35):
            # some of it through a connection near the owner's home, to look right
            where = s.carrier(city) if s.chance(0.55) else s.residence(s.home(card))
            s.web(card, ts, s.online_shop(4121, 7011, 5399, 5999, 5812), eur, visit=(new, where))
        elif s.chance(0.2):
            s.cash(card, ts, city, eur, entry="magstripe", response=s.one_of(("00", "00", "55")))
        else:
            shop = s.shop(city, 5812, 5651, 5732, 5947, 5411, 4121, 5541, 5944)
            s.pos(card, ts, shop, eur, entry=s.one_of(("contactless", "magstripe", "chip", "manual")))
        ts += int(s.between(5, 130) * MINUTE)


def counterfeit(s: Scene) -> None:
    """A cloned magnetic stripe, spent in a hurry at pumps, shops and cash machines of another town."""
    card, ts = s.victim(), s.moment(1.0)
    city = s.home(card) if s.chance(0.2) else s.city_at(card, 80, 1800)
    scale = s.people.level[card] ** 0.4
    for step in range(s.count(5, 9)):
        entry = "magstripe" if s.chance(0.66) else s.one_of(("chip", "contactless", "manual"))
        eur = scale * s.euros(50 + 14 * step, 0.6)
        answer = s.one_of(("05", "65", "51")) if s.chance(0.2) else "00"
        if s.chance(0.2):
            s.cash(card, ts, city, eur, entry=entry, response=answer)
        else:
            shop = s.shop(city, 5541, 5542, 5411, 5732, 5311, 5947, 6540, 5310)
            s.pos(card, ts, shop, eur, entry=entry, response=answer)
        ts += int(s.between(4, 100) * MINUTE)


def cross_border_large(s: Scene) -> None:
    """Stolen card data at foreign merchants: a try, then large goods, online or by a clone on the spot."""
    card, ts = s.victim(), s.moment()
    city = s.city_at(card, 500, 9500) if s.chance(0.75) else s.city_at(card, 100, 1200)
    online, new = s.chance(0.55), s.device()
    there, near = s.hideout(city), s.residence(s.home(card))
    scale = s.people.level[card] ** 0.7
    for step in range(s.count(5, 7)):
        eur = scale * (s.euros(22, 0.7) if step == 0 else s.euros(105 + 40 * step, 0.75))
        answer = s.one_of(("61", "05")) if s.chance(0.12) else "00"
        if online or s.chance(0.3):
            visit = (new, there if s.chance(0.55) else near)
            shop = s.online_shop(5732, 5944, 4722, 5045, 5651, 4511, 5399)
            s.web(card, ts, shop, eur, visit=visit, response=answer)
        else:
            shop = s.shop(city, 5944, 5732, 5311, 5651, 5094, 7011)
            entry = s.one_of(("chip", "magstripe", "contactless", "manual"))
            s.pos(card, ts, shop, eur, entry=entry, response=answer)
        ts += int(s.between(6, 140) * MINUTE)


def refund_abuse(s: Scene) -> None:
    """A cardholder and a clerk: purchases, and refunds of more than was paid, over days at one merchant."""
    card, ts = s.victim(), s.moment(4.5)
    merchant = s.shop(s.home(card), 5732, 5651, 5311, 5200, 5999)
    scale = s.people.level[card] ** 0.4
    for step in range(s.count(4, 6)):
        eur = scale * s.euros(60 + 15 * step, 0.5)
        s.pos(card, ts, merchant, eur, entry=s.one_of(("chip", "contactless", "manual")))
        ts += int(s.between(0.1, 5) * HOUR)
        back, entry = eur * s.between(1.0, 2.2), s.one_of(("manual", "chip", "contactless"))
        s.pos(card, ts, merchant, back, entry=entry, type=2, message=1)
        ts += int(s.between(0.5, 16) * HOUR)
        if ts > s.end - DAY // 12:
            break
