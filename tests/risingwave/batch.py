"""The same events through DuckDB in one batch, and rows held against rows."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tests.risingwave.deployment import ROOT, Row


def batch_run(folder: Path, landed: dict[str, pa.Table]) -> Path:
    """A DuckDB file on which dbt has run all models over the landed tables (payments: RAW_SCHEMA)."""
    path = folder / "batch.duckdb"
    with duckdb.connect(str(path)) as connection:
        for name, table in landed.items():
            connection.register("landed", table)
            connection.execute(f"create table {name} as select * from landed")
            connection.unregister("landed")
    command = [sys.executable, "-m", "dbt.cli.main", "run", "--target", "duckdb"]
    command += ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT)]
    command += ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    environment = {**os.environ, "RISKWAVE_DUCKDB": str(path), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, timeout=300, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return path


def batch_rows(path: Path, query: str) -> list[Row]:
    """A query's rows from a DuckDB file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).to_arrow_table().to_pylist()


def differences(left: Iterable[Row], right: Iterable[Row], key: str, columns: Iterable[str]) -> list[str]:
    """What differs between rows with a unique key, a line a value; floats may differ by a millionth."""
    ours = {row[key]: row for row in left}
    theirs = {row[key]: row for row in right}
    found = [f"{key}={name}: on one side only" for name in sorted(ours.keys() ^ theirs.keys())]
    for name in sorted(ours.keys() & theirs.keys()):
        found += [
            f"{key}={name} {column}: {ours[name][column]!r} and {theirs[name][column]!r}"
            for column in columns
            if not _same(ours[name][column], theirs[name][column])
        ]
    return found


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-9)
    return type(left) is type(right) and _instant(left) == _instant(right)


def _instant(value: Any) -> Any:
    aware = isinstance(value, datetime) and value.tzinfo is not None
    return value.astimezone(UTC).replace(tzinfo=None) if aware else value
