"""Drift that is injected into a simulated bank: from a day on, something is not as it was.

What happened until then stays as it is, byte for byte, and so do all ids: a new attack's payments come on top, under
numbers of their own, and a shifted amount changes nothing but amounts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riskwave.errors import RiskwaveError
from riskwave.simulator.attacks.scene import DAY, MINUTE, Scene
from riskwave.simulator.draws import stream
from riskwave.simulator.events import NEW_SCENARIO, Events
from riskwave.simulator.paying import ATTACK, DESK, PASSING
from riskwave.simulator.setting import Setting

#: Each kind of drift, what its strength is unless said otherwise, and between which values it must lie.
KINDS = {"new_attack": (0.03, 0.0, 0.2), "amount_shift": (1.5, 0.01, 100.0)}
EXAMPLE = "new_attack@day15 or amount_shift:1.5@day15"


@dataclass(frozen=True)
class Drift:
    """kind: of KINDS; strength: share of payments on top, or factor of amounts; day: 0 is the first of the history."""

    kind: str
    strength: float
    day: int


def read_drifts(text: str, days: int) -> tuple[Drift, ...]:
    """Drifts written as kind[:strength]@dayN, with commas between them. Raises RiskwaveError for anything else."""
    drifts = []
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"(\w+)(?::([0-9.]+))?@day(\d+)", part.strip())
        if found is None or found[1] not in KINDS:
            raise RiskwaveError(f"drift: {part!r} is none of {', '.join(KINDS)} at a day; expected such as {EXAMPLE}")
        usual, least, most = KINDS[found[1]]
        try:
            strength = float(found[2] or usual)
        except ValueError:
            raise RiskwaveError(f"drift: {part!r}: {found[2]} is no number; expected such as {EXAMPLE}") from None
        if not least <= strength <= most:
            raise RiskwaveError(f"drift: {part!r}: the strength of {found[1]} is out of range; give {least} to {most}")
        if int(found[3]) >= days:
            raise RiskwaveError(f"drift: {part!r}: the bank has days 0 to {days - 1} only; give one of them")
        drifts.append(Drift(found[1], strength, int(found[3])))
    return tuple(drifts)


def shift_amounts(events: Events, setting: Setting, drifts: Sequence[Drift]) -> None:
    """Multiply the amounts from the drift's day on; a refund or reversal of an earlier payment keeps its own."""
    for drift in drifts:
        if drift.kind == "amount_shift":
            began = setting.start + drift.day * DAY
            original = events["original"]
            bought = np.where(original >= 0, events["ts"][np.maximum(original, 0)], events["ts"])
            events["eur"] = np.where(bought >= began, events["eur"] * drift.strength, events["eur"])


def new_attack(setting: Setting, drifts: Sequence[Drift], before: Events, episodes: int) -> Events:
    """The payments of the attack that nobody has seen before, by time; empty without such a drift.

    before: what the bank saw without it; its devices are used again, so that none gets another id.
    episodes: how many attacks there are already.
    """
    scene = Scene(setting, stream(setting.seed, 12))
    scene.episode = episodes - 1
    for drift in drifts:
        if drift.kind == "new_attack":
            began = setting.start + drift.day * DAY
            phones = _phones(before, began)
            made, wanted = len(scene), round(drift.strength * float((before["ts"] >= began).sum()))
            while len(phones) and len(scene) - made < wanted:
                _wallet_provisioning(scene, began, phones)
    if not len(scene):
        return before.take(np.zeros(0, np.int64))
    events = scene.events()
    events["ts"] = events["ts"] // 1000 * 1000
    return events.take(np.argsort(events["ts"], kind="stable"))


def _phones(before: Events, began: int) -> list[int]:
    """Devices of earlier attackers, else of passing visits, that were there before."""
    code = before["device"][before["ts"] < began].astype(np.int64)
    attackers = np.unique(code[code >= ATTACK])
    found = attackers if len(attackers) else np.unique(code[(code >= PASSING) & (code < DESK)])
    return [int(each) for each in found]


def _wallet_provisioning(s: Scene, began: int, phones: list[int]) -> None:
    """Stolen numbers loaded into the wallet of one phone, tapped one after the other in shops of one town."""
    s.begin(NEW_SCENARIO)
    room = max((s.end - began) // DAY - 0.5, 0.25)
    ts = began + int(s.between(0, room) * DAY)
    cards = s.victims(s.count(8, 14))
    city = s.home(cards[0])
    phone = s.one_of(phones)
    for step in range(s.count(16, 26)):
        shop = s.shop(city, 5411, 5541, 5732, 5311, 5912, 5651)
        eur = s.euros(45 + 3 * step, 0.4)
        wallet = {"entry": "contactless", "cvm": "device", "device": phone, "wallet": s.count(1, 2)}
        s.pos(cards[step % len(cards)], ts, shop, eur, **wallet)
        ts += int(s.between(1, 12) * MINUTE)
