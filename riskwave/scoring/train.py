"""Training from end to end: split, encode, select, search, export, threshold, figures."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from lightgbm.basic import LightGBMError

from riskwave.catalogue import load_catalogue
from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms import ALGORITHMS
from riskwave.scoring.algorithms.base import Algorithm, Trained, Training, on_scale
from riskwave.scoring.encoding import learn_encoder
from riskwave.scoring.graph import Graph
from riskwave.scoring.history import History
from riskwave.scoring.match import said_of, sql_hash
from riskwave.scoring.metrics import Metrics, measure, threshold_for
from riskwave.scoring.quantise import quantised
from riskwave.scoring.scorer import METADATA, Card, Scorer
from riskwave.scoring.search import Budget, Found, search
from riskwave.scoring.selection import narrowed, select_columns
from riskwave.scoring.split import Cut, Split, split
from riskwave.scoring.values import INPUT, Flags, Params, Sample, Say, Scores
from riskwave.watch.reference import Reference, Window, learn_reference, window_of

#: Hyper-parameters that may be 0, all others are above; and those that are shares, 1 at most.
FROM_ZERO = frozenset({"lambda_l2", "beta", "min_data_in_leaf", "patience"})
SHARES = frozenset({"feature_fraction", "bagging_fraction", "columns", "nu"})


@dataclass(frozen=True)
class Plan:
    """How to train. `select` is the share of importance the kept features hold; `params` override the defaults."""

    algorithm: str
    name: str = "card"
    seed: int = 7
    cut: Cut = field(default_factory=Cut)
    target_fpr: float = 0.005
    select: float = 0.99
    params: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    threads: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.target_fpr < 1:
            raise RiskwaveError(
                f"--fpr {self.target_fpr:g}: expected a share above 0 and below 1, such as 0.005 for 0.5%"
            )
        if not 0 <= self.select <= 1:
            raise RiskwaveError(f"--select {self.select:g}: expected a share from 0 to 1, such as 0.99 for 99%")


@dataclass(frozen=True)
class Model:
    """A trained model and what is known of it.

    onnx: the file; int8: its quantised form where that is no worse; valid, test: figures on the part it was tuned on
    and on the part it never saw; fraud, scores: of that last part, for pictures; reference: what the training window
    looked like; parent: the version it learned on from.
    """

    card: Card
    onnx: bytes
    int8: bytes | None
    trained: Trained
    params: Params
    plan: Plan
    window: dict[str, Any]
    valid: Metrics
    test: Metrics
    fraud: Flags
    scores: Scores
    reference: Reference
    trials: int
    seconds: float
    parent: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A history split and encoded, its columns selected: what several algorithms can be trained on.

    window: all that is learned from and tuned on, with every column that could have been selected.
    """

    history: History
    split: Split
    training: Training
    window: Window


def prepare(history: History, plan: Plan, *, keep_test: bool = True, say: Say = lambda words: None) -> Prepared:
    """Split and encode a history. Raises RiskwaveError when it is too short."""
    parts = split(history, plan.cut, keep_test=keep_test)
    fraud = history.known_frauds(parts.as_of)
    say("encoding features")
    learned = history.part(parts.train)
    encoder = learn_encoder(load_catalogue(), learned.events, fraud[parts.train])
    both = slice(parts.train.start, parts.valid.stop)
    window = window_of(history.part(both), encoder)
    tuned = parts.valid.start - both.start
    training = Training(
        Sample(window.matrix[:tuned], fraud[parts.train], history.labelled),
        Sample(window.matrix[tuned:], fraud[parts.valid], history.labelled),
        encoder,
        plan.seed,
        plan.threads,
        say,
    )
    return Prepared(history, parts, narrowed(training, select_columns(training, plan.select)), window)


def train(history: History, plan: Plan, *, measured_on: History | None = None, say: Say = lambda words: None) -> Model:
    """Train a model on a history, and measure it on the history's last part or on another one.

    Raises RiskwaveError for an unknown algorithm or parameter, and when the history is too short or has too few
    frauds.
    """
    algorithm_of(plan)
    return fit(prepare(history, plan, keep_test=measured_on is None, say=say), plan, measured_on=measured_on)


def fit(prepared: Prepared, plan: Plan, *, measured_on: History | None = None) -> Model:
    """Train on what is prepared."""
    began = time.monotonic()
    with learning_by(plan):
        found = search(algorithm_of(plan), prepared.training, dict(plan.params), plan.budget)
    return finish(prepared, plan, found, began, measured_on=measured_on)


@contextmanager
def learning_by(plan: Plan) -> Iterator[None]:
    """Raises RiskwaveError where hyper-parameters were given and the libraries fail: they have bounds of their own."""
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError, LightGBMError) as error:
        if not plan.params:
            raise
        given = ", ".join(f"--param {name}={value}" for name, value in plan.params.items())
        # LightGBM names the line of its source, and ends with a space and a dot.
        text = re.sub(r" at /\S+, line \d+ \.$", "", str(error).split("\n")[0]) or type(error).__name__
        raise RiskwaveError(
            f"{plan.algorithm} cannot learn by {given} ({text}); give other values, or leave them out"
        ) from error


def finish(prepared: Prepared, plan: Plan, found: Found, began: float, *, measured_on: History | None = None) -> Model:
    """Export what was trained, choose its threshold, and measure it; began: by the monotonic clock, in seconds."""
    training, history = prepared.training, prepared.history
    training.say(f"{plan.algorithm}: exporting and measuring")
    card = Card(
        name=plan.name,
        version="0.0.0",
        algorithm=plan.algorithm,
        encoder=training.encoder,
        features=said_of(training.encoder.features),
        sql_hash=sql_hash(),
        threshold=0.5,
        target_fpr=plan.target_fpr,
    )
    # The threshold is chosen on the scores that will be served, and these are moved to have it at 0.5.
    trained = found.trained
    for _ in range(2):
        scores = Scorer(export(trained, card)).score_matrix(training.valid.matrix)
        card = replace(card, threshold=threshold_for(scores, training.valid.fraud, plan.target_fpr))
        if trained is found.trained:
            trained = on_scale(trained, card.threshold)
    onnx = export(trained, card)
    reference = learn_reference(
        prepared.window,
        read=card.encoder.names,
        scores=np.concatenate([Scorer(onnx).score_matrix(training.train.matrix), scores]),
        threshold=card.threshold,
        tuned=slice(len(training.train), None),
    )
    unseen = measured_on or history.part(prepared.split.test)
    unseen_scores = Scorer(onnx).score(unseen.events)
    return Model(
        card=card,
        onnx=onnx,
        int8=quantised(onnx, training.valid),
        trained=trained,
        params=found.params,
        plan=plan,
        window={**prepared.split.window(history), "measured_on": unseen.name},
        valid=measure(history.part(prepared.split.valid), scores, card.threshold),
        test=measure(unseen, unseen_scores, card.threshold),
        fraud=unseen.frauds(),
        scores=unseen_scores,
        reference=reference,
        trials=found.trials,
        seconds=time.monotonic() - began,
    )


def algorithm_of(plan: Plan) -> Algorithm:
    """The algorithm of a plan. Raises RiskwaveError for one there is none of, or for a parameter it has not."""
    if plan.algorithm not in ALGORITHMS:
        raise RiskwaveError(f"no algorithm {plan.algorithm}; expected one of {', '.join(ALGORITHMS)}")
    algorithm = ALGORITHMS[plan.algorithm]()
    for name, value in plan.params.items():
        if name not in algorithm.defaults:
            raise RiskwaveError(f"{plan.algorithm} has no parameter {name}; it has {', '.join(algorithm.defaults)}")
        expected = type(algorithm.defaults[name])
        fits = isinstance(value, expected) or (expected is float and isinstance(value, int))
        if isinstance(value, bool) or not fits:
            raise RiskwaveError(f"{plan.algorithm}: parameter {name} is {value!r}, expected {expected.__name__}")
        if expected is not str and not _in_bounds(name, value):
            least = "0 or more" if name in FROM_ZERO else "above 0"
            most = ", 1 at most" if name in SHARES else ""
            raise RiskwaveError(f"{plan.algorithm}: parameter {name} is {value}, expected a number {least}{most}")
    return algorithm


def _in_bounds(name: str, value: float) -> bool:
    most = 1.0 if name in SHARES else sys.float_info.max
    return 0 <= value <= most and (value > 0 or name in FROM_ZERO)


def export(trained: Trained, card: Card) -> bytes:
    """The ONNX file of a trained model, with its card."""
    graph = Graph()
    score = graph.node("Sigmoid", trained.draw(graph, INPUT))
    return graph.model(score, len(card.encoder.columns), {METADATA: card.as_text()})
