"""Curves of a model as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

if TYPE_CHECKING:
    from riskwave.scoring.train import Model


def draw_curves(model: Model, folder: Path) -> list[Path]:
    """Write roc.png, precision_recall.png and scores.png of the events that were measured on; none without frauds."""
    fraud, scores = model.fraud, model.scores
    if not fraud.any() or fraud.all():
        return []
    title = f"{model.plan.name} {model.card.version}, {model.plan.algorithm}"
    false, true, _ = roc_curve(fraud, scores)
    roc = _figure(f"{title}: AUC {model.test.auc:.3f}", "false-positive rate", "recall")
    axes = roc.axes[0]
    axes.plot(np.maximum(false, 1e-4), true, color="#1f5fa8")
    axes.set_xscale("log")
    axes.set_xlim(1e-4, 1)
    axes.axvline(model.plan.target_fpr, color="#b0413e", linestyle="--", label=f"target {model.plan.target_fpr:.2%}")
    axes.legend(loc="lower right")

    precision, recall, _ = precision_recall_curve(fraud, scores)
    curve = _figure(f"{title}: average precision {model.test.average_precision:.3f}", "recall", "precision")
    curve.axes[0].plot(recall, precision, color="#1f5fa8")
    curve.axes[0].set_ylim(0, 1.02)

    spread = _figure(f"{title}: scores", "score", "share of events")
    bins = np.linspace(0, 1, 51).tolist()
    for rows, colour, name in ((~fraud, "#7a8794", "legitimate"), (fraud, "#b0413e", "fraud")):
        weights = np.full(int(rows.sum()), 1 / rows.sum())
        spread.axes[0].hist(scores[rows], bins, weights=weights, color=colour, alpha=0.6, label=name)
    spread.axes[0].axvline(model.card.threshold, color="black", linestyle="--", label="threshold")
    spread.axes[0].set_yscale("log")
    spread.axes[0].legend()

    files = []
    for figure, name in ((roc, "roc.png"), (curve, "precision_recall.png"), (spread, "scores.png")):
        files.append(folder / name)
        figure.savefig(folder / name)
    return files


def _figure(title: str, x: str, y: str) -> Figure:
    figure = Figure(figsize=(6, 4.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    return figure
