"""Gradient boosting: LightGBM's trees on the encoded columns, missing values included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import lightgbm as lgb
import numpy as np

from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms.base import Training
from riskwave.scoring.graph import Graph, Tree
from riskwave.scoring.values import Flags, Matrix, Params, Scores

LEAST_FRAUDS = 10


@dataclass(frozen=True)
class Boosted:
    """A booster; its margin is the log-odds of fraud."""

    booster: lgb.Booster

    def margin(self, matrix: Matrix) -> Scores:
        """The sum of the trees."""
        return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=1), np.float64)

    def draw(self, graph: Graph, matrix: str) -> str:
        """The same trees."""
        return graph.trees(matrix, trees_of(self.booster))

    @property
    def gain(self) -> Scores:
        """What each column's splits gained."""
        return np.asarray(self.booster.feature_importance("gain"), np.float64)


class Boosting:
    """LightGBM, stopped when the average precision on the validation part no longer rises."""

    name = "boosting"
    needs_labels = True
    defaults: ClassVar[Params] = {
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_data_in_leaf": 40,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "lambda_l2": 10.0,
        "rounds": 300,
        "patience": 40,
    }
    choices: ClassVar[Mapping[str, Sequence[Any]]] = {
        "learning_rate": (0.03, 0.05, 0.1, 0.15),
        "num_leaves": (7, 15, 31, 63),
        "min_data_in_leaf": (10, 20, 40, 80, 160),
        "feature_fraction": (0.3, 0.5, 0.8),
        "bagging_fraction": (0.6, 0.8, 1.0),
        "lambda_l2": (1.0, 10.0, 50.0),
    }

    def fit(self, training: Training, params: Params) -> Boosted:
        """Boost. Raises RiskwaveError when too few frauds are known in either part."""
        return Boosted(boost(training, params))


def boost(
    training: Training,
    params: Params,
    *,
    matrix: Matrix | None = None,
    valid: Matrix | None = None,
    before: lgb.Booster | None = None,
) -> lgb.Booster:
    """A booster on the training's samples, or on other columns of the same events; before: one whose trees come
    first."""
    require_frauds(training.train.fraud, "train")
    require_frauds(training.valid.fraud, "valid")
    settings = {name: value for name, value in params.items() if name not in ("rounds", "patience")}
    settings |= {
        "objective": "binary",
        "metric": "average_precision",
        "bagging_freq": 1,
        "seed": training.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": training.threads,
        "verbosity": -1,
    }
    learned = lgb.Dataset(training.train.matrix if matrix is None else matrix, training.train.fraud.astype(np.int8))
    tuned = learned.create_valid(
        training.valid.matrix if valid is None else valid, training.valid.fraud.astype(np.int8)
    )

    def tell(state: Any) -> None:
        if state.iteration % 50 == 0:
            training.say(f"boosting: {state.iteration} trees")

    return lgb.train(
        settings,
        learned,
        params["rounds"],
        valid_sets=[tuned],
        init_model=before,
        callbacks=[lgb.early_stopping(params["patience"], verbose=False), tell],
    )


def require_frauds(fraud: Flags, part: str) -> None:
    """Raises RiskwaveError when fewer than LEAST_FRAUDS frauds are known."""
    if int(fraud.sum()) < LEAST_FRAUDS:
        raise RiskwaveError(
            f"{int(fraud.sum())} known frauds in the part for {part}, at least {LEAST_FRAUDS} are needed to learn from "
            "labels; give a longer history, or an algorithm that needs none (isolation_forest, vae)"
        )


def trees_of(booster: lgb.Booster) -> list[Tree]:
    """The trees up to the best round."""
    dumped = booster.dump_model(num_iteration=booster.best_iteration or -1)
    return [_tree(info["tree_structure"]) for info in dumped["tree_info"]]


def _tree(root: dict[str, Any]) -> Tree:
    nodes: list[dict[str, Any]] = []

    def number(node: dict[str, Any]) -> int:
        place = len(nodes)
        nodes.append(node)
        if "left_child" in node:
            node["left_place"] = number(node["left_child"])
            node["right_place"] = number(node["right_child"])
        return place

    number(root)
    split = ["left_child" in node for node in nodes]
    return Tree(
        column=np.array([node.get("split_feature", 0) for node in nodes], np.int64),
        threshold=np.array([node.get("threshold", 0.0) for node in nodes], np.float64),
        left=np.array([node.get("left_place", -1) for node in nodes], np.int64),
        right=np.array([node.get("right_place", -1) for node in nodes], np.int64),
        missing_left=np.array([is_split and _missing_left(node) for node, is_split in zip(nodes, split, strict=True)]),
        value=np.array([node.get("leaf_value", 0.0) for node in nodes], np.float64),
    )


def _missing_left(node: dict[str, Any]) -> bool:
    # A column that was never missing in training is read as 0 where it is missing.
    return bool(node["default_left"]) if node["missing_type"] == "NaN" else node["threshold"] >= 0.0
