"""Options that the commands of `riskwave models` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskwave.errors import RiskwaveError

if TYPE_CHECKING:
    from riskwave.scoring.registry import Registry

NameOption = Annotated[str, typer.Option(help="The model's name.")]
RegistryOption = Annotated[
    str, typer.Option("--registry", envvar="RISKWAVE_REGISTRY", help="A SQLite file, or a DSN such as postgresql://…")
]
ArtifactsOption = Annotated[
    Path | None, typer.Option(help="Folder of the models' files; beside the SQLite file by default.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
VersionArgument = Annotated[str, typer.Argument(help="1.2.0, latest or online.")]
DEFAULT_REGISTRY = "riskwave.models.db"


def open_registry(where: str, artifacts: Path | None, *, make: bool = False) -> Registry:
    """The registry; make: one that is not there is made.

    Raises RiskwaveError when it is not there and not to be made, and when the packages of models are not installed.
    """
    need_packages()
    if not make and not registry_there(where):
        raise RiskwaveError(
            f"{where}: no such registry of models; name the file of one, or make it by training a model: "
            "riskwave models train --algorithm boosting --history bank.duckdb"
        )
    from riskwave.scoring.registry import Registry

    return Registry(where, artifacts)


def registry_there(where: str) -> bool:
    """Whether there is a registry to look into: a server, or a file that exists."""
    return "://" in where or Path(where).is_file()


def need_packages() -> None:
    """Raises RiskwaveError when the packages of models are not installed."""
    from importlib.util import find_spec

    needed = (
        "lightgbm",
        "sklearn",
        "onnx",
        "onnxruntime",
        "jax",
        "mlflow",
        "river",
        "sqlalchemy",
        "alembic",
        "matplotlib",
    )
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise RiskwaveError(f"models need {', '.join(missing)}: pip install -c constraints.txt -e '.[models]'")
