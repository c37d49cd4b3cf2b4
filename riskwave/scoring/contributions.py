"""What each column adds to a model's margin, by the way of its algorithm.

Trees: TreeSHAP (Lundberg, Erion, Lee, Consistent Individualized Feature Attribution for Tree Ensembles, 2018), as
LightGBM computes it. Isolation forest: along the path of each tree, what each cut takes off the depth that was to be
expected. Autoencoders: the error by column. One-class SVM: what the margin would be were the column ordinary. Voting:
its members'.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskwave.scoring.algorithms.base import OnScale
from riskwave.scoring.algorithms.boosting import Boosted
from riskwave.scoring.algorithms.forest import Isolated
from riskwave.scoring.algorithms.hybrid import Seasoned
from riskwave.scoring.algorithms.lstm import Sequenced
from riskwave.scoring.algorithms.one_class import Bounded
from riskwave.scoring.algorithms.vae import Described
from riskwave.scoring.algorithms.voting import Voted
from riskwave.scoring.values import Matrix, Scores


@singledispatch
def contributions(trained: Any, matrix: Matrix) -> Scores:  # noqa: ARG001 - the registered ones use it
    """What each column of the encoder adds to the margin, (rows, columns), of an encoded matrix.

    Of trees, forests and what votes over them, the sum is the margin less what it is on average.
    """
    raise TypeError(f"no way to explain a {type(trained).__name__}")


@contributions.register
def _(trained: OnScale, matrix: Matrix) -> Scores:
    return contributions(trained.inner, matrix)


@contributions.register
def _(trained: Boosted, matrix: Matrix) -> Scores:
    found = trained.booster.predict(matrix, pred_contrib=True, num_threads=1)
    return np.asarray(found, np.float64)[:, :-1]


@contributions.register
def _(trained: Seasoned, matrix: Matrix) -> Scores:
    if trained.forecast is None:
        return contributions(trained.boosted, matrix)
    found = contributions(trained.boosted, trained.forecast.apply(matrix))
    own = found[:, : matrix.shape[1]].copy()
    # A volume by its forecast tells of the volume.
    for place, short in enumerate(trained.forecast.short):
        own[:, short] += found[:, matrix.shape[1] + place]
    return own


@contributions.register
def _(trained: Isolated, matrix: Matrix) -> Scores:
    filled = trained.filling.apply(matrix)
    found = np.zeros(filled.shape)
    rows = np.arange(len(filled))
    for tree, events in zip(trained.trees, trained.events, strict=True):
        expected = _expected(tree.left, tree.right, tree.value, events)
        node = np.zeros(len(filled), np.int64)
        going = rows[tree.left[node] >= 0]
        while len(going):
            at = node[going]
            column = tree.column[at]
            left = filled[going, column] <= tree.threshold[at]
            node[going] = np.where(left, tree.left[at], tree.right[at])
            found[going, column] += expected[node[going]] - expected[at]
            going = going[tree.left[node[going]] >= 0]
    return _placed(-trained.scale * trained.calibration.slope * found, trained.filling.places, matrix.shape[1])


@contributions.register
def _(trained: Bounded, matrix: Matrix) -> Scores:
    scaled = trained.scaling.apply(matrix)
    margin = trained.calibration.slope * trained.outside(scaled)
    found = np.empty(scaled.shape)
    for column in range(scaled.shape[1]):
        without = scaled.copy()
        without[:, column] = 0.0
        found[:, column] = margin - trained.calibration.slope * trained.outside(without)
    return _placed(found, trained.scaling.filling.places, matrix.shape[1])


@contributions.register
def _(trained: Described, matrix: Matrix) -> Scores:
    error = trained.errors(matrix) * trained.by_column
    return _placed(_shares(error, trained.calibration.slope), trained.scaling.filling.places, matrix.shape[1])


@contributions.register
def _(trained: Sequenced, matrix: Matrix) -> Scores:
    cells = trained.errors(matrix) * trained.by_cell
    width = len(trained.scaling.filling.places)
    error = np.zeros((len(matrix), width + 1))
    for cell, column in enumerate(trained.place.ravel()):
        error[:, column] += cells[:, cell]
    shares = _shares(error[:, :width], trained.calibration.slope)
    return _placed(shares, trained.scaling.filling.places, matrix.shape[1])


@contributions.register
def _(trained: Voted, matrix: Matrix) -> Scores:
    found = np.zeros(matrix.shape)
    for member, weight in zip(trained.members, trained.weights, strict=True):
        found += weight * contributions(member, matrix)
    return found


def members(trained: Any, matrix: Matrix) -> dict[str, Scores]:
    """What each member of a vote adds to the margin, (rows,); empty for what does not vote."""
    if isinstance(trained, OnScale):
        return members(trained.inner, matrix)
    if not isinstance(trained, Voted):
        return {}
    return {
        name: weight * member.margin(matrix)
        for name, member, weight in zip(trained.names, trained.members, trained.weights, strict=True)
    }


def _expected(
    left: NDArray[np.int64], right: NDArray[np.int64], value: Scores, events: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The mean depth of the events that are at each node of a tree."""
    expected = np.array(value, np.float64)
    for node in range(len(left) - 1, -1, -1):
        if left[node] >= 0:
            one, other = left[node], right[node]
            both = max(events[one] + events[other], 1.0)
            expected[node] = (events[one] * expected[one] + events[other] * expected[other]) / both
    return expected


def _shares(error: NDArray[Any], slope: float) -> Scores:
    """How far errors raise the margin, shared out by them: an ordinary event's add up to about 1."""
    total = np.maximum(error.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(slope * np.log1p(total) * error / total, np.float64)


def _placed(found: Scores, places: tuple[int, ...], width: int) -> Scores:
    """From the columns of a filling to those of the encoder."""
    placed = np.zeros((len(found), width))
    placed[:, list(places)] = found
    return placed
