"""The models' SQL as each engine gets it, compiled by dbt without a server."""

from __future__ import annotations

import json
import os
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
TARGETS = ("duckdb", "risingwave")
#: Generated: macros/ruleset has their text, and tests/rules holds it to the pack.
GENERATED = ("int_ruled", "rule_thresholds")
#: Variables that would show in what is compiled.
_FOREIGN = re.compile("RISINGWAVE_|RISKWAVE_|DBT_")


def compiled_models(target: str) -> dict[str, str]:
    """Every model's own SQL by its name, but for GENERATED; the ephemeral models dbt puts in front are left out."""
    models = [node for node in manifest(target)["nodes"].values() if node["resource_type"] == "model"]
    return {node["name"]: _tidy(_own(node)) for node in models if node["name"] not in GENERATED}


@cache
def manifest(target: str) -> dict[str, Any]:
    """What dbt compiles the project to for a target, with the variables' defaults."""
    kept = dict(os.environ)
    for name in [name for name in os.environ if _FOREIGN.match(name)]:
        del os.environ[name]
    os.environ.update({"RISKWAVE_DUCKDB": ":memory:", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})
    try:
        with tempfile.TemporaryDirectory() as scratch:
            command = ["compile", "--quiet", "--no-populate-cache", "--no-introspect", "--no-partial-parse"]
            command += ["--target", target]
            command += ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT)]
            command += ["--target-path", scratch, "--log-path", scratch, "--log-level-file", "none"]
            done = dbtRunner().invoke(command)
            assert done.success, done.exception
            found: dict[str, Any] = json.loads((Path(scratch) / "manifest.json").read_text())
    finally:
        os.environ.clear()
        os.environ.update(kept)
    return found


def snapshot(target: str, model: str) -> Path:
    """Where a model's compiled SQL is kept."""
    return FOLDER / target / f"{model}.sql"


def _own(node: dict[str, Any]) -> str:
    found = str(node["compiled_code"])
    ahead = ", ".join(cte["sql"] for cte in node["extra_ctes"])
    if not ahead:
        return found
    assert ahead in found, f"{node['name']}: dbt puts ephemeral models in front in a new way"
    own = found.replace(f"{ahead}, ", "", 1)
    return own if own != found else found.replace(f"with{ahead} ", "", 1)


def _tidy(sql: str) -> str:
    lines = [line.rstrip() for line in sql.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"
