"""The dbt project: where it is, and its models as compiled SQL."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from riskwave.errors import RiskwaveError

EPHEMERAL = "__dbt__cte__"
#: What a library of dbt's says of itself when a process of it ends by an error, after what went wrong.
_LEAKS = ("nanobind:", "- leaked ", "- ... skipped remainder", "See https://nanobind")


@dataclass(frozen=True)
class Model:
    """One dbt model, compiled for one engine.

    `sql` is the model's own statement: what it reads is named by bare model names, and no ephemeral model is inlined.
    """

    name: str
    sql: str
    materialized: str
    reads: tuple[str, ...]
    meta: dict[str, Any]

    @property
    def role(self) -> str:
        """What the embedded engine does with it: staging, tile, ahead, window, … or "" for nothing."""
        return str(self.meta.get("role", ""))


@dataclass(frozen=True)
class CompiledProject:
    """All models of the project, each after those it reads."""

    models: dict[str, Model]

    def of_role(self, role: str) -> list[Model]:
        """The models with `meta: {role: …}`, in order of dependency."""
        return [model for model in self.models.values() if model.role == role]


def project_dir() -> Path:
    """The folder of dbt_project.yml: RISKWAVE_PROJECT, else the working folder or one above, else this checkout's."""
    given = os.environ.get("RISKWAVE_PROJECT")
    if given:
        if not (Path(given) / "dbt_project.yml").is_file():
            raise RiskwaveError(f"RISKWAVE_PROJECT={given}: no dbt_project.yml there; name the folder that holds it")
        return Path(given)
    for folder in (Path.cwd(), *Path.cwd().parents, Path(__file__).parent.parent):
        file = folder / "dbt_project.yml"
        if file.is_file() and "name: riskwave" in file.read_text():
            return folder
    raise RiskwaveError("no dbt_project.yml here or above; run in a Riskwave checkout or set RISKWAVE_PROJECT")


def in_project(path: Path) -> Path:
    """A path from here, or from the project's folder where it is not there: `sql/top_rules.sql`, `rules/card`."""
    if path.exists() or path.is_absolute():
        return path
    try:
        shipped = project_dir() / path
    except RiskwaveError:
        return path
    return shipped if shipped.exists() else path


def run_dbt(arguments: list[str], *, environment: dict[str, str] | None = None) -> str:
    """Run dbt on the project, in a process of its own, and give what it printed.

    dbt keeps memory and locks of its own, which a long-running engine has no use for. Raises RiskwaveError with dbt's
    last lines when it fails.
    """
    folder = str(project_dir())
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments),
            *("--project-dir", folder, "--profiles-dir", folder, "--no-use-colors"),
        ],
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith(_LEAKS)]
        raise RiskwaveError(f"dbt {arguments[0]} failed: {' | '.join(lines[-12:])}")
    return done.stdout


def compiled_project(target: str = "duckdb") -> CompiledProject:
    """The project's models compiled for a target, from the cache in target/ while no file of the project changes."""
    folder = project_dir()
    cache = folder / "target" / "riskwave" / f"compiled-{target}-{_fingerprint(folder)}.json"
    if cache.is_file():
        return _from_nodes(json.loads(cache.read_text()))
    with tempfile.TemporaryDirectory() as scratch:
        arguments = [
            "compile",
            "--target",
            target,
            "--target-path",
            scratch,
            "--log-path",
            scratch,
            "--no-partial-parse",
        ]
        if target != "duckdb":
            arguments += ["--no-populate-cache", "--no-introspect"]
        run_dbt([*arguments, "--quiet"], environment={"RISKWAVE_DUCKDB": ":memory:"})
        manifest = json.loads((Path(scratch) / "manifest.json").read_text())
    nodes = [
        {
            "name": node["name"],
            "sql": own_sql(node["compiled_code"]),  # parsing it takes a second, at every start
            "materialized": node["config"]["materialized"],
            "depends_on": [name.split(".")[-1] for name in node["depends_on"]["nodes"] if name.startswith("model.")],
            "meta": node["config"].get("meta") or {},
        }
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node.get("compiled_code")
    ]
    keep(cache, json.dumps(nodes))
    return _from_nodes(nodes)


def keep(cache: Path, text: str) -> None:
    """Put a text where the next process finds it; where nothing can be written it is made anew each time."""
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        partial = cache.with_suffix(f".{os.getpid()}")
        partial.write_text(text)
        partial.replace(cache)


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256(version("sqlglot").encode())
    files = [folder / "dbt_project.yml", folder / "profiles.yml", Path(__file__)]
    for part in ("models", "macros"):
        files += sorted(path for path in (folder / part).rglob("*") if path.is_file())
    for path in files:
        digest.update(str(path.relative_to(folder) if path.is_relative_to(folder) else path.name).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _from_nodes(nodes: list[dict[str, Any]]) -> CompiledProject:
    waiting = {node["name"]: node for node in sorted(nodes, key=lambda node: str(node["name"]))}
    models: dict[str, Model] = {}
    while waiting:
        ready = [name for name, node in waiting.items() if all(read not in waiting for read in node["depends_on"])]
        if not ready:
            raise RiskwaveError(f"the models {', '.join(sorted(waiting))} read one another in a circle")
        for name in ready:
            node = waiting.pop(name)
            models[name] = Model(
                name=name,
                sql=node["sql"],
                materialized=node["materialized"],
                reads=tuple(node["depends_on"]),
                meta=node["meta"],
            )
    return CompiledProject(models)


def own_sql(compiled: str) -> str:
    """A model's compiled SQL without the ephemeral models dbt put in front, and with bare names for what it reads."""
    statement = sqlglot.parse_one(compiled, read="duckdb")
    head = statement.args.get("with_") or statement.args.get("with")
    if head is not None:
        kept = [cte for cte in head.expressions if not cte.alias.startswith(EPHEMERAL)]
        if kept:
            head.set("expressions", kept)
        else:
            head.pop()
    for table in statement.find_all(exp.Table):
        if table.args.get("db") is not None or table.name.startswith(EPHEMERAL):
            named_by = table.alias
            table.set("db", None)
            table.set("catalog", None)
            table.set("this", exp.to_identifier(table.name.removeprefix(EPHEMERAL)))
            if named_by:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(named_by)))
    return statement.sql(dialect="duckdb")
