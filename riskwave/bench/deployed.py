"""The project on RisingWave for the time of a bench: in a schema of its own, dropped at the end."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from riskwave.parity.server import connection_of
from riskwave.project import run_dbt


@contextmanager
def deployed(dsn: str, schema: str, variables: Mapping[str, str]) -> Iterator[psycopg.Connection[Any]]:
    """The project in a schema, and a connection; all of it is dropped at the end."""
    conninfo, _ = connection_of(dsn)
    where = urlsplit(conninfo)
    environment = {
        "RISINGWAVE_HOST": where.hostname or "127.0.0.1",
        "RISINGWAVE_PORT": str(where.port or 4566),
        "RISINGWAVE_USER": where.username or "root",
        "RISINGWAVE_PASSWORD": where.password or "",
        "RISINGWAVE_DATABASE": where.path.strip("/") or "dev",
        "RISINGWAVE_SCHEMA": schema,
    }
    with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as server, tempfile.TemporaryDirectory() as at:
        try:
            arguments = ["run", "--target", "risingwave", "--vars", json.dumps(dict(variables))]
            run_dbt([*arguments, "--target-path", at, "--log-path", at], environment=environment)
            yield server
        finally:
            _drop(server, schema)


def _drop(server: psycopg.Connection[Any], schema: str) -> None:
    kinds = ("sink", "view", "materialized view", "table", "source", "function")
    rows = server.execute(
        "select relation_type, r.name from rw_relations r join rw_schemas s on r.schema_id = s.id where s.name = %s",
        [schema],
    ).fetchall()
    for kind, name in sorted((row for row in rows if row[0] in kinds), key=lambda row: kinds.index(row[0])):
        statement = sql.SQL(f"drop {kind} if exists {{}} cascade").format(sql.Identifier(schema, name))
        server.execute(statement)
    server.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
