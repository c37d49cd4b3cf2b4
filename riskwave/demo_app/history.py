"""A state with a past: a month decided, a model that learned from another bank and scores, a ruleset in the shadow."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from riskwave.control import Control, control_path
from riskwave.control.checked import checked_rules
from riskwave.control.lifecycle import publish
from riskwave.control.rulesets import find_revision, stored_ruleset
from riskwave.demo_app.bank import Bank
from riskwave.engine.engine import Engine
from riskwave.engine.state import read_offsets
from riskwave.errors import RiskwaveError
from riskwave.rules.pack import merge
from riskwave.rules.reading import read_text
from riskwave.run.labels import LabelFeed
from riskwave.scoring.options import need_packages

Say = Callable[[str], None]
#: Of the history, what is decided before there is a model and a shadow.
FIRST = 0.8
BATCH = 10_000
LABELS = "bank"
SHADOWED = """\
rules:
  - rule: many_payments_10m
    when: card_txn_count_10m >= :max_count
    thresholds: {max_count: {value: 4, min: 2, max: 50}}
    action: review
    severity: P2
    reason: "{card_txn_count_10m} payments on this card in 10 minutes"
    owner: demo
    cases:
      - given: {card_txn_count_10m: 4}
        expect: fired
"""


def prepare(state: Path, registry: Path | None, bank: Bank, say: Say) -> str | None:
    """Decide the history into a new state. registry: of models, None for none; gives why none scores, None for one."""
    half = round(bank.cut * FIRST)
    _decide(state, bank, 0, half, say)
    why = _modelled(state, registry, say)
    if why is None and registry is not None:
        # Where serve looks, and the engine that decides the rest.
        os.environ["RISKWAVE_MODELS"] = str(registry.with_suffix("") / "online")
    _shadow(state)
    _decide(state, bank, half, bank.cut, say)
    return why


def _modelled(state: Path, registry: Path | None, say: Say) -> str | None:
    if registry is None:
        return "no model was asked for"
    say("training a model on another bank")
    try:
        need_packages()
        _train(state, registry)
    except RiskwaveError as fault:
        return str(fault)
    return None


def _decide(state: Path, bank: Bank, first: int, last: int, say: Say) -> None:
    """Payments from one number to another, with the labels that had arrived by then."""
    engine = Engine(state)
    try:
        if first == 0:
            engine.add_facts("card_profiles", bank.bank.profiles)
            engine.add_facts("devices", bank.bank.devices)
        feed = LabelFeed(LABELS, bank.labels(live=False))
        feed.next = read_offsets(engine.connection, feed.name).get(0, 0)
        for start in range(first, last, BATCH):
            say(f"deciding the past: {start:,} of {bank.cut:,} payments")
            rows = bank.bank.arrivals.rows(start, min(BATCH, last - start))
            engine.process(rows, labels=feed.upto(rows), offsets=feed.offsets)
    finally:
        engine.close()


#: The bank of which a model knows before: three weeks of this one have too few labels to learn from.
LEARNED = "sim:?events=30000&seed=77&fraud_share=0.04"


def _train(state: Path, registry: Path) -> None:
    """A model of boosted trees that learned from another bank, measured on this one's history, online."""
    from riskwave.scoring.history import read_history
    from riskwave.scoring.registry import Registry
    from riskwave.scoring.rollout import Rollout
    from riskwave.scoring.train import Plan, train

    store = Registry(str(registry))
    made = store.add(train(read_history([LEARNED]), Plan("boosting"), measured_on=read_history([str(state)])))
    store.publish(made.name, made.version)
    Rollout(store).promote(made.name, made.version)


def _shadow(state: Path) -> None:
    """One more rule, recorded and acting on nothing."""
    with Control.open(control_path(state)) as control:
        live = stored_ruleset(control, find_revision(control, "live"))
        checked = checked_rules(merge(live, read_text(SHADOWED, live.name)))
        publish(control, checked, why="would four in ten minutes be enough", author="demo", state="shadow")
