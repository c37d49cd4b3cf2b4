"""Scores by the models online, in this process; a new version is loaded beside the old, and then takes over."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.scoring.given import Listed
from riskwave.scoring.layout import degraded, no_shadows, results, unscored
from riskwave.scoring.routes import Routes, Served, read_routes, routes_path
from riskwave.scoring.values import Scores

if TYPE_CHECKING:
    from riskwave.scoring.scorer import Scorer

log = logging.getLogger("riskwave")


@dataclass(frozen=True)
class Loaded:
    """Routes, and a scorer ready for each of their versions."""

    routes: Routes
    scorers: dict[str, Scorer]

    def score(self, given: Listed) -> pa.StructArray:
        """Results of events (RESULT)."""
        routes, rows = self.routes, given.rows
        scores: dict[str, Scores] = {}

        def of(version: str) -> Scores:
            if version not in scores:
                scorer = self.scorers[version]
                scores[version] = scorer.score_matrix(scorer.card.encoder.encode_given(given))
            return scores[version]

        took = routes.canaries(given.cards.to_pylist()) if routes.canary else np.zeros(rows, bool)
        if not took.any():
            chosen = self._voted([of(version) for version in routes.online])
            named: Any = pa.repeat(pa.scalar(routes.label), rows)
        elif routes.canary:
            # Only the cards of each are scored by it, except where the shadow needs all.
            chosen = np.empty(rows)
            for part, versions in ((~took, routes.online), (took, (routes.canary,))):
                if part.any():
                    chosen[part] = self._voted([self._part(version, given, part) for version in versions])
            named = pa.array(np.where(took, routes.canary_label, routes.label))
        shadows = _as_json(routes, {version: of(version) for version in routes.shadows}, rows)
        return results(pa.array(chosen), named, shadows)

    def _part(self, version: str, given: Listed, part: Any) -> Scores:
        scorer = self.scorers[version]
        return scorer.score_matrix(scorer.card.encoder.encode_given(given.some(part)))

    def _voted(self, scores: Sequence[Scores]) -> Scores:
        if len(scores) == 1:
            return scores[0]
        weights = self.routes.weights if len(scores) == len(self.routes.weights) else [1.0] * len(scores)
        return np.average(np.array(scores), axis=0, weights=weights)


class LocalScorer:
    """Scores events by what a folder says is online. Threads may share it."""

    def __init__(self, folder: Path, name: str, *, threads: int = 1) -> None:
        """Load what is online. Raises RiskwaveError when there is something that cannot be loaded."""
        self.folder, self.name = folder, name
        self._threads = threads
        self._path = routes_path(folder, name)
        self._stamp = self._seen()
        self._lock = threading.Lock()
        self._loading: threading.Thread | None = None
        self._upcoming: Loaded | None = None
        self.loaded = self._load(None)

    @property
    def routes(self) -> Routes | None:
        """What scores now; None where nothing was ever online."""
        return self.loaded.routes if self.loaded else None

    def __call__(self, given: Listed) -> pa.StructArray:
        """Results of events (RESULT); one call is answered by one revision."""
        loaded = self.loaded
        return loaded.score(given) if loaded else unscored(given.rows)

    def refresh(self) -> None:
        """Take up what was published: some microseconds while nothing was.

        A new version is loaded and warmed up on a thread, and takes over at the first call after that.
        """
        with self._lock:
            if self._loading is not None:
                if self._loading.is_alive():
                    return
                self._loading = None
                if self._upcoming is not None:
                    self.loaded, self._upcoming = self._upcoming, None
            stamp = self._seen()
            if stamp != self._stamp:
                self._stamp = stamp
                self._loading = threading.Thread(target=self._load_beside, name="riskwave-models", daemon=True)
                self._loading.start()

    def settle(self) -> None:
        """Wait until what is published scores."""
        self.refresh()
        while (loading := self._loading) is not None:
            loading.join()
            self.refresh()

    def _load_beside(self) -> None:
        try:
            self._upcoming = self._load(self.loaded)
        except Exception as error:
            log.warning("models of %s cannot be loaded, what was online goes on: %s", self._path, error)

    def _load(self, before: Loaded | None) -> Loaded | None:
        routes = read_routes(self.folder, self.name)
        if routes is None or not routes.online:
            return None
        kept = {scorer.digest: scorer for scorer in before.scorers.values()} if before else {}
        scorers: dict[str, Scorer] = {}
        for version in routes.active:
            served = routes.served(version)
            try:
                scorers[version] = kept.get(served.digest) or self._scorer(served)
            except RiskwaveError as error:
                if version in routes.online or version == routes.canary:
                    raise
                # A shadow acts on nothing: what does goes on without it.
                log.error("the shadow %s %s is left out: %s", self.name, version, error)
        shadows = tuple(version for version in routes.shadows if version in scorers)
        return Loaded(replace(routes, shadows=shadows), scorers)

    def _scorer(self, served: Served) -> Scorer:
        """A version ready to score. Raises RiskwaveError when its file is gone, or is not the one published."""
        file = self.folder / served.file
        back = f"`riskwave models deploy --online {self.folder}` puts it back"
        try:
            content = file.read_bytes()
        except OSError as error:
            raise RiskwaveError(f"{file}: the model's file cannot be read ({error.strerror}); {back}") from error
        if hashlib.sha256(content).hexdigest() != served.digest:
            raise RiskwaveError(f"{file}: is not the file that was published; {back}")
        return _scorer(content, file, self._threads)

    def _seen(self) -> tuple[int, int, int] | None:
        try:
            now = os.stat(self._path)  # noqa: PTH116 - half the time of Path.stat, once a batch
        except OSError:
            return None
        return now.st_mtime_ns, now.st_ino, now.st_size


def _scorer(content: bytes, file: Path, threads: int) -> Scorer:
    try:
        from riskwave.scoring.scorer import Scorer
    except ImportError as error:
        raise RiskwaveError(
            f"{file}: a model is online, and scoring needs onnxruntime: pip install -c constraints.txt -e '.[scoring]'"
        ) from error
    return Scorer(content, name=str(file), threads=threads)


def _as_json(routes: Routes, scores: dict[str, Scores], rows: int) -> pa.ListArray:
    """Each event's shadow scores as texts."""
    if not scores:
        return no_shadows(rows)
    heads = {version: json.dumps(f"{routes.name} {version}") for version in scores}
    texts = [
        f'{{"model_version": {heads[version]}, "model_score": {score!r}}}'
        for each in zip(*(map(float, column) for column in scores.values()), strict=True)
        for version, score in zip(scores, each, strict=True)
    ]
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * len(scores))
    return pa.ListArray.from_arrays(offsets, pa.array(texts, pa.string()))


def always_degraded(given: Listed) -> pa.StructArray:
    """Results where a model should be there and is not."""
    return degraded(given.rows)
