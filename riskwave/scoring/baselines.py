"""What the models are held against: scikit-learn's classics on a payment's own columns, without any window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from riskwave.catalogue import load_catalogue
from riskwave.scoring.encoding import Encoder, learn_encoder
from riskwave.scoring.history import History
from riskwave.scoring.split import Split
from riskwave.scoring.values import Flags, Scores

NAMES = ("logistic_regression", "random_forest")


class Baseline:
    """One of NAMES, on the columns of the payment itself: gaps filled, categories one column a value."""

    def __init__(self, name: str, history: History, split: Split, seed: int) -> None:
        """Fit on the training part."""
        own = [feature for feature in load_catalogue() if feature.entity == "event"]
        learned, fraud = history.part(split.train), history.known_frauds(split.as_of)[split.train]
        self.name = name
        encoder = learn_encoder(own, learned.events, fraud)
        matrix = encoder.encode(learned.events)
        there = [place for place in range(matrix.shape[1]) if not np.isnan(matrix[:, place]).all()]
        self._encoder = encoder.keep(there)
        self._pipeline = _pipeline(name, self._encoder, seed)
        self._pipeline.fit(matrix[:, there], fraud)

    def score(self, table: pa.Table) -> Scores:
        """Probabilities of fraud, (rows,)."""
        return np.asarray(self._pipeline.predict_proba(self._encoder.encode(table))[:, 1], np.float64)


def _pipeline(name: str, encoder: Encoder, seed: int) -> Any:
    categories = encoder.of("category")
    numbers = [place for place in range(len(encoder.columns)) if place not in set(categories)]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (
                "categories",
                make_pipeline(
                    SimpleImputer(strategy="constant", fill_value=-1), OneHotEncoder(handle_unknown="ignore")
                ),
                categories,
            ),
        ]
    )
    if name == "logistic_regression":
        return make_pipeline(columns, LogisticRegression(max_iter=2000))
    return make_pipeline(columns, RandomForestClassifier(100, min_samples_leaf=3, random_state=seed, n_jobs=1))


def known(fraud: Flags) -> bool:
    """Whether there is something for a classifier to learn."""
    return bool(fraud.any() and not fraud.all())
