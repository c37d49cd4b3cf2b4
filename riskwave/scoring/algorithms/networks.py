"""What the two autoencoders share: descent in JAX with early stopping, and the error of a reconstruction."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from riskwave.scoring.algorithms.base import Training
from riskwave.scoring.values import Matrix, Params

# Before JAX is there: no other device is looked for, and one thread computes.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import jax
import jax.numpy as jnp

#: JAX is imported here, so that it is set up before it is there, and by the others from here.
__all__ = ["Loss", "Weights", "dense", "descend", "error_weights", "in_parts", "jax", "jnp"]

#: Weights by name.
Weights = dict[str, Any]
#: (weights, inputs (rows, columns), key of random draws) to the mean loss.
Loss = Callable[[Weights, Any, Any], Any]

#: Rows of a batch that is only looked at.
ROWS = 8_192


def dense(key: Any, inputs: int, outputs: int) -> Any:
    """Weights to begin with, Glorot's."""
    return jax.random.normal(key, (inputs, outputs)) * np.sqrt(2.0 / (inputs + outputs))


def descend(loss: Loss, weights: Weights, inputs: Matrix, valid: Matrix, training: Training, params: Params) -> Weights:
    """Adam over shuffled batches; gives the weights of the epoch with the least loss on the validation rows.

    params: `epochs` at most, `patience` epochs without a lower loss, `batch` rows, `learning_rate`.
    """
    batch, rate = min(params["batch"], len(inputs)), params["learning_rate"]
    gradient = jax.grad(loss)

    def stepped(weights: Weights, first: Weights, second: Weights, count: Any, rows: Any, key: Any) -> Any:
        slopes = gradient(weights, rows, key)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slopes)
        scale = rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        moved = jax.tree.map(lambda w, m, v: w - scale * m / (jnp.sqrt(v) + 1e-8), weights, first, second)
        return moved, first, second

    step, look = jax.jit(stepped), jax.jit(loss)
    first = jax.tree.map(jnp.zeros_like, weights)
    second = first
    rng = np.random.default_rng(training.seed)
    key = jax.random.key(training.seed)
    checked = valid[np.sort(rng.permutation(len(valid))[:ROWS])]
    best, least, since, count = weights, np.inf, 0, 0
    for epoch in range(params["epochs"]):
        order = rng.permutation(len(inputs))
        for start in range(0, len(order) - batch + 1, batch):
            count += 1
            key, own = jax.random.split(key)
            weights, first, second = step(weights, first, second, count, inputs[order[start : start + batch]], own)
        now = float(look(weights, checked, jax.random.key(0)))
        training.say(f"epoch {epoch + 1} of {params['epochs']} at most: loss {now:.4f}")
        if now < least - 1e-4 * abs(least if np.isfinite(least) else 1.0):
            best, least, since = weights, now, 0
        else:
            since += 1
            if since >= params["patience"]:
                break
    return {name: np.asarray(value, np.float32) for name, value in best.items()}


def in_parts(function: Callable[[Any], Any], inputs: Matrix) -> Matrix:
    """A function of rows, some thousand at a time, so that it is compiled for two shapes at most."""
    compiled = jax.jit(function)
    return np.concatenate([np.asarray(compiled(inputs[at : at + ROWS])) for at in range(0, len(inputs), ROWS)])


def error_weights(errors: Matrix) -> Matrix:
    """How much each column's squared error counts: as much as any other's, on average over ordinary events."""
    usual = np.maximum(errors.mean(axis=0), 1e-3)
    return np.asarray(1 / (usual * errors.shape[1]), np.float32)
