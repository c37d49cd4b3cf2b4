"""Variational autoencoder: what a narrow description of ordinary events cannot describe is unusual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from riskwave.scoring.algorithms.base import Calibration, Training, calibrate
from riskwave.scoring.algorithms.networks import Weights, dense, descend, error_weights, in_parts, jax, jnp
from riskwave.scoring.graph import Graph
from riskwave.scoring.preparation import Scaling, learn_scaling
from riskwave.scoring.values import Matrix, Params, Scores

#: Keeps the logarithm of an error finite.
LEAST = 1e-6


@dataclass(frozen=True)
class Described:
    """Weights of the network, and of the columns' errors. The anomaly is the logarithm of the weighted error."""

    scaling: Scaling
    weights: Weights
    by_column: Matrix
    calibration: Calibration

    def margin(self, matrix: Matrix) -> Scores:
        """Margins, (rows,)."""
        return self.calibration.margin(self.anomaly(matrix))

    def anomaly(self, matrix: Matrix) -> Scores:
        """Log of the weighted squared error, (rows,)."""
        return np.asarray(np.log(self.errors(matrix) @ self.by_column + LEAST), np.float64)

    def errors(self, matrix: Matrix) -> Matrix:
        """Squared error by column of the scaling, (rows, columns)."""

        def squared(rows: Any) -> Any:
            return (_decode(self.weights, _describe(self.weights, rows)[0]) - rows) ** 2

        return in_parts(squared, self.scaling.apply(matrix))

    def draw(self, graph: Graph, matrix: str) -> str:
        """The same layers; the description is its mean, nothing is drawn at random."""
        w = self.weights
        scaled = self.scaling.draw(graph, matrix)
        hidden = graph.node("Tanh", graph.linear(scaled, w["in"], w["in_bias"]))
        middle = graph.linear(hidden, w["mean"], w["mean_bias"])
        hidden = graph.node("Tanh", graph.linear(middle, w["out"], w["out_bias"]))
        made = graph.linear(hidden, w["made"], w["made_bias"])
        off = graph.node("Sub", made, scaled)
        error = graph.linear(graph.node("Mul", off, off), self.by_column[:, None], [LEAST])
        return self.calibration.draw(graph, graph.node("Log", error))


class Vae:
    """One hidden layer each way, trained in JAX on events that are not known frauds."""

    name = "vae"
    needs_labels = False
    defaults: ClassVar[Params] = {
        "hidden": 64,
        "latent": 12,
        "beta": 0.1,
        "learning_rate": 0.002,
        "batch": 512,
        "epochs": 40,
        "patience": 4,
    }
    choices: ClassVar[Mapping[str, Sequence[Any]]] = {
        "hidden": (32, 64, 128),
        "latent": (4, 8, 12, 24),
        "beta": (0.01, 0.1, 0.5),
        "learning_rate": (0.001, 0.002, 0.005),
    }

    def fit(self, training: Training, params: Params) -> Described:
        """Train, stopped early, and calibrate on the validation part."""
        scaling = learn_scaling(training.encoder, training.train.matrix)
        columns, hidden, latent = len(scaling.filling.places), params["hidden"], params["latent"]
        keys = jax.random.split(jax.random.key(training.seed), 5)
        begin: Weights = {
            "in": dense(keys[0], columns, hidden),
            "in_bias": jnp.zeros(hidden),
            "mean": dense(keys[1], hidden, latent),
            "mean_bias": jnp.zeros(latent),
            "spread": dense(keys[2], hidden, latent),
            "spread_bias": jnp.zeros(latent) - 2.0,
            "out": dense(keys[3], latent, hidden),
            "out_bias": jnp.zeros(hidden),
            "made": dense(keys[4], hidden, columns),
            "made_bias": jnp.zeros(columns),
        }
        weights = self.descended(training, params, scaling, begin)
        plain = Described(scaling, weights, np.ones(columns, np.float32), Calibration(1.0, 0.0))
        described = replace(plain, by_column=error_weights(plain.errors(training.valid.without_frauds())))
        return replace(described, calibration=calibrate(described.anomaly(training.valid.matrix), training.valid.fraud))

    def descended(self, training: Training, params: Params, scaling: Scaling, begin: Weights) -> Weights:
        """The weights after learning from `begin` on, stopped early."""
        inputs = scaling.apply(training.train.without_frauds())
        valid = scaling.apply(training.valid.without_frauds())
        columns, beta = inputs.shape[1], params["beta"]

        def loss(weights: Weights, rows: Any, key: Any) -> Any:
            mean, spread = _describe(weights, rows)
            drawn = mean + jnp.exp(spread / 2) * jax.random.normal(key, mean.shape)
            error = ((_decode(weights, drawn) - rows) ** 2).sum(axis=1)
            apart = 0.5 * (mean**2 + jnp.exp(spread) - 1 - spread).sum(axis=1)
            return (error + beta * apart).mean() / columns

        return descend(loss, begin, inputs, valid, training, params)


def _describe(weights: Weights, rows: Any) -> tuple[Any, Any]:
    hidden = jnp.tanh(rows @ weights["in"] + weights["in_bias"])
    spread = jnp.clip(hidden @ weights["spread"] + weights["spread_bias"], -8, 4)
    return hidden @ weights["mean"] + weights["mean_bias"], spread


def _decode(weights: Weights, described: Any) -> Any:
    hidden = jnp.tanh(described @ weights["out"] + weights["out_bias"])
    return hidden @ weights["made"] + weights["made_bias"]
