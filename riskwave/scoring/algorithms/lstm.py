"""LSTM autoencoder: a payment read as a sequence, from its widest windows to the moment itself.

A score has one row to go by, no stored sequence. But its windows are one: what the last 30 days were, then the last
7 days, the day, the hour, ten minutes, and at last the payment. What such a sequence cannot be remade from is unusual.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from riskwave.scoring.algorithms.base import Calibration, Training, calibrate
from riskwave.scoring.algorithms.networks import Weights, dense, descend, error_weights, in_parts, jax, jnp
from riskwave.scoring.graph import Graph
from riskwave.scoring.preparation import Scaling, learn_scaling
from riskwave.scoring.values import Matrix, Params, Scores

WINDOWS = ("30d", "7d", "24h", "1h", "10m", "5m", "1m")
LEAST = 1e-6


@dataclass(frozen=True)
class Sequenced:
    """The weights of both cells; `place` (steps, channels) says which scaled column stands where, the width: none."""

    scaling: Scaling
    place: NDArray[np.int64]
    weights: Weights
    by_cell: Matrix
    calibration: Calibration

    def margin(self, matrix: Matrix) -> Scores:
        """Margins, (rows,)."""
        return self.calibration.margin(self.anomaly(matrix))

    def anomaly(self, matrix: Matrix) -> Scores:
        """Log of the weighted squared error, (rows,)."""
        return np.asarray(np.log(self.errors(matrix) @ self.by_cell + LEAST), np.float64)

    def errors(self, matrix: Matrix) -> Matrix:
        """Squared error by cell of the sequence, (rows, steps * channels)."""
        place, weights = self.place, self.weights

        def squared(rows: Any) -> Any:
            sequence = _sequence(rows, place)
            error = (_remade(weights, sequence) - sequence) ** 2
            return jnp.transpose(error, (1, 0, 2)).reshape(rows.shape[0], place.size)

        return in_parts(squared, self.scaling.apply(matrix))

    def draw(self, graph: Graph, matrix: str) -> str:
        """ONNX's own LSTM, twice."""
        w, (steps, channels) = self.weights, self.place.shape
        hidden = w["in_state"].shape[0]
        scaled = self.scaling.draw(graph, matrix)
        nothing = graph.node("Mul", graph.columns(scaled, [0]), graph.constant(0.0))
        padded = graph.node("Concat", scaled, nothing, axis=1)
        flat = graph.columns(padded, self.place.ravel().tolist())
        shaped = graph.node("Reshape", flat, graph.constant([-1, steps, channels], np.int64))
        sequence = graph.node("Transpose", shaped, perm=[1, 0, 2])
        last = _draw_lstm(graph, sequence, w, "in", hidden)[1]
        repeated = graph.node("Concat", *[last] * steps, axis=0)
        states = graph.node("Squeeze", _draw_lstm(graph, repeated, w, "out", hidden)[0], graph.constant([1], np.int64))
        off = graph.node("Sub", graph.linear(states, w["made"], w["made_bias"]), sequence)
        squared = graph.node("Transpose", graph.node("Mul", off, off), perm=[1, 0, 2])
        cells = graph.node("Reshape", squared, graph.constant([-1, steps * channels], np.int64))
        return self.calibration.draw(graph, graph.node("Log", graph.linear(cells, self.by_cell[:, None], [LEAST])))


class LstmAutoencoder:
    """One LSTM reads the sequence, another remakes it, trained in JAX on events that are not known frauds."""

    name = "lstm_autoencoder"
    needs_labels = False
    defaults: ClassVar[Params] = {
        "hidden": 32,
        "learning_rate": 0.003,
        "batch": 512,
        "epochs": 25,
        "patience": 3,
    }
    choices: ClassVar[Mapping[str, Sequence[Any]]] = {
        "hidden": (16, 32, 48),
        "learning_rate": (0.001, 0.003, 0.006),
        "batch": (256, 512),
    }

    def fit(self, training: Training, params: Params) -> Sequenced:
        """Train, stopped early, and calibrate on the validation part."""
        scaling = learn_scaling(training.encoder, training.train.matrix)
        names = [training.encoder.names[place] for place in scaling.filling.places]
        place = sequence_of(names)
        channels, hidden = place.shape[1], params["hidden"]
        there = (place < len(names)).astype(np.float32)[:, None, :]
        keys = jax.random.split(jax.random.key(training.seed), 5)
        begin: Weights = {
            "in_input": dense(keys[0], channels, 4 * hidden),
            "in_state": dense(keys[1], hidden, 4 * hidden),
            "in_bias": jnp.zeros(4 * hidden),
            "out_input": dense(keys[2], hidden, 4 * hidden),
            "out_state": dense(keys[3], hidden, 4 * hidden),
            "out_bias": jnp.zeros(4 * hidden),
            "made": dense(keys[4], hidden, channels),
            "made_bias": jnp.zeros(channels),
        }
        weights = self.descended(training, params, scaling, place, begin)
        plain = Sequenced(scaling, place, weights, np.ones(place.size, np.float32), Calibration(1.0, 0.0))
        by_cell = error_weights(plain.errors(training.valid.without_frauds())) * there.ravel()
        sequenced = replace(plain, by_cell=np.asarray(by_cell, np.float32))
        return replace(sequenced, calibration=calibrate(sequenced.anomaly(training.valid.matrix), training.valid.fraud))

    def descended(
        self, training: Training, params: Params, scaling: Scaling, place: NDArray[np.int64], begin: Weights
    ) -> Weights:
        """The weights after learning from `begin` on, stopped early."""
        inputs = scaling.apply(training.train.without_frauds())
        valid = scaling.apply(training.valid.without_frauds())
        width = inputs.shape[1]
        there = (place < width).astype(np.float32)[:, None, :]

        def loss(weights: Weights, rows: Any, key: Any) -> Any:  # noqa: ARG001
            sequence = _sequence(rows, place)
            return (((_remade(weights, sequence) - sequence) ** 2) * there).sum(axis=(0, 2)).mean() / width

        return descend(loss, begin, inputs, valid, training, params)


def sequence_of(names: Sequence[str]) -> NDArray[np.int64]:
    """Where each column stands in the sequence, (steps, channels): its window is the step, its measure the channel.

    The last step is the payment itself, with every column that has no window. Cells without a column have the number
    of columns.
    """
    parts = [re.fullmatch(rf"(\w+)_({'|'.join(WINDOWS)})", name) for name in names]
    windows = [window for window in WINDOWS if any(part and part.group(2) == window for part in parts)]
    measures = list(dict.fromkeys(part.group(1) if part else name for part, name in zip(parts, names, strict=True)))
    place = np.full((len(windows) + 1, len(measures)), len(names), np.int64)
    for column, (part, name) in enumerate(zip(parts, names, strict=True)):
        step = windows.index(part.group(2)) if part else len(windows)
        place[step, measures.index(part.group(1) if part else name)] = column
    return place


def _sequence(rows: Any, place: NDArray[np.int64]) -> Any:
    """Scaled rows as (steps, rows, channels)."""
    padded = jnp.concatenate([rows, jnp.zeros((rows.shape[0], 1))], axis=1)
    return jnp.transpose(padded[:, place], (1, 0, 2))


def _remade(weights: Weights, sequence: Any) -> Any:
    steps = sequence.shape[0]
    last = _lstm(weights, "in", list(sequence))[-1]
    states = _lstm(weights, "out", [last] * steps)
    return jnp.stack(states) @ weights["made"] + weights["made_bias"]


def _lstm(weights: Weights, name: str, inputs: list[Any]) -> list[Any]:
    """The state after each step; gates in ONNX's order: input, output, forget, cell."""
    hidden = weights[f"{name}_state"].shape[0]
    state = cell = jnp.zeros((inputs[0].shape[0], hidden))
    states = []
    for one in inputs:
        gates = one @ weights[f"{name}_input"] + state @ weights[f"{name}_state"] + weights[f"{name}_bias"]
        let_in, let_out, keep, new = jnp.split(gates, 4, axis=1)
        cell = jax.nn.sigmoid(keep) * cell + jax.nn.sigmoid(let_in) * jnp.tanh(new)
        state = jax.nn.sigmoid(let_out) * jnp.tanh(cell)
        states.append(state)
    return states


def _draw_lstm(graph: Graph, inputs: str, weights: Weights, name: str, hidden: int) -> list[str]:
    bias = np.concatenate([weights[f"{name}_bias"], np.zeros(4 * hidden, np.float32)])
    constants = (weights[f"{name}_input"].T[None], weights[f"{name}_state"].T[None], bias[None])
    return graph.node_with("LSTM", [inputs, *(graph.constant(value) for value in constants)], 2, hidden_size=hidden)
