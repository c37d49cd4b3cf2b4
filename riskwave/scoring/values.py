"""Arrays that travel between the parts of scoring, and what training says while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Encoded features: float32, (events, columns of the encoder); NaN is "not known".
Matrix: TypeAlias = NDArray[np.float32]
#: A number an event.
Scores: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
#: Hyper-parameters by name.
Params: TypeAlias = dict[str, Any]
#: Names of an ONNX file's input, a Matrix, and of its output, float32 (rows, 1).
INPUT, OUTPUT = "features", "score"
#: Told as training goes on: a few words on what is being done.
Say: TypeAlias = Callable[[str], None]


@dataclass(frozen=True)
class Sample:
    """Encoded events in order of time, and which of them are known frauds.

    `labelled` is false where the history has no labels at all: then `fraud` says nothing.
    """

    matrix: Matrix
    fraud: Flags
    labelled: bool = True

    def __len__(self) -> int:
        return len(self.fraud)

    def without_frauds(self) -> Matrix:
        """The events that are not known to be fraud: what an anomaly detector learns as ordinary."""
        return self.matrix[~self.fraud]
