"""A PostgreSQL table, read once and whole."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from riskwave.errors import RiskwaveError
from riskwave.sources.rows import Rows, all_null, texts
from riskwave.sources.shape import Shape

SCHEMES = ("postgresql://", "postgres://")
_ROWS = 16_384
_CONNECT_S = "8"


def read_postgres(uri: str, shape: Shape) -> Iterator[tuple[str, Rows]]:
    """Rows of ?table=[schema.]name as texts, through a server-side cursor, all of one moment.

    Raises RiskwaveError naming server and table when it cannot be reached or read, never the password.
    """
    parts = urlsplit(uri)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    table = options.pop("table", "")
    options.setdefault("connect_timeout", _CONNECT_S)
    where = f"postgresql://{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
    if not table:
        raise RiskwaveError(f"{where}: which table? Add ?table=schema.name")
    address = urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(options), ""))
    try:
        with psycopg.connect(address) as connection:
            # Times with a zone come as UTC, and all in the forms of ISO 8601.
            connection.execute("set time zone 'UTC'")
            connection.execute("set datestyle to 'ISO'")
            yield from _rows(connection, table, shape, f"{where} table {table}")
    except psycopg.Error as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RiskwaveError(f"{where}: table {table} cannot be read: {reason}") from error


def _rows(connection: psycopg.Connection, table: str, shape: Shape, where: str) -> Iterator[tuple[str, Rows]]:
    name = sql.Identifier(*table.split("."))
    probe = connection.execute(sql.SQL("select * from {} limit 0").format(name))
    names = tuple(column.name for column in probe.description or ())
    shape.check(names, where)
    wanted = [column for column in shape.columns if column in names]
    columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in wanted)
    with connection.cursor(name="riskwave") as cursor:
        cursor.execute(sql.SQL("select {} from {}").format(columns, name))
        first = 0
        while batch := cursor.fetchmany(_ROWS):
            found = {column: all_null(len(batch)) for column in shape.columns}
            for column, values in zip(wanted, zip(*batch, strict=True), strict=True):
                found[column] = texts(values)
            yield where, Rows(found, None, None, range(first, first + len(batch)))
            first += len(batch)
