"""A trained model as a file, to be learned on from and explained by in another process: arrays and text, never code."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import fields, is_dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms.base import Calibration, OnScale, Trained
from riskwave.scoring.algorithms.boosting import Boosted
from riskwave.scoring.algorithms.forest import Isolated
from riskwave.scoring.algorithms.hybrid import Forecast, Seasoned
from riskwave.scoring.algorithms.lstm import Sequenced
from riskwave.scoring.algorithms.one_class import Bounded
from riskwave.scoring.algorithms.vae import Described
from riskwave.scoring.algorithms.voting import Voted
from riskwave.scoring.graph import Tree
from riskwave.scoring.preparation import Filling, Scaling

_KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(Boosted, Seasoned, Forecast, Isolated, Tree, Bounded, Described, Sequenced, Voted),
        *(Calibration, Filling, Scaling, OnScale),
    )
}
_TREE = "tree.json"


def to_bytes(trained: Trained) -> bytes:
    """The file of a trained model."""
    arrays: list[np.ndarray] = []

    def said(value: Any) -> Any:
        if isinstance(value, lgb.Booster):
            return {"booster": value.model_to_string(num_iteration=value.best_iteration or -1)}
        if is_dataclass(value):
            own = {field.name: said(getattr(value, field.name)) for field in fields(value)}
            return {"kind": type(value).__name__, "fields": own}
        if isinstance(value, tuple):
            return {"tuple": [said(each) for each in value]}
        if isinstance(value, dict):
            return {"dict": {name: said(each) for name, each in value.items()}}
        if isinstance(value, (str, int, float)) or value is None:
            return value
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1}

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        # The time of writing is left out: the same model gives the same file.
        tree = said(trained)
        for name, content in (
            (_TREE, json.dumps(tree).encode()),
            *((f"{n}.npy", _npy(a)) for n, a in enumerate(arrays)),
        ):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def of_bytes(content: bytes, name: str = "model") -> Trained:
    """The model of a file that `to_bytes` made. Raises RiskwaveError when it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            tree = json.loads(archive.read(_TREE))

            def made(said: Any) -> Any:
                if not isinstance(said, dict):
                    return said
                if "array" in said:
                    return np.load(io.BytesIO(archive.read(f"{said['array']}.npy")), allow_pickle=False)
                if "booster" in said:
                    return lgb.Booster(model_str=said["booster"])
                if "tuple" in said:
                    return tuple(made(each) for each in said["tuple"])
                if "dict" in said:
                    return {key: made(each) for key, each in said["dict"].items()}
                return _KINDS[said["kind"]](**{key: made(each) for key, each in said["fields"].items()})

            trained: Trained = made(tree)
            return trained
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, lgb.basic.LightGBMError) as error:
        raise RiskwaveError(f"{name}: no model that `riskwave models train` kept ({error})") from error


def _npy(array: np.ndarray) -> bytes:
    made = io.BytesIO()
    np.save(made, array, allow_pickle=False)
    return made.getvalue()
