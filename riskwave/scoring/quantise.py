"""Smaller models: weights of matrix products as 8-bit whole numbers, where the scores rank frauds no worse."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
from sklearn.metrics import average_precision_score

from riskwave.scoring.scorer import Scorer
from riskwave.scoring.values import Sample

#: What onnxruntime can quantise: trees are comparisons, they have no such weights.
QUANTISABLE = {"MatMul", "Gemm", "LSTM"}
#: Average precision that may be lost and still be called no worse.
SLACK = 0.001


def quantised(onnx_file: bytes, valid: Sample) -> bytes | None:
    """The model with 8-bit weights; None when it has none to quantise, or is worse, or is not smaller.

    Worse: on the validation part it loses more than SLACK of average precision, or without frauds there the order of
    its scores agrees with the full model's by less than 0.999.
    """
    model = onnx.load_from_string(onnx_file)
    if not any(node.op_type in QUANTISABLE for node in model.graph.node):
        return None
    small = _quantise(onnx_file)
    if len(small) >= len(onnx_file):
        return None
    full, less = Scorer(onnx_file).score_matrix(valid.matrix), Scorer(small).score_matrix(valid.matrix)
    if valid.fraud.any():
        lost = average_precision_score(valid.fraud, full) - average_precision_score(valid.fraud, less)
        return small if lost <= SLACK else None
    ranks = [np.argsort(np.argsort(scores)).astype(np.float64) for scores in (full, less)]
    return small if float(np.corrcoef(ranks[0], ranks[1])[0, 1]) >= 0.999 else None


def _quantise(onnx_file: bytes) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as scratch:
        full, small = Path(scratch) / "full.onnx", Path(scratch) / "small.onnx"
        full.write_bytes(onnx_file)
        # It advises on the root logger to preprocess the model, which for these graphs changes nothing.
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.ERROR)
        try:
            quantize_dynamic(full, small, weight_type=QuantType.QInt8)
        finally:
            root.setLevel(level)
        # The card travels with the model.
        made = onnx.load(small)
        onnx.helper.set_model_props(
            made, {entry.key: entry.value for entry in onnx.load_from_string(onnx_file).metadata_props}
        )
        return bytes(made.SerializeToString())
