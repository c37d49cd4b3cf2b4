"""A folder of models online, made without a registry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from riskwave.scoring.routes import Routes, Served, read_routes, write_routes, write_whole
from riskwave.scoring.train import Model, export


def file_of(model: Model, version: str) -> bytes:
    """The model's ONNX file under a version."""
    return export(model.trained, replace(model.card, version=version))


def serve(folder: Path, files: Mapping[str, bytes], *, online: tuple[str, ...], **said: Any) -> Routes:
    """Put versions online by their ONNX files, as riskwave.scoring.rollout does."""
    versions = []
    for version, content in files.items():
        digest = hashlib.sha256(content).hexdigest()
        file = f"card-{version}-{digest[:12]}.onnx"
        write_whole(folder / file, content)
        versions.append(Served(version, file, digest, 0.5))
    before = read_routes(folder, "card")
    routes = Routes(
        name="card",
        revision=before.revision + 1 if before else 1,
        changed="2026-01-31T00:00:00+00:00",
        online=online,
        weights=said.pop("weights", (1.0,) * len(online)),
        versions=tuple(versions),
        **said,
    )
    write_routes(folder, routes)
    return routes
