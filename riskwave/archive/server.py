"""RisingWave as a feed: a subscription on each table, read by a cursor from where the archive is.

A cursor hands over a table as it is (FULL), then its changes by rw_timestamp, those of one moment after those of the
one before. A fetch that gives fewer rows than were asked for has reached the end: all moments it gave are whole.
Tables only ever get rows, so that what a moment read twice gives twice is told by its key.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.types.numeric import FloatLoader

from riskwave.archive.tables import TABLES
from riskwave.errors import RiskwaveError
from riskwave.parity.server import KINDS
from riskwave.risingwave.dsn import address_of

log = logging.getLogger(__name__)

ROWS = 5_000  # a fetch
CHECK_S = 60.0  # how often it is looked whether a table was replaced
TRIES = 5  # errors in a row, other than a server that is away, before it is given up
_GONE = ("rw_timestamp is too small", "may have been recycled")
_IDS = (
    "select r.name, r.id from rw_catalog.rw_relations as r "
    "join rw_catalog.rw_schemas as s on s.id = r.schema_id where s.name = %s"
)
_INSERTED = ("Insert", "UpdateInsert")


class ServerFeed:
    """The tables of a deployment; the token has, of each, its subscription and the last moment that was read whole."""

    def __init__(self, dsn: str, *, retention: str) -> None:
        """dsn: risingwave://user@host:port/database, ?schema=name; retention: how long changes wait to be read.

        Makes the subscriptions that are not there. Raises RiskwaveError when the server or a table cannot be reached.
        """
        address = address_of(dsn)
        self.name = address.shown
        self._conninfo, self._schema = address.conninfo, address.schema or "public"
        self._retention = retention
        self._connection: psycopg.Connection[Any] | None = None
        self._whole: dict[str, int | None] = dict.fromkeys(TABLES)  # milliseconds since 1970
        self._subscriptions: dict[str, int] = {}
        self._began: dict[str, int] = {}  # tables that are read as they are, and since when their changes count
        self._failures = 0
        self._checked = 0.0
        try:
            with self._connect() as server:
                self._subscribe(server)
        except psycopg.Error as error:
            raise RiskwaveError(f"{self.name}: cannot be archived: {_words(error)}") from error

    def seek(self, token: Any) -> None:
        """Go on after the token's moments."""
        for name, (subscription, whole) in (token or {}).items():
            self._subscriptions[name], self._whole[name] = subscription, whole

    def read(self, timeout_s: float) -> Mapping[str, pa.Table] | None:
        """The rows that have come; a server that is away is waited for."""
        try:
            server = self._connection or self._declare()
            found = {name: self._fetch(server, name) for name in TABLES}
            self._failures = 0
            if not self._began and time.monotonic() - self._checked > CHECK_S:
                self.close()  # and subscribe anew to what was put in a table's place
        except psycopg.Error as error:
            self.close()
            self._failures += 1
            away = isinstance(error, psycopg.OperationalError)
            if not away and self._failures >= TRIES:
                raise RiskwaveError(f"{self.name}: cannot be read: {_words(error)}") from error
            log.warning("%s: %s; trying again", self.name, _words(error))
            found = {}
        rows = {name: table for name, table in found.items() if table is not None}
        if not rows:
            time.sleep(timeout_s)
        return rows

    def waiting(self) -> bool:
        """Whether the last read failed: one that gave nothing has reached the end."""
        return self._failures > 0

    def token(self) -> Any:
        """The subscriptions and moments."""
        return {name: [self._subscriptions[name], whole] for name, whole in self._whole.items()}

    def close(self) -> None:
        """Leave the server; the subscriptions stay there, and keep what comes."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        server = psycopg.connect(self._conninfo, autocommit=True, connect_timeout=10)
        server.adapters.register_loader("numeric", FloatLoader)
        return server

    def _subscribe(self, server: psycopg.Connection[Any]) -> None:
        """A subscription on each table as it is now: `riskwave deploy` may have put another in its place.

        What is new is read from the beginning; so is what the token knows by another subscription.
        """
        ids = dict(server.execute(_IDS, [self._schema]).fetchall())
        reads = set(server.execute("select objid, refobjid from rw_catalog.rw_depend").fetchall())
        for name, table in TABLES.items():
            called = f"{table.relation}__archive"
            if table.relation not in ids:
                raise RiskwaveError(
                    f"{self.name}: has no {table.relation} in schema {self._schema}; deploy the project there first "
                    "(docs/risingwave.md), or name the schema by ?schema="
                )
            identifier = sql.Identifier(self._schema, called)
            if called in ids and (ids[called], ids[table.relation]) not in reads:
                server.execute(sql.SQL("drop subscription {}").format(identifier))
                del ids[called]
            if called not in ids:
                statement = sql.SQL("create subscription {} from {} with (retention = {})")
                relation = sql.Identifier(self._schema, table.relation)
                server.execute(statement.format(identifier, relation, sql.Literal(self._retention)))
                ids = dict(server.execute(_IDS, [self._schema]).fetchall())
            if self._subscriptions.get(name) != ids[called]:
                self._subscriptions[name], self._whole[name] = ids[called], None
        self._checked = time.monotonic()

    def _declare(self) -> psycopg.Connection[Any]:
        """A connection with a cursor for each table."""
        self._connection = server = self._connect()
        self._subscribe(server)
        self._began = {}
        for name, table in TABLES.items():
            # What comes between this moment and the cursor's is read twice.
            [(now,)] = server.execute("select (extract(epoch from now()) * 1000)::bigint").fetchall()
            subscription = sql.Identifier(self._schema, f"{table.relation}__archive")
            declared = sql.SQL("declare {} subscription cursor for {} ").format(sql.Identifier(name), subscription)
            whole = self._whole[name]
            if whole is not None:
                try:
                    server.execute(declared + sql.SQL("since {}").format(sql.Literal(whole + 1)))
                    continue
                except psycopg.Error as error:
                    if not any(words in str(error) for words in _GONE):
                        raise
                    log.warning("%s: changes of %s since then are gone; reading all of it", self.name, name)
            server.execute(declared + sql.SQL("full"))
            self._began[name] = int(now)
        return server

    def _fetch(self, server: psycopg.Connection[Any], name: str) -> pa.Table | None:
        with server.cursor() as cursor:
            cursor.execute(sql.SQL("fetch {} from {}").format(sql.Literal(ROWS), sql.Identifier(name)))
            rows = cursor.fetchall()
            columns = [(column.name, column.type_code) for column in cursor.description or []]
        places = {column: place for place, (column, _) in enumerate(columns)}
        op, moment = places["op"], places["rw_timestamp"]
        self._note(name, sorted({row[moment] for row in rows if row[moment] is not None}), ended=len(rows) < ROWS)
        inserted = [row for row in rows if row[op] in _INSERTED]
        return self._table(name, columns, inserted) if inserted else None

    def _note(self, name: str, moments: list[int], *, ended: bool) -> None:
        """Note which moments were read whole: the last one only when there was nothing after it."""
        if moments or ended:
            began = self._began.pop(name, None)
            self._whole[name] = began if began is not None else self._whole[name]
        whole = moments if ended else moments[:-1]
        if whole:
            self._whole[name] = whole[-1]

    def _table(self, name: str, columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[Any]]) -> pa.Table:
        arrays = {}
        for values, (column, code) in zip(zip(*rows, strict=True), columns, strict=True):
            if column in ("op", "rw_timestamp"):
                continue
            kind = KINDS.get(code)
            if kind is None:
                raise RiskwaveError(f"{self.name}: {name}.{column} has a type (number {code}) that is not archived")
            array = pa.array(values, kind)
            arrays[column] = array.cast(pa.timestamp("us")) if pa.types.is_timestamp(kind) else array
        return pa.table(arrays)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
