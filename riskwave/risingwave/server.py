"""A connection to a RisingWave server, in the schema of one deployment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from riskwave.errors import RiskwaveError
from riskwave.risingwave.dsn import Address

CONNECT_S = 10


class Server:
    """Statements of one session. Values are bound on this side: the server is sent plain text."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], address: Address) -> None:
        self._connection = connection
        self.address = address

    @property
    def schema(self) -> str:
        """Where the deployment's relations are."""
        return self.address.schema or "public"

    def rows(self, statement: str, given: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises RiskwaveError with what the server says."""
        with self._said(statement):
            return self._connection.execute(statement.encode(), given).fetchall()

    def named(self, statement: str) -> list[dict[str, Any]]:
        """The rows of a query by column. Raises RiskwaveError with what the server says."""
        with self._said(statement):
            cursor = self._connection.execute(statement.encode())
            names = [column.name for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @property
    def broken(self) -> bool:
        """Whether the session is over."""
        return self._connection.broken or self._connection.closed

    def run(self, statement: str, given: Sequence[object] | None = None) -> None:
        """Run a statement that gives no rows. Raises RiskwaveError with what the server says."""
        with self._said(statement):
            self._connection.execute(statement.encode(), given)

    def flush(self) -> None:
        """Return once what was changed before is there for all that reads it."""
        self.run("flush")

    @contextmanager
    def _said(self, statement: str) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as fault:
            begun = " ".join(statement.split())[:80]
            raise RiskwaveError(f"{self.address.shown}: {begun}…: {_words(fault)}") from fault


@contextmanager
def connected(address: Address, *, make: bool = False) -> Iterator[Server]:
    """A session in the deployment's schema, which `make` makes. Raises RiskwaveError when no server answers."""
    try:
        connection = psycopg.connect(
            address.conninfo, autocommit=True, connect_timeout=CONNECT_S, cursor_factory=psycopg.ClientCursor
        )
    except psycopg.Error as fault:
        raise RiskwaveError(
            f"{address.shown}: no RisingWave answers: {_words(fault)}; "
            "name it with --target, --history or RISINGWAVE_DSN"
        ) from fault
    with connection:
        server = Server(connection, address)
        if make:
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(server.schema)))
        connection.execute(sql.SQL("set search_path to {}").format(sql.Identifier(server.schema)))
        yield server


def _words(fault: psycopg.Error) -> str:
    return " ".join(str(fault).split()) or type(fault).__name__
