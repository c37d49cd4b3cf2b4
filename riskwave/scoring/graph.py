"""ONNX graphs, built node by node: the few operators that the algorithms are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from riskwave.scoring.values import INPUT, OUTPUT

OPSETS = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 9
ML = "ai.onnx.ml"


@dataclass(frozen=True)
class Tree:
    """A decision tree as arrays, a place a node, the root first.

    A node with `left` -1 is a leaf and gives `value`; another sends a row left when its column is at most `threshold`,
    or is NaN and `missing_left` says so.
    """

    column: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float64]

    def leaves(self, matrix: NDArray[Any]) -> NDArray[np.int64]:
        """The node at which each row of a matrix ends, (rows,)."""
        node = np.zeros(len(matrix), np.int64)
        rows = np.flatnonzero(self.left[node] >= 0)
        while len(rows):
            at = node[rows]
            value = matrix[rows, self.column[at]]
            goes_left = np.where(np.isnan(value), self.missing_left[at], value <= self.threshold[at])
            node[rows] = np.where(goes_left, self.left[at], self.right[at])
            rows = rows[self.left[node[rows]] >= 0]
        return node


def rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is not greater: a float32 is at most the one exactly when it is at most the other."""
    # LightGBM writes 1e300 for "all that is not missing".
    near = np.clip(threshold, np.finfo(np.float32).min, np.finfo(np.float32).max).astype(np.float32)
    with np.errstate(over="ignore"):
        return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)


class Graph:
    """A graph under construction. Methods add nodes and give the name of what they make."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """A constant tensor."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """A node with one output."""
        name = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def node_with(self, operator: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """A node with several outputs."""
        name = f"n{len(self._nodes)}"
        names = [f"{name}_{place}" for place in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, name=name, **attributes))
        return names

    def columns(self, matrix: str, places: Sequence[int]) -> str:
        """Some columns of a matrix."""
        return self.node("Gather", matrix, self.constant(places, np.int64), axis=1)

    def filled(self, matrix: str, fill: Any) -> str:
        """A matrix with each column's NaN replaced by its value in `fill`."""
        return self.node("Where", self.node("IsNaN", matrix), self.constant(fill), matrix)

    def linear(self, matrix: str, weights: Any, bias: Any) -> str:
        """Rows times `weights` (columns, outputs), plus `bias`."""
        return self.node("Add", self.node("MatMul", matrix, self.constant(weights)), self.constant(bias))

    def trees(self, matrix: str, trees: Sequence[Tree]) -> str:
        """The sum of the trees' values, (rows, 1)."""
        sizes = [len(tree.left) for tree in trees]
        each = np.repeat(np.arange(len(trees)), sizes)
        node = np.concatenate([np.arange(size) for size in sizes])
        left, right, column, missing, value = (
            np.concatenate([getattr(tree, name) for tree in trees])
            for name in ("left", "right", "column", "missing_left", "value")
        )
        threshold = rounded_down(np.concatenate([tree.threshold for tree in trees]))
        leaf = left < 0
        return self.node(
            "TreeEnsembleRegressor",
            matrix,
            domain=ML,
            n_targets=1,
            aggregate_function="SUM",
            post_transform="NONE",
            nodes_treeids=each.tolist(),
            nodes_nodeids=node.tolist(),
            nodes_modes=["LEAF" if is_leaf else "BRANCH_LEQ" for is_leaf in leaf],
            nodes_featureids=np.where(leaf, 0, column).tolist(),
            nodes_values=np.where(leaf, 0, threshold).astype(np.float32).tolist(),
            nodes_truenodeids=np.where(leaf, 0, left).tolist(),
            nodes_falsenodeids=np.where(leaf, 0, right).tolist(),
            nodes_missing_value_tracks_true=np.where(leaf, 0, missing).astype(int).tolist(),
            nodes_hitrates=[1.0] * len(leaf),
            target_treeids=each[leaf].tolist(),
            target_nodeids=node[leaf].tolist(),
            target_ids=[0] * int(leaf.sum()),
            target_weights=value[leaf].astype(np.float32).tolist(),
        )

    def model(self, output: str, width: int, metadata: Mapping[str, str]) -> bytes:
        """The graph as an ONNX file: `features` float32 (rows, width) to `score` float32 (rows, 1)."""
        nodes = [*self._nodes, helper.make_node("Identity", [output], [OUTPUT], name=OUTPUT)]
        graph = helper.make_graph(
            nodes,
            "riskwave",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", width])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", 1])],
            initializer=self._constants,
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="riskwave")
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())
