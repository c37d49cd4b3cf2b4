"""The project on RisingWave for the time of a bench: in a schema of its own, dropped at the end."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from riskwave.project import run_dbt
from riskwave.risingwave.dsn import address_of
from riskwave.risingwave.project import dbt_environment


@contextmanager
def deployed(dsn: str, schema: str, variables: Mapping[str, str]) -> Iterator[None]:
    """The project in a schema; all of it is dropped at the end."""
    address = replace(address_of(dsn), schema=schema)
    with psycopg.connect(address.conninfo, autocommit=True, connect_timeout=10) as server:
        try:
            with tempfile.TemporaryDirectory() as at:
                arguments = ["run", "--target", "risingwave", "--vars", json.dumps(dict(variables))]
                run_dbt([*arguments, "--target-path", at, "--log-path", at], environment=dbt_environment(address))
            yield
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
