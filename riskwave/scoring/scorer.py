"""A model as it is served: its ONNX file, which also says how features become numbers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
from onnxruntime.capi import onnxruntime_pybind11_state as pybind_state

from riskwave.errors import RiskwaveError
from riskwave.scoring.encoding import Encoder
from riskwave.scoring.values import INPUT, OUTPUT, Matrix, Scores

#: The key of the ONNX file's metadata under which Riskwave keeps what it needs to score.
METADATA = "riskwave"
FORMAT = 1
#: What onnxruntime raises for a file that is none of its: classes without a common one.
_FAULTS: tuple[type[Exception], ...] = (
    *(kind for kind in vars(pybind_state).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    *(KeyError, TypeError, ValueError),  # of the card
)
#: Rows an ONNX run takes at once: more only costs memory.
ROWS = 65_536


@dataclass(frozen=True)
class Card:
    """What a model's file says of it, besides the network itself.

    features: name, type and unit of each feature it reads, as the catalogue had them; sql_hash: hash of the SQL that
    makes them; threshold: from which score on an event is flagged, for the false-positive rate it was chosen for.
    """

    name: str
    version: str
    algorithm: str
    encoder: Encoder
    features: tuple[tuple[str, str, str], ...]
    sql_hash: str
    threshold: float
    target_fpr: float

    def as_text(self) -> str:
        """As JSON has it."""
        said = {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "algorithm": self.algorithm,
            "encoder": self.encoder.as_dict(),
            "features": [list(feature) for feature in self.features],
            "sql_hash": self.sql_hash,
            "threshold": self.threshold,
            "target_fpr": self.target_fpr,
        }
        return json.dumps(said, sort_keys=True)

    @classmethod
    def of_text(cls, text: str) -> Card:
        """The card that `as_text` gave. Raises ValueError or KeyError when it is none of this format."""
        said = json.loads(text)
        if said.pop("format") != FORMAT:
            raise ValueError(f"expected format {FORMAT}")
        said["encoder"] = Encoder.of_dict(said["encoder"])
        said["features"] = tuple(tuple(feature) for feature in said["features"])
        return cls(**said)


class Scorer:
    """One version of a model, ready to score. Threads may share it."""

    def __init__(self, onnx_file: bytes, *, name: str = "model", threads: int = 1, warm: bool = True) -> None:
        """Load a model from the bytes of its ONNX file, and run it once.

        name: what errors call the file. Raises RiskwaveError when it is no model of Riskwave's.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # The counts of threads are what the caller asked for: waiting threads must not keep a core busy.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                onnx_file, sess_options=options, providers=["CPUExecutionProvider"]
            )
            said = self._session.get_modelmeta().custom_metadata_map
            self.card = Card.of_text(said[METADATA])
        except _FAULTS as error:
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RiskwaveError(f"{name}: no model that `riskwave models train` made ({text})") from error
        self.digest = hashlib.sha256(onnx_file).hexdigest()
        if warm:
            self.warm_up()

    @classmethod
    def load(cls, path: Path, *, threads: int = 1) -> Scorer:
        """Load a model from its file. Raises RiskwaveError when there is none."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RiskwaveError(f"{path}: cannot be read ({error.strerror}); name the ONNX file of a model") from error
        return cls(content, name=str(path), threads=threads)

    @property
    def version(self) -> str:
        """The model's version."""
        return self.card.version

    @property
    def features(self) -> tuple[str, ...]:
        """The columns of decision_input it reads."""
        return self.card.encoder.features

    @property
    def threshold(self) -> float:
        """From which score on an event is flagged."""
        return self.card.threshold

    def score(self, table: pa.Table) -> Scores:
        """Scores in [0, 1] of a table that has at least the features, (rows,), float64 of float32 numbers.

        Raises RiskwaveError when a feature is missing or of another type.
        """
        return self.score_matrix(self.card.encoder.encode(table))

    def score_matrix(self, matrix: Matrix) -> Scores:
        """Scores of features that are encoded already, (rows, columns)."""
        if not len(matrix):
            return np.empty(0)
        parts = [
            self._session.run([OUTPUT], {INPUT: matrix[start : start + ROWS]})[0]
            for start in range(0, len(matrix), ROWS)
        ]
        return np.concatenate(parts)[:, 0].astype(np.float64)

    def warm_up(self) -> None:
        """Run it on rows of which nothing is known, singly and together, so that the first caller does not wait."""
        width = len(self.card.encoder.columns)
        for rows in (1, 128):
            self.score_matrix(np.full((rows, width), np.nan, np.float32))
