"""A folder of models online, made without a registry, and a server of it."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from riskwave.project import project_dir
from riskwave.scoring.routes import Routes, Served, read_routes, write_routes, write_whole
from riskwave.scoring.scorer import METADATA, Card
from riskwave.scoring.train import Model, export


def file_of(model: Model, version: str) -> bytes:
    """The model's ONNX file under a version."""
    return export(model.trained, replace(model.card, version=version))


def renumbered(file: bytes, version: str) -> bytes:
    """The same model's file under another version."""
    model = onnx.load_from_string(file)
    card = Card.of_text(next(each.value for each in model.metadata_props if each.key == METADATA))
    onnx.helper.set_model_props(model, {METADATA: replace(card, version=version).as_text()})
    return bytes(model.SerializeToString())


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


@contextmanager
def serving(folder: Path, port: int = 0, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running `python -m udf`, and its address; more: options."""
    with started(folder, "--listen", f"127.0.0.1:{port}", *more) as (process, addresses):
        yield process, addresses[0]


@contextmanager
def started(folder: Path, *options: str, key: str = "") -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The same with options of its own and a key, and all its addresses: Flight's, then gRPC's."""
    process = subprocess.Popen(
        [sys.executable, "-m", "udf", "--models", str(folder), *options],
        cwd=project_dir(),
        env={**os.environ, "RISKWAVE_SCORING_KEY": key},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("listening on "), said
        yield process, re.findall(r"[\d.]+:\d+", said)
    finally:
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()
