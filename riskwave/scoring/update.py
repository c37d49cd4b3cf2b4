"""New labels: a version learns on, and its candidate goes online only when it is better on labels that neither saw."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms.base import Training
from riskwave.scoring.history import History
from riskwave.scoring.metrics import Metrics, measure
from riskwave.scoring.registry import Registry, Version
from riskwave.scoring.resume import resume
from riskwave.scoring.rollout import Rollout
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.search import Found
from riskwave.scoring.split import Cut, Split, split
from riskwave.scoring.train import Plan, Prepared, algorithm_of, finish, learning_by
from riskwave.scoring.values import Sample, Say
from riskwave.watch.reference import window_of

#: Most trees that are grown, and epochs that are gone through, when learning on.
MORE = {"rounds": 200, "epochs": 10}


@dataclass(frozen=True)
class Gate:
    """How much a candidate must gain on one figure, and may lose on none."""

    accuracy: float = 0.010
    f1: float = 0.015
    auc: float = 0.008


@dataclass(frozen=True)
class Judged:
    """One figure of the gate. What cannot be said of one side is None, and so is the gain."""

    figure: str
    before: float | None
    after: float | None
    gain: float | None
    needed: float


@dataclass(frozen=True)
class Verdict:
    """Whether a candidate passes, and why, in words."""

    passed: bool
    figures: tuple[Judged, ...]
    why: str


@dataclass(frozen=True)
class Updated:
    """What came of an update. before, after: figures of the version and its candidate on the same unseen events."""

    parent: Version
    candidate: Version
    before: Metrics
    after: Metrics
    verdict: Verdict

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "parent": self.parent.version,
            "candidate": self.candidate.version,
            "state": self.candidate.state,
            "events": self.candidate.window,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "verdict": asdict(self.verdict),
        }


def judge(before: Metrics, after: Metrics, gate: Gate) -> Verdict:
    """A candidate passes when it gains at least its limit on one figure and loses that much on none."""
    figures = []
    for name, needed in asdict(gate).items():
        one, other = getattr(before, name), getattr(after, name)
        gain = None if one is None or other is None else other - one
        figures.append(Judged(name, one, other, gain, needed))
    # A gain of exactly the limit counts, whatever its binary fraction.
    gained = [each for each in figures if each.gain is not None and each.gain >= each.needed - 1e-12]
    lost = [each for each in figures if each.gain is not None and each.gain <= -each.needed + 1e-12]
    if lost:
        return Verdict(False, tuple(figures), f"it loses: {', '.join(map(_said, lost))}")
    if not gained:
        least = ", ".join(map(_said, figures))
        return Verdict(False, tuple(figures), f"it gains too little on every figure: {least}")
    return Verdict(True, tuple(figures), f"it gains: {', '.join(map(_said, gained))}")


@dataclass(frozen=True)
class Update:
    """How to update. params: hyper-parameters that are other than the version's; to: the state it may reach."""

    name: str = "card"
    version: str = "online"
    cut: Cut = field(default_factory=Cut)
    gate: Gate = field(default_factory=Gate)
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 7
    to: str = "online"
    any_time: bool = False


def update(
    registry: Registry,
    history: History,
    how: Update,
    *,
    folder: Path | None = None,
    say: Say = lambda words: None,
) -> Updated:
    """Learn on from events that the version has not learned from, measure both on the last ones, and judge.

    The candidate is kept with its parent's version: in dev when it does not pass, else in test and then online. Events
    of the time that the version learned from are left out, unless `any_time`. folder: of the models online
    (rollout.py). Raises RiskwaveError when too few are left.
    """
    parent = registry.get(how.name, how.version)
    old, trained = registry.scorer(how.name, parent.version), registry.trained(how.name, parent.version)
    plan = Plan(
        *(parent.algorithm, how.name, how.seed, how.cut, old.card.target_fpr),
        params=how.params,
    )
    algorithm_of(plan)
    if not how.any_time:
        history = _new(history, parent)
    parts = _split(history, parent, how)
    prepared = _prepared(registry, parent, history, old, how, say)
    params = {**parent.params, **how.params}
    learned = {name: min(value, MORE[name]) if name in MORE else value for name, value in params.items()}
    began = time.monotonic()
    with learning_by(plan):
        after_learning = resume(trained, prepared.training, learned)
    model = finish(prepared, plan, Found(after_learning, params, 1, None), began)
    unseen = history.part(parts.test)
    before = measure(unseen, old.score(unseen.events), old.threshold)
    after = measure(unseen, Scorer(model.onnx).score(unseen.events), model.card.threshold)
    verdict = judge(before, after, how.gate)
    candidate = registry.add(replace(model, parent=parent.version))
    if verdict.passed:
        candidate = registry.publish(how.name, candidate.version)
        if how.to == "online":
            candidate = Rollout(registry, folder).promote(how.name, candidate.version)
    return Updated(parent, candidate, before, after, verdict)


def _new(history: History, parent: Version) -> History:
    learned = parent.window["valid"].get("to")
    if learned is None:
        return history
    since = np.datetime64(learned, "us") + np.timedelta64(1, "us")
    if history.end < since:
        raise RiskwaveError(
            f"{history.name}: ends {history.end}; model {parent.name} {parent.version} has learned until {learned}; "
            "give a later history, or --any-time for one of other cards"
        )
    return history.between(since, None)


def _split(history: History, parent: Version, how: Update) -> Split:
    learned = parent.window["valid"].get("to")
    try:
        return split(history, how.cut)
    except RiskwaveError as error:
        if how.any_time or learned is None:
            raise
        raise RiskwaveError(
            f"{error}; only events after {learned} count here, which {parent.name} {parent.version} has not learned "
            "from: --any-time takes those before, too, of a history of other cards"
        ) from error


def _prepared(registry: Registry, parent: Version, history: History, old: Scorer, how: Update, say: Say) -> Prepared:
    """The new events by the columns of the old model."""
    parts = split(history, how.cut)
    fraud = history.known_frauds(parts.as_of)
    say("encoding features")
    encoder = old.card.encoder
    train, valid = (
        Sample(encoder.encode(history.part(rows).events), fraud[rows], history.labelled)
        for rows in (parts.train, parts.valid)
    )
    both = slice(parts.train.start, parts.valid.stop)
    window = window_of(history.part(both), registry.reference(how.name, parent.version).encoder)
    return Prepared(history, parts, Training(train, valid, encoder, how.seed, 1, say), window)


def _said(each: Judged) -> str:
    if each.gain is None:
        return f"{each.figure} not known"
    return f"{each.figure} {each.before:.4f} to {each.after:.4f} ({each.gain:+.4f}, limit {each.needed:.3f})"
