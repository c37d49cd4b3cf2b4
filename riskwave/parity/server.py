"""A RisingWave (or PostgreSQL) deployment as a side: its relations copied into DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import duckdb
import psycopg
import pyarrow as pa
from psycopg import capabilities, sql
from psycopg.types.numeric import FloatLoader

from riskwave.errors import RiskwaveError

SCHEMES = ("risingwave://", "postgresql://", "postgres://")
ROWS = 20_000  # rows of a table handed over at a time

#: PostgreSQL's type numbers, which RisingWave shares.
KINDS: dict[int, pa.DataType] = {
    16: pa.bool_(),
    20: pa.int64(),
    21: pa.int64(),
    23: pa.int64(),
    25: pa.string(),
    700: pa.float64(),
    701: pa.float64(),
    1009: pa.list_(pa.string()),
    1015: pa.list_(pa.string()),
    1043: pa.string(),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", "UTC"),
    1700: pa.float64(),
}


def copy_relation(connection: duckdb.DuckDBPyConnection, dsn: str, relation: str, table: str) -> bool:
    """Copy a relation into a DuckDB table; False when the server has no such relation.

    `dsn` is risingwave://user@host:port/database or postgresql://…; ?schema=name picks a schema. Raises RiskwaveError
    when the server cannot be reached or the relation cannot be read.
    """
    conninfo, schema = connection_of(dsn)
    shown = without_password(dsn)
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as server:
            if not _exists(server, schema, relation):
                return False
            name = sql.Identifier(schema, relation) if schema else sql.Identifier(relation)
            server.adapters.register_loader("numeric", FloatLoader)
            with server.cursor() as cursor:
                # Asked for on its own: a relation without rows tells nothing of its columns when streamed.
                cursor.execute(sql.SQL("select * from {} limit 0").format(name))
                fields = _fields(cursor, relation, shown)
                connection.execute(f"create table {table} ({_columns(fields)})")
                # Rows come a thousand at a time where the client library can, else one by one.
                size = 1000 if capabilities.has_stream_chunked() else 1
                rows = cursor.stream(sql.SQL("select * from {}").format(name), size=size)
                _insert(connection, table, fields, rows)
    except psycopg.Error as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise RiskwaveError(f"{shown}: {relation} cannot be read: {text}") from error
    return True


def _exists(server: psycopg.Connection[Any], schema: str | None, relation: str) -> bool:
    found = server.execute(
        "select table_schema from information_schema.tables where table_name = %s", [relation]
    ).fetchall()
    return any(schema in (None, name) for (name,) in found)


def _fields(cursor: psycopg.Cursor[Any], relation: str, shown: str) -> list[tuple[str, pa.DataType]]:
    fields = []
    for column in cursor.description or []:
        kind = KINDS.get(column.type_code)
        if kind is None:
            raise RiskwaveError(
                f"{shown}: {relation}.{column.name} has a type (number {column.type_code}) that is not compared"
            )
        fields.append((column.name, kind))
    return fields


def _columns(fields: list[tuple[str, pa.DataType]]) -> str:
    with duckdb.connect() as scratch:
        scratch.register("shape", pa.schema(fields).empty_table())
        rows = scratch.execute("describe select * from shape").fetchall()
    return ", ".join(f'"{name}" {kind}' for name, kind, *_ in rows)


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    fields: list[tuple[str, pa.DataType]],
    rows: Iterator[Sequence[Any]],
) -> None:
    while part := list(islice(rows, ROWS)):
        columns = zip(*part, strict=True)
        arrays = [pa.array(values, kind) for values, (_, kind) in zip(columns, fields, strict=True)]
        connection.register("part", pa.table(arrays, schema=pa.schema(fields)))
        connection.execute(f"insert into {table} select * from part").fetchall()
        connection.unregister("part")


def connection_of(dsn: str) -> tuple[str, str | None]:
    """What psycopg is given for a DSN, and the schema that ?schema=name asks for."""
    parts = urlsplit(dsn)
    options = dict(parse_qsl(parts.query))
    schema = options.pop("schema", None)
    host = parts.netloc if parts.netloc else "127.0.0.1:4566"
    return urlunsplit(("postgresql", host, parts.path, urlencode(options), "")), schema


def without_password(dsn: str) -> str:
    """A DSN as it may be shown."""
    parts = urlsplit(dsn)
    if parts.password is None:
        return dsn
    return dsn.replace(f":{parts.password}@", ":…@", 1)
