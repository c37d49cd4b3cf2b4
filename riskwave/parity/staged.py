"""What a batch runs over when the other side is no state: the staged payments of a deployment, or of an archive."""

from __future__ import annotations

from pathlib import Path

import duckdb

from riskwave.batch.batch import SIDE, stage_rows
from riskwave.batch.history import in_folder
from riskwave.errors import RiskwaveError
from riskwave.parity.server import SCHEMES, copy_relation

STAGED = "stg_payments"


def stage(connection: duckdb.DuckDBPyConnection, of: str) -> None:
    """Put staged payments, labels, profiles and devices of a DSN or an archive's folder where the models read them.

    Raises RiskwaveError when it has none.
    """
    queries = _of_server(connection, of) if of.startswith(SCHEMES) else _of_folder(Path(of))
    payments = queries.pop(STAGED, None)
    if payments is None:
        raise RiskwaveError(
            f"batch: runs over staged payments, and {of} has none; expected a state file, a DSN, or the folder of "
            "`riskwave archive`"
        )
    stage_rows(connection, payments, queries)
    for table in (STAGED, *SIDE):
        connection.execute(f"drop table if exists read_{table}")


def _of_server(connection: duckdb.DuckDBPyConnection, dsn: str) -> dict[str, str]:
    relations = {STAGED: STAGED} | {table: f"stg_{table}" for table in SIDE}
    return {
        table: f"select * from read_{table}"
        for table, relation in relations.items()
        if copy_relation(connection, dsn, relation, f"read_{table}")
    }


def _of_folder(folder: Path) -> dict[str, str]:
    queries = {table: in_folder(folder, table) for table in (STAGED, *SIDE)}
    return {table: query for table, query in queries.items() if query is not None}
