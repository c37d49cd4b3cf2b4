"""The project as a deployment should be: its models compiled by dbt for a server, without one."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from riskwave.project import run_dbt
from riskwave.risingwave.changes import KNOWN, NOW, Model, Project
from riskwave.risingwave.dsn import Address
from riskwave.risingwave.relations import made_of, source_of
from riskwave.risingwave.rules import BENEATH

#: What is made by dbt once and stays: logs, and tables that people edit; with the columns that came later.
NEEDED = {
    KNOWN: ("known_by",),
    "decisions__log": ("degraded", "shadow_scores"),
    "list_entries": ("next_version", "next_expires_at"),
    "rule_thresholds": ("control_version",),
    "feeds_in_force": ("known_by",),
    "decisions": ("degraded", "shadow_scores", "version"),
}
#: Kinds of relations that are made anew when their SQL changes, by dbt's name.
_KINDS = {
    "source": "source",
    "view": "view",
    "materialized_view": "materialized view",
    "revisions": "materialized view",
    "sink": "sink",
}


def dbt_environment(address: Address) -> dict[str, str]:
    """What dbt's profile reads of where the server is."""
    where = conninfo_to_dict(address.conninfo)
    return {
        "RISINGWAVE_HOST": str(where.get("host", "127.0.0.1")),
        "RISINGWAVE_PORT": str(where.get("port", 4566)),
        "RISINGWAVE_USER": str(where.get("user", "root")),
        "RISINGWAVE_PASSWORD": str(where.get("password", "")),
        "RISINGWAVE_DATABASE": str(where.get("dbname", "dev")),
        "RISINGWAVE_SCHEMA": address.schema or "public",
    }


def compiled_for(address: Address, variables: Mapping[str, Any]) -> Project:
    """The project with these variables, as it should be there. Raises RiskwaveError when dbt cannot compile it."""
    with tempfile.TemporaryDirectory() as scratch:
        run_dbt(
            [
                *("compile", "--quiet", "--target", "risingwave", "--no-partial-parse", "--no-populate-cache"),
                *("--no-introspect", "--vars", json.dumps(dict(variables))),
                *("--target-path", scratch, "--log-path", scratch),
            ],
            environment=dbt_environment(address),
        )
        manifest = json.loads((Path(scratch) / "manifest.json").read_text())
    return project_of(manifest)


def project_of(manifest: Mapping[str, Any]) -> Project:
    """The relations that a compiled manifest makes, each after those it reads."""
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    models: list[Model] = []
    waiting = {key for key, node in nodes.items() if node["config"]["materialized"] in _KINDS}
    while waiting:
        # dbt has refused circles.
        ready = sorted(key for key in waiting if not _physical(nodes, key) & waiting)
        models += [_model(nodes, key) for key in ready]
        waiting -= set(ready)
    return Project(models, NEEDED, BENEATH)


def fingerprint(sql: str) -> str:
    """What a relation says that it is made of, as macros/risingwave/made.sql has it."""
    return hashlib.md5(sql.encode(), usedforsecurity=False).hexdigest()[:12]


def _model(nodes: Mapping[str, Any], key: str) -> Model:
    node = nodes[key]
    kind, sql = node["config"]["materialized"], str(node["compiled_code"])
    name = NOW if kind == "revisions" else node["name"]
    made = source_of(sql) if kind == "source" else made_of("sink", sql) if kind == "sink" else fingerprint(sql)
    reads = tuple(sorted(nodes[each]["name"] for each in _physical(nodes, key)))
    return Model(name, _KINDS[kind], made or fingerprint(sql), reads, sql)


def _physical(nodes: Mapping[str, Any], key: str) -> set[str]:
    """The models behind a model that are relations; through those that are part of its own statement."""
    found: set[str] = set()
    for read in nodes[key]["depends_on"]["nodes"]:
        if read in nodes:
            ephemeral = nodes[read]["config"]["materialized"] == "ephemeral"
            found |= _physical(nodes, read) if ephemeral else {read}
    return found
