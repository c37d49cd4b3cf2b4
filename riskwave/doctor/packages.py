"""Python and its packages, against pyproject.toml's ranges and the versions of constraints.txt."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
from pathlib import Path

from packaging.requirements import Requirement

from riskwave.doctor.finding import Finding
from riskwave.errors import RiskwaveError
from riskwave.project import project_dir

LEAST_PYTHON = (3, 11)
#: What a package is for, where its name does not say.
ENABLES = {
    "confluent-kafka": "Kafka topics as sources",
    "dbt-core": "the models",
    "dbt-duckdb": "the models on DuckDB: embedded engine and batch",
    "dbt-postgres": "the base of dbt-risingwave",
    "dbt-risingwave": "the models on RisingWave",
    "fastapi": "the API (riskwave serve)",
    "httptools": "the API (riskwave serve)",
    "prometheus-client": "figures for Prometheus (/metrics)",
    "pyyaml": "rule packs, mappings, settings",
    "uvicorn": "the API (riskwave serve)",
    "uvloop": "the API (riskwave serve), faster",
    "duckdb": "the embedded engine, batch, state files",
    "numpy": "the embedded engine's index of keys",
    "packaging": "this command",
    "orjson": "JSON lines and Kafka messages as sources",
    "psycopg": "profiles, devices and labels from PostgreSQL; parity with RisingWave",
    "pyarrow": "Parquet and CSV, batches of rows",
    "pydantic": "the contracts",
    "sqlglot": "the join form of window models, lineage",
}
EXTRAS = {
    "alerts": "telling of alerts by mail, chat and SMS (riskwave alerts run)",
    "app": "the app that people work in (riskwave app)",
    "dev": "tests, lint and type checks (make test)",
    "grpc": "the scoring server over gRPC (python -m udf --grpc)",
    "models": "training scoring models (riskwave models)",
    "scoring": "scoring by the models online, without what training needs",
    "tracing": "traces by OpenTelemetry (OTEL_EXPORTER_OTLP_ENDPOINT)",
}


def python() -> Finding:
    """The interpreter that runs this."""
    ok = sys.version_info >= LEAST_PYTHON
    hint = "" if ok else f"install Python {'.'.join(map(str, LEAST_PYTHON))} or later"
    return Finding("Python", "Python", platform.python_version(), ok, True, "everything", hint)


def packages() -> list[Finding]:
    """What Riskwave runs on, a finding a package, and then what each extra brings, a finding an extra."""
    try:
        declared = importlib.metadata.requires("riskwave") or []
    except importlib.metadata.PackageNotFoundError:
        return [Finding("Python", "riskwave", "", False, True, "everything", "pip install -e .")]
    pinned = pins()
    found = []
    extras: dict[str, list[Requirement]] = {}
    for requirement in map(Requirement, declared):
        extra = _extra(requirement)
        if extra is None:
            found.append(_package(requirement, pinned))
        else:
            extras.setdefault(extra, []).append(requirement)
    return found + [_extra_finding(extra, wanted, pinned) for extra, wanted in extras.items()]


def pins() -> dict[str, str]:
    """Versions by package of the checkout's constraints.txt; none where there is no checkout."""
    try:
        file = project_dir() / "constraints.txt"
    except RiskwaveError:
        return {}
    return read_pins(file) if file.is_file() else {}


def read_pins(file: Path) -> dict[str, str]:
    """Versions by normalised package name of a file of `name==version` lines."""
    lines = (line.split("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return {_normal(name): version for name, _, version in (line.partition("==") for line in lines if line)}


def _extra(requirement: Requirement) -> str | None:
    marked = re.search(r"""extra == ["']([^"']+)["']""", str(requirement.marker or ""))
    return marked.group(1) if marked else None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version(requirement: Requirement) -> str | None:
    try:
        return importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package(requirement: Requirement, pinned: dict[str, str]) -> Finding:
    name = _normal(requirement.name)
    version = _version(requirement)
    ok = version is not None and requirement.specifier.contains(version, prereleases=True)
    hint = "" if ok else f"pip install -c constraints.txt '{requirement.name}{requirement.specifier}'"
    if ok and version != pinned.get(name, version):
        hint = f"works, but constraints.txt has {pinned[name]}"
    return Finding("Python", name, version or "", ok, True, ENABLES.get(name, "the command line"), hint)


def _extra_finding(extra: str, wanted: list[Requirement], pinned: dict[str, str]) -> Finding:
    checked = [_package(requirement, pinned) for requirement in wanted]
    lacking = [finding.name for finding in checked if not finding.ok]
    return Finding(
        "Python",
        f"extra {extra}",
        "" if lacking else f"{len(checked)} package{'s' if len(checked) > 1 else ''}",
        not lacking,
        False,
        EXTRAS.get(extra, f"what needs {', '.join(finding.name for finding in checked)}"),
        f"pip install -c constraints.txt -e '.[{extra}]' (lacking: {', '.join(lacking)})" if lacking else "",
    )
