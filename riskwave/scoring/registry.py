"""The registry of models: MLflow, by default in one SQLite file with a folder beside it."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from riskwave.errors import RiskwaveError
from riskwave.scoring.algorithms.base import Trained
from riskwave.scoring.match import mismatches
from riskwave.scoring.scorer import METADATA, Card, Scorer
from riskwave.scoring.state import of_bytes, to_bytes
from riskwave.scoring.versions import next_version, parts_of
from riskwave.watch.reference import Reference

if TYPE_CHECKING:
    from riskwave.scoring.train import Model

DEFAULT = "riskwave.models.db"
EXPERIMENT = "riskwave"
ONLINE = "online"
#: How a version goes on: to the next of these, and from any of them to retired.
STATES = ("dev", "test", ONLINE, "retired")
FILE, SMALL = "model.onnx", "model.int8.onnx"
#: What its training window looked like.
REFERENCE = "reference.json"
#: The trained model itself, to learn on from and to explain by.
TRAINED = "trained.zip"
#: The registered model's tag with its versions that were online, the last one the one that is.
_STACK = "online_versions"
#: A version's tag with the state that it was retired from by hand.
_FROM = "retired_from"


@dataclass(frozen=True)
class Version:
    """One version of a model in the registry. `file` is its ONNX file, `small` the quantised one where there is one,
    `parent` the version it learned on from."""

    name: str
    version: str
    state: str
    algorithm: str
    created: str
    file: Path
    small: Path | None
    params: dict[str, Any]
    window: dict[str, Any]
    metrics: dict[str, Any]
    valid: dict[str, Any]
    features: tuple[str, ...]
    sql_hash: str
    threshold: float
    pictures: tuple[Path, ...]
    parent: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        said = asdict(self)
        said["file"], said["small"] = str(self.file), str(self.small) if self.small else None
        said["pictures"] = [str(path) for path in self.pictures]
        return said


class Registry:
    """Models by name and version. Several processes may have one open."""

    def __init__(self, where: str = DEFAULT, artifacts: Path | None = None) -> None:
        """Open a registry, and make it when it is not there.

        where: a SQLite file, or a DSN of MLflow's such as postgresql://…; artifacts: the folder for the models'
        files, by default the SQLite file's name without its ending. Raises RiskwaveError when it cannot be opened.
        """
        if "://" in where and artifacts is None:
            raise RiskwaveError(f"{where}: the models' files need a folder; give --artifacts DIR")
        path = Path(where)
        self.artifacts = (artifacts or path.with_suffix("")).absolute()
        self.name = where
        self._uri = where.replace("postgresql://", "postgresql+psycopg://", 1)
        if "://" not in where:
            if not path.absolute().parent.is_dir():
                raise RiskwaveError(f"{where}: there is no folder {path.parent} to put the registry in; make it first")
            self._uri = f"sqlite:///{path.absolute()}"
        self._client = _open(self._uri, where)

    def add(self, model: Model) -> Version:
        """Take a trained model in, as a new version in state dev."""
        client, name = self._client, model.plan.name
        latest = self._latest(name)
        version = next_version(
            latest.version if latest else None,
            features_changed=latest is not None and latest.features != model.card.encoder.features,
            method_changed=latest is not None
            and (latest.algorithm, latest.params) != (model.plan.algorithm, json.loads(json.dumps(model.params))),
        )
        experiment = client.get_experiment_by_name(EXPERIMENT)
        experiment_id = (
            experiment.experiment_id
            if experiment
            else client.create_experiment(EXPERIMENT, artifact_location=self.artifacts.as_uri())
        )
        run = client.create_run(experiment_id, run_name=f"{name} {version}").info
        for key, value in {**model.params, "algorithm": model.plan.algorithm, "seed": model.plan.seed}.items():
            client.log_param(run.run_id, key, value)
        said = {"window": model.window, "features": model.card.encoder.features, "sql_hash": model.card.sql_hash}
        for key, told in said.items():
            client.set_tag(run.run_id, key, told if isinstance(told, str) else json.dumps(told))
        for part, metrics in (("valid", model.valid), ("test", model.test)):
            for key, value in metrics.as_dict().items():
                if value is not None:
                    client.log_metric(run.run_id, f"{part}_{key}", float(value))
        with tempfile.TemporaryDirectory() as scratch:
            for file in _files(model, version, Path(scratch)):
                client.log_artifact(run.run_id, str(file))
        client.set_terminated(run.run_id)
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        client.create_model_version(
            name,
            source=f"{self.artifacts.as_uri()}/{run.run_id}/artifacts",
            run_id=run.run_id,
            tags={"version": version, "state": "dev"},
        )
        return self.get(name, version)

    def versions(self, name: str | None = None) -> list[Version]:
        """All versions, of one model or of all, by name and version."""
        found = self._client.search_model_versions(f"name = '{_plain(name)}'" if name else None)
        stacks = {one: self._stack(one) for one in {item.name for item in found}}
        made = [self._version(item, stacks[item.name]) for item in found if "version" in item.tags]
        return sorted(made, key=lambda version: (version.name, parts_of(version.version)))

    def get(self, name: str, version: str) -> Version:
        """One version: its number, `online`, or `latest`. Raises RiskwaveError when there is none."""
        known = self.versions(name)
        if not known:
            raise self._unknown(name)
        if version == "latest":
            return known[-1]
        for one in known:
            if version == one.version or (version == ONLINE and one.state == ONLINE):
                return one
        raise RiskwaveError(
            f"{self.name}: no version {version} of model {name}; there are "
            f"{', '.join(f'{one.version} ({one.state})' for one in known)}"
        )

    def scorer(self, name: str, version: str = ONLINE, *, small: bool = False, threads: int = 1) -> Scorer:
        """A version ready to score, quantised when asked for and there."""
        found = self.get(name, version)
        return Scorer.load(found.small if small and found.small else found.file, threads=threads)

    def reference(self, name: str, version: str = ONLINE) -> Reference:
        """What a version's training window looked like. Raises RiskwaveError when it was kept without."""
        found = self.get(name, version)
        try:
            return Reference.of_text((found.file.parent / REFERENCE).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError) as error:
            raise RiskwaveError(
                f"model {name} {found.version}: what its training window looked like is not kept with it; train it anew"
            ) from error

    def trained(self, name: str, version: str = ONLINE) -> Trained:
        """A version as it was trained, for learning on and for explaining. Raises RiskwaveError when it is not kept."""
        found = self.get(name, version)
        try:
            content = (found.file.parent / TRAINED).read_bytes()
        except OSError as error:
            raise RiskwaveError(f"model {name} {found.version}: was kept without {TRAINED}; train it anew") from error
        return of_bytes(content, f"model {name} {found.version}")

    def publish(self, name: str, version: str) -> Version:
        """From dev to test: it loads, scores, and its features are those of the catalogue."""
        found = self._move(name, version, "dev", "test")
        self.check(found)
        self._tag(found, "test")
        return self.get(name, found.version)

    def promote(self, name: str, version: str) -> Version:
        """From test, or retired, to online; the one that was online is retired.

        Raises RiskwaveError when its features are not those of the catalogue, and when it was never published.
        """
        found = self._move(name, version, "test", ONLINE, "retired")
        self.published(found)
        self.check(found)
        self._put_online([*(one for one in self._stack(name) if one != found.version), found.version], name)
        return self.get(name, found.version)

    def rollback(self, name: str) -> Version:
        """The version that was online before goes online again. Raises RiskwaveError when there was none."""
        stack = self._stack(name)
        if len(stack) < 2:
            raise RiskwaveError(f"{self.name}: model {name} has no version that was online before; promote one")
        self.check(self.get(name, stack[-2]))
        self._put_online(stack[:-1], name)
        return self.get(name, stack[-2])

    def retire(self, name: str, version: str) -> Version:
        """From any state but online to retired. What is tried beside the one online: see Rollout.retire."""
        found = self.get(name, version)
        if found.state == ONLINE:
            raise RiskwaveError(f"model {name} {found.version} is online; promote another, or roll back, first")
        if found.state != "retired":
            self._client.set_model_version_tag(name, self._number(found).version, _FROM, found.state)
            self._tag(found, "retired")
        return self.get(name, found.version)

    def published(self, version: Version) -> None:
        """Raises RiskwaveError for a version that nobody ever published: one in dev, or retired from there."""
        called = f"model {version.name} {version.version}"
        if version.state == "dev":
            raise RiskwaveError(f"{called} is in state dev; publish it first")
        if version.state == "retired" and self._number(version).tags.get(_FROM) == "dev":
            raise RiskwaveError(f"{called} was retired before it was published; train it anew, and publish that")

    def check(self, version: Version) -> None:
        """Raises RiskwaveError when a version does not load, or its features are not those of the catalogue."""
        card = Scorer.load(version.file).card
        if found := mismatches(card):
            raise RiskwaveError(
                f"model {version.name} {version.version} does not match the catalogue: {'; '.join(found)}; "
                "train it anew"
            )

    def told(self, name: str, key: str) -> str | None:
        """What was told of a model under a key."""
        return self._client.get_registered_model(name).tags.get(key) if self.versions(name) else None

    def tell(self, name: str, key: str, text: str) -> None:
        """Keep a text with a model."""
        self._client.set_registered_model_tag(name, key, text)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _move(self, name: str, version: str, at: str, to: str, also: str = "") -> Version:
        found = self.get(name, version)
        if found.state not in (at, also):
            raise RiskwaveError(f"model {name} {found.version} is in state {found.state}; only {at} goes to {to}")
        return found

    def _put_online(self, stack: list[str], name: str) -> None:
        # One row says which version is online: whoever reads sees the one or the other.
        self._client.set_registered_model_tag(name, _STACK, json.dumps(stack))
        for one in self.versions(name):
            if one.version == stack[-1]:
                self._tag(one, ONLINE)
            elif self._number(one).tags["state"] == ONLINE:
                self._tag(one, "retired")

    def _latest(self, name: str) -> Version | None:
        known = self.versions(name)
        return known[-1] if known else None

    def _unknown(self, name: str) -> RiskwaveError:
        return RiskwaveError(f"{self.name}: no model {name}; train one with `riskwave models train --name {name}`")

    def _stack(self, name: str) -> list[str]:
        found = self._client.search_registered_models(f"name = '{_plain(name)}'")
        if not found:
            raise self._unknown(name)
        said = found[0].tags.get(_STACK)
        return list(json.loads(said)) if said else []

    def _number(self, version: Version) -> Any:
        found = self._client.search_model_versions(f"name = '{_plain(version.name)}'")
        return next(item for item in found if item.tags.get("version") == version.version)

    def _tag(self, version: Version, state: str) -> None:
        self._client.set_model_version_tag(version.name, self._number(version).version, "state", state)

    def _version(self, item: Any, stack: list[str]) -> Version:
        folder = self.artifacts / item.run_id / "artifacts"
        try:
            said = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RiskwaveError(
                f"{folder}: the files of model {item.name} {item.tags['version']} cannot be read ({error}); "
                "give the folder the registry was made with as --artifacts"
            ) from error
        state = item.tags["state"]
        if stack and stack[-1] == item.tags["version"]:
            state = ONLINE
        elif state == ONLINE:
            state = "retired"
        return Version(
            state=state,
            file=folder / FILE,
            small=folder / SMALL if (folder / SMALL).is_file() else None,
            features=tuple(said.pop("features")),
            pictures=tuple(sorted(folder.glob("*.png"))),
            **said,
        )


def _files(model: Model, version: str, folder: Path) -> list[Path]:
    """What is kept of a model, with its version written into its ONNX files."""
    from riskwave.scoring.curves import draw_curves

    card = replace(model.card, version=version)
    kept = [folder / FILE]
    kept[0].write_bytes(with_card(model.onnx, card))
    if model.int8 is not None:
        kept.append(folder / SMALL)
        kept[-1].write_bytes(with_card(model.int8, card))
    said = {
        "name": card.name,
        "version": version,
        "algorithm": card.algorithm,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "params": model.params,
        "window": model.window,
        "metrics": model.test.as_dict(),
        "valid": model.valid.as_dict(),
        "features": list(card.encoder.features),
        "sql_hash": card.sql_hash,
        "threshold": card.threshold,
        "parent": model.parent,
    }
    kept.append(folder / "model.json")
    kept[-1].write_text(json.dumps(said, indent=2), encoding="utf-8")
    kept.append(folder / TRAINED)
    kept[-1].write_bytes(to_bytes(model.trained))
    kept.append(folder / REFERENCE)
    kept[-1].write_text(model.reference.as_text(), encoding="utf-8")
    return kept + draw_curves(replace(model, card=card), folder)


def with_card(onnx_file: bytes, card: Card) -> bytes:
    """The ONNX file of a model with another card in it."""
    model = onnx.load_from_string(onnx_file)
    onnx.helper.set_model_props(model, {METADATA: card.as_text()})
    return bytes(model.SerializeToString())


def _plain(name: str) -> str:
    if "'" in name:
        raise RiskwaveError(f"{name}: a model's name has no quotes")
    return name


def _open(uri: str, where: str) -> Any:
    # MLflow reports its use to its makers unless told not to; a registry of risk models tells nobody.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from sqlalchemy.exc import SQLAlchemyError

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

    try:
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_registered_models(max_results=1)
    except (MlflowException, SQLAlchemyError) as error:
        text = str(error).splitlines()[0]
        raise RiskwaveError(f"{where}: cannot be opened as a registry of models ({text})") from error
    return client
