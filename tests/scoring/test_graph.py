"""Graphs compute what they are said to."""

from __future__ import annotations

import numpy as np
import onnxruntime
from hypothesis import given
from hypothesis import strategies as st

from riskwave.scoring.encoding import Column, Encoder
from riskwave.scoring.graph import Graph, Tree, rounded_down
from riskwave.scoring.preparation import learn_filling, learn_scaling
from riskwave.scoring.values import INPUT, OUTPUT, Matrix

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


def computed(graph: Graph, output: str, matrix: Matrix) -> Matrix:
    session = onnxruntime.InferenceSession(graph.model(output, matrix.shape[1], {}), providers=["CPUExecutionProvider"])
    return np.asarray(session.run([OUTPUT], {INPUT: matrix})[0])


@given(floats, st.floats(allow_nan=False, allow_infinity=False))
def test_a_threshold_as_float32_cuts_where_it_cut(value: float, threshold: float) -> None:
    rounded = rounded_down(np.array([threshold]))[0]
    assert (np.float32(value) <= rounded) == (value <= threshold)


@given(floats)
def test_a_threshold_beside_a_value_cuts_there(value: float) -> None:
    for threshold in (np.nextafter(value, -np.inf), value, np.nextafter(value, np.inf)):
        rounded = rounded_down(np.array([threshold]))[0]
        assert (np.float32(value) <= rounded) == (value <= threshold)


def test_trees_by_hand() -> None:
    tree = Tree(
        column=np.array([1, 0, 0]),
        threshold=np.array([2.0, 0.0, 0.0]),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        missing_left=np.array([False, False, False]),
        value=np.array([0.0, -1.0, 3.0]),
    )
    stump = Tree(*(np.array([value]) for value in (0, 0.0, -1, -1, False, 0.5)))
    matrix = np.array([[0, 2], [0, 2.5], [0, np.nan]], np.float32)
    graph = Graph()
    assert computed(graph, graph.trees(INPUT, [tree, stump]), matrix).tolist() == [[-0.5], [3.5], [3.5]]


def test_filling_and_scaling_are_the_same_in_a_graph() -> None:
    rng = np.random.default_rng(3)
    encoder = Encoder(
        (
            Column("a", "number", ("a",)),
            Column("channel", "category", ("channel",), ("x", "y", "z")),
            Column("b", "number", ("b",)),
            Column("wallet", "category", ("wallet",), ("u", "v")),
        )
    )
    matrix = np.column_stack(
        [rng.normal(0, 1e4, 500), rng.integers(0, 3, 500), rng.exponential(2, 500), rng.integers(0, 2, 500)]
    ).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    for learned, allowed in ((learn_filling(encoder, matrix), 0.0), (learn_scaling(encoder, matrix), 2e-6)):
        expected = learned.apply(matrix)
        assert not np.isnan(expected).any()
        for place in range(4):
            graph = Graph()
            got = computed(graph, graph.columns(learned.draw(graph, INPUT), [place]), matrix)
            assert np.abs(got[:, 0] - expected[:, place]).max() <= allowed
