"""Analysts at work while the bench measures: thresholds edited and rulesets published from another process."""

from __future__ import annotations

import multiprocessing
import random
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path

from riskwave.control import Control, control_path
from riskwave.control.lifecycle import publish
from riskwave.control.thresholds import live_thresholds, set_threshold
from riskwave.rules.check import check_ruleset
from riskwave.rules.pack import make_ruleset


def analysts(state: Path, *, edits: int, publishes: int, seconds: float) -> SpawnProcess:
    """A process, started, that makes so many edits and publishes at equal distances over so many seconds."""
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(state, edits, publishes, seconds))
    process.start()
    return process


def interleaved(edits: int, publishes: int) -> list[str]:
    """So many times `edit`, and `publish` at equal distances among them."""
    steps = ["edit"] * edits
    for number in range(publishes):
        steps.insert((number + 1) * len(steps) // (publishes + 1), "publish")
    return steps


def _work(state: Path, edits: int, publishes: int, seconds: float) -> None:
    dice = random.Random(5)
    with Control.open(control_path(state)) as control:
        live = control.snapshot().live
        if live is None:
            return
        whole = live.ruleset
        steps = interleaved(edits, publishes)
        began = time.perf_counter()
        for number, step in enumerate(steps):
            time.sleep(max(began + number * seconds / len(steps) - time.perf_counter(), 0))
            if step == "publish":
                left_out = dice.randrange(len(whole.rules))
                rules = [rule for place, rule in enumerate(whole.rules) if place != left_out]
                publish(control, check_ruleset(make_ruleset(whole.name, rules, whole.channels)), why="bench")
                continue
            one = dice.choice([t for t in live_thresholds(control) if t.kind == "integer"])
            value = int(one.value) + dice.choice([-1, 1])
            least = int(one.min) if one.min is not None else value
            most = int(one.max) if one.max is not None else value
            set_threshold(control, one.rule, one.name, str(min(max(value, least), most)), why="bench")
