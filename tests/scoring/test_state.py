"""A trained model as a file: the same margins in another process, and nothing in it that could run."""

from __future__ import annotations

import zipfile
from io import BytesIO

import numpy as np
import pytest

from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms import ALGORITHMS
from riskwave.scoring.state import of_bytes, to_bytes
from riskwave.scoring.train import Prepared
from tests.scoring.conftest import QUICK


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_model_is_the_same_when_it_is_read_again(name: str, prepared: Prepared) -> None:
    algorithm = ALGORITHMS[name]()
    trained = algorithm.fit(prepared.training, {**algorithm.defaults, **QUICK[name]})
    content = to_bytes(trained)
    again = of_bytes(content)
    matrix = prepared.training.valid.matrix
    assert np.allclose(again.margin(matrix), trained.margin(matrix), rtol=0, atol=1e-12)
    assert to_bytes(again) == content
    assert {entry.rpartition(".")[2] for entry in zipfile.ZipFile(BytesIO(content)).namelist()} <= {"json", "npy"}


def test_another_file_is_refused() -> None:
    with pytest.raises(RiskwaveError, match=r"card 1\.0\.0: no model that"):
        of_bytes(b"something else", "card 1.0.0")
