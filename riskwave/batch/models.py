"""The dbt models over a DuckDB file in which the source tables, or staged ones, already are."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from riskwave.engine.state import connect
from riskwave.project import run_dbt

_FINISHED = re.compile(r"\b(\d+) of (\d+) OK ")

#: Told after every model: how many are made, of how many (0 until dbt has read the project).
Tell = Callable[[int, int], None]


def run_models(path: Path, *selection: str, tell: Tell = lambda done, of: None) -> None:
    """Run the dbt models of target duckdb in a file; `selection` is dbt's own, such as --exclude stg_payments.

    Views become tables: they would name this file, and be of no use once it has another name. Raises RiskwaveError
    with dbt's words when a model fails.
    """
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(1) as pool:
        arguments = ["run", "--target", "duckdb", *selection]
        arguments += ["--target-path", scratch, "--log-path", scratch, "--log-level-file", "info"]
        running = pool.submit(run_dbt, arguments, environment={"RISKWAVE_DUCKDB": str(path)})
        while wait([running], timeout=0.2).not_done:
            tell(*_progress(Path(scratch) / "dbt.log"))
        running.result()
    _keep_views(path)


def _progress(log: Path) -> tuple[int, int]:
    found = _FINISHED.findall(log.read_text(errors="replace")) if log.exists() else []
    # What dbt runs beside the models, such as hooks, it counts by itself.
    most = max((int(of) for _, of in found), default=0)
    return len({done for done, of in found if int(of) == most}), most


def _keep_views(path: Path) -> None:
    connection = connect(path)
    try:
        rows = connection.execute(
            "select view_name from duckdb_views() where not internal and database_name = current_database()"
        ).fetchall()
        for (name,) in rows:
            connection.execute(f'create table "{name}__kept" as select * from "{name}"').fetchall()
        for (name,) in rows:
            connection.execute(f'drop view "{name}"')
            connection.execute(f'alter table "{name}__kept" rename to "{name}"')
        connection.execute("checkpoint")
    finally:
        connection.close()
