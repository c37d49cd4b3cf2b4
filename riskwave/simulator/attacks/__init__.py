"""Ten kinds of attack. Each is an episode of several payments with money at stake."""

from collections.abc import Callable

import numpy as np

from riskwave.simulator.attacks import on_many_cards, on_one_card
from riskwave.simulator.attacks.scene import Scene
from riskwave.simulator.draws import stream
from riskwave.simulator.events import SCENARIOS, Events
from riskwave.simulator.setting import Setting

#: How an episode of each scenario is told.
EPISODES: dict[str, Callable[[Scene], None]] = {
    "card_testing": on_many_cards.card_testing,
    "account_takeover": on_one_card.account_takeover,
    "lost_card_drain": on_one_card.lost_card_drain,
    "impossible_travel": on_one_card.impossible_travel,
    "counterfeit": on_one_card.counterfeit,
    "device_farm": on_many_cards.device_farm,
    "merchant_bust_out": on_many_cards.merchant_bust_out,
    "cross_border_large": on_one_card.cross_border_large,
    "refund_abuse": on_one_card.refund_abuse,
    "skimmed_terminal": on_many_cards.skimmed_terminal,
}

#: Fewer fraudulent events than this leave no room for attacks on many cards.
_ROOM = 40


def attack(setting: Setting, events: int) -> Events:
    """Episodes with about `events` fraudulent events in all, the scenarios taking turns by events so far.

    Skimmed terminals also bring the genuine payments at which cards were copied. With few events asked for,
    only some scenarios happen, and only the short ones; with none, nothing does.
    """
    rng = stream(setting.seed, 10)
    scene = Scene(setting, rng)
    done = np.zeros(len(SCENARIOS))
    order = rng.permutation(len(SCENARIOS))
    if events < _ROOM:
        order = np.array([k for k in order if EPISODES[SCENARIOS[k]].__module__ == on_one_card.__name__])
    fraud = 0
    while fraud < events:
        scenario = order[int(np.argmin(done[order]))]
        scene.begin(SCENARIOS[scenario])
        EPISODES[SCENARIOS[scenario]](scene)
        made = scene.fraud() - fraud
        fraud += made
        done[scenario] += made
    return scene.events()
