"""What a deployment knows of the keys of a batch, read when a request asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from riskwave.engine.memory import since_1970
from riskwave.engine.recall import Recalled, recalled_schema
from riskwave.engine.tiles import TileSpec
from riskwave.engine.workbench import Workbench
from riskwave.errors import RiskwaveError
from riskwave.risingwave.dsn import Address
from riskwave.risingwave.rules import span
from riskwave.risingwave.server import Server, connected

T = TypeVar("T")
Span = tuple[datetime, datetime]
SESSIONS = 4  # reads at once: a batch is a dozen of them
PAYMENTS, NOW = "stg_payments", "decision_input__now"


@dataclass(frozen=True)
class _Read:
    """One query of a batch: the model whose rows it gives, their columns, its text."""

    name: str
    shape: pa.Schema
    query: str


class Past:
    """History, tiles and facts of a deployment, by key; sessions of its own. For use by several threads."""

    def __init__(self, address: Address, bench: Workbench) -> None:
        """bench: of the models that are deployed there. Raises RiskwaveError where they are not."""
        self.address = address
        self._plan = bench.plan
        self._payments = recalled_schema(bench)
        self._carried = bench.history.carried
        self._facts = {name: facts.schema for name, facts in bench.facts.items()}
        self._lookbacks: dict[str, int] = {}
        for step in self._plan.windows:
            lookback = self._plan.lookbacks[step.name]
            self._lookbacks[step.entity] = max(lookback, self._lookbacks.get(step.entity, 0))
        self._own = threading.local()
        self._open: list[ExitStack] = []
        self._pool = ThreadPoolExecutor(SESSIONS, "riskwave-past")
        first, _ = self._said(span)
        self._first = None if first is None else since_1970(first)

    def of(self, accepted: pa.Table) -> Recalled:
        """What is known of the keys of accepted rows (n > 0). Raises RiskwaveError when the server does not answer."""
        moments = accepted.column("event_ts")
        span = _span(moments)
        counted = _span(pc.coalesce(accepted.column("transmitted_ts"), moments))
        found: dict[str, list[pa.Table]] = {}
        reads = list(self._reads(accepted, span, counted))
        for read, table in zip(reads, self._pool.map(self._table, reads), strict=True):
            found.setdefault(read.name, []).append(table)
        if self._first is None:
            self._first = since_1970(span[0])
        return Recalled(
            payments=pa.concat_tables(found[PAYMENTS]),
            tiles={tile.name: _one(found, tile.name, _tile_shape(tile)) for tile in self._plan.tiles},
            facts={name: _one(found, name, shape) for name, shape in self._facts.items()},
            first=self._first,
        )

    def decision(self, event_id: str) -> dict[str, Any] | None:
        """The first decision of an event, None where there is none."""
        return self._first_of("decisions", "version", event_id)

    def features(self, event_id: str) -> dict[str, Any] | None:
        """What was known of an event when it was decided first."""
        return self._first_of("decision_input", "revision", event_id)

    def close(self) -> None:
        """End the sessions."""
        self._pool.shutdown()
        for session in self._open:
            session.close()

    def _reads(self, accepted: pa.Table, made: Span, counted: Span) -> Iterable[_Read]:
        yield self._past_payments(_among("s", "event_id", _keys(accepted, "event_id")))
        for entity, lookback in self._lookbacks.items():
            keys = _keys(accepted, entity)
            if keys:
                since = _between("s", "event_ts", made[0] - timedelta(seconds=lookback), made[1])
                yield self._past_payments(sql.SQL("{} and {}").format(_among("s", entity, keys), since))
        for tile in self._plan.tiles:
            keys = _keys(accepted, tile.entity)
            if keys:
                since = _between("t", "tile", counted[0] - timedelta(seconds=tile.lookback + tile.unit), counted[1])
                where = sql.SQL("{} and {}").format(_among("t", tile.entity, keys), since)
                yield _read(tile.name, _tile_shape(tile), where)
        for dimension in self._plan.dimensions:
            keys = _keys(accepted, dimension.entity)
            if keys:
                yield _read(dimension.name, self._facts[dimension.name], _among("t", dimension.entity, keys))

    def _past_payments(self, where: sql.Composable) -> _Read:
        columns = [sql.Identifier("k" if name in self._carried else "s", name) for name in self._payments.names]
        query = sql.SQL("select {} from {} as s left join {} as k on s.event_id = k.event_id where {}").format(
            sql.SQL(", ").join(columns), sql.Identifier(PAYMENTS), sql.Identifier(NOW), where
        )
        return _Read(PAYMENTS, self._payments, query.as_string(None))

    def _table(self, read: _Read) -> pa.Table:
        rows = self._rows(read.query)
        columns = list(zip(*rows, strict=True)) or [()] * len(read.shape)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, read.shape, strict=True)]
        return pa.table(arrays, schema=read.shape)

    def _first_of(self, relation: str, order: str, event_id: str) -> dict[str, Any] | None:
        query = sql.SQL("select * from {} where event_id = {} order by {} limit 1").format(
            sql.Identifier(relation), sql.Literal(event_id), sql.Identifier(order)
        )
        rows = self._said(lambda server: server.named(query.as_string(None)))
        return rows[0] if rows else None

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._said(lambda server: server.rows(query))

    def _said(self, ask: Callable[[Server], T]) -> T:
        """What this thread's session answers; one that was broken is opened again, once."""
        held: ExitStack | None = getattr(self._own, "session", None)
        if held is not None:
            try:
                return ask(self._own.server)
            except RiskwaveError:
                if not self._own.server.broken:
                    raise
                self._open.remove(held)
                held.close()
                self._own.session = None
        session = ExitStack()
        self._own.server = session.enter_context(connected(self.address))
        self._own.session = session
        self._open.append(session)
        return ask(self._own.server)


def _span(moments: pa.ChunkedArray) -> Span:
    return pc.min(moments).as_py(), pc.max(moments).as_py()


def _read(name: str, shape: pa.Schema, where: sql.Composable) -> _Read:
    columns = sql.SQL(", ").join(sql.Identifier("t", column) for column in shape.names)
    query = sql.SQL("select {} from {} as t where {}").format(columns, sql.Identifier(name), where)
    return _Read(name, shape, query.as_string(None))


def _tile_shape(tile: TileSpec) -> pa.Schema:
    fields = [(tile.entity, pa.string()), ("tile", pa.timestamp("us"))]
    fields += [(tile.member, pa.string())] if tile.member else []
    return pa.schema([*fields, *((name, pa.int64()) for name in tile.sums)])


def _one(found: dict[str, list[pa.Table]], name: str, shape: pa.Schema) -> pa.Table:
    return pa.concat_tables(found[name]) if name in found else shape.empty_table()


def _keys(accepted: pa.Table, entity: str) -> list[str]:
    return [key for key in accepted.column(entity).unique().to_pylist() if key is not None]


def _among(alias: str, column: str, keys: list[str]) -> sql.Composable:
    listed = sql.SQL(", ").join(sql.Literal(key) for key in keys)
    return sql.SQL("{} in ({})").format(sql.Identifier(alias, column), listed)


def _between(alias: str, column: str, low: datetime, high: datetime) -> sql.Composable:
    return sql.SQL("{} between {} and {}").format(sql.Identifier(alias, column), sql.Literal(low), sql.Literal(high))
