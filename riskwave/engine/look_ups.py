"""Look-ups of what tiles tell of an event: models over the tiles ahead of events, and the joins that bring them in.

A model of role "ahead" gives measures under a key and the tile they serve; int_payments__facts joins each of them by
the event's own key and tile. The engine knows which tiles precede which event, so it gives the models those and puts
the measures beside the events itself. Models that are the same but for names (the last hour of merchants, BINs and
ips) are computed as one: a small batch costs by the statement and the operator, hardly by the row.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sqlglot
from sqlglot import exp

from riskwave.engine.fetch import fetch
from riskwave.engine.index import Ints
from riskwave.engine.passing import DIALECT, parse
from riskwave.engine.provider import Provider
from riskwave.engine.rowwise import COUNTED
from riskwave.engine.tiles import SECONDS, TileSpec, TileStore
from riskwave.errors import RiskwaveError
from riskwave.project import Model

OWN = "_own"
AHEAD = "_ahead"
UNITS = {seconds: unit for unit, seconds in SECONDS.items()}


@dataclass(frozen=True)
class LookUp:
    """A model over the tiles ahead of events.

    measures: its columns beside key and serves; sql: the model over the relation `_ahead` (the tile model's columns and
    serves, the key as _own) with measures named m0, m1, …: the same text for models that are the same but for names.
    """

    name: str
    tile: TileSpec
    measures: tuple[str, ...]
    sql: str

    def column(self, measure: str) -> str:
        """What a measure is called beside the events."""
        return f"_{self.name}_{measure}"


def look_up(model: Model, tiles: tuple[TileSpec, ...]) -> LookUp:
    """Read a model with `meta: {role: ahead}`.

    Raises RiskwaveError when it reads tiles in another way than by one tiles_ahead(…), or groups them otherwise than by
    their key and serves.
    """
    statement = parse(model.sql)
    by_name = {tile.name: tile for tile in tiles}
    tile = None
    for subquery in statement.find_all(exp.Subquery):
        read = {table.name for table in subquery.find_all(exp.Table)} & set(by_name)
        if len(read) == 1:
            tile = by_name[read.pop()]
            subquery.replace(exp.alias_(exp.to_table(AHEAD), subquery.alias, table=True))
            break
    if tile is None or {table.name for table in statement.find_all(exp.Table)} & set(by_name):
        raise RiskwaveError(
            f"model {model.name}: a model over tiles reads them through one tiles_ahead(…) and no other way"
        )
    names = statement.named_selects
    group = statement.args.get("group")
    keys = [item.name for item in group.expressions] if group is not None else []
    if names[:2] != [tile.entity, "serves"] or keys != names[:2]:
        raise RiskwaveError(
            f"model {model.name}: expected {tile.entity}, serves and measures, by {tile.entity}, serves"
        )
    for number, item in enumerate(statement.selects[2:]):
        item.replace(exp.alias_(item.unalias().copy(), f"m{number}"))
    for column in statement.find_all(exp.Column):
        if column.name == tile.entity:
            column.set("this", exp.to_identifier(OWN))
    return LookUp(model.name, tile, tuple(names[2:]), statement.sql(dialect=DIALECT, comments=False))


def without_look_ups(sql: str, look_ups: tuple[LookUp, ...]) -> str:
    """A query whose left joins with look-up models are columns of the relation that they are joined to.

    Raises RiskwaveError for a join by anything else than the event's own key and tile.
    """
    statement = parse(sql)
    by_name = {item.name: item for item in look_ups}
    for select in list(statement.find_all(exp.Select)):
        kept = []
        for join in select.args.get("joins") or []:
            model = by_name.get(join.this.name) if isinstance(join.this, exp.Table) else None
            if model is None:
                kept.append(join)
                continue
            left, alias = select.args["from_"].this.alias_or_name, join.this.alias_or_name
            expected = sqlglot.condition(
                f"{left}.{model.tile.entity} = {alias}.{model.tile.entity} "
                f"and date_trunc('{UNITS[model.tile.unit]}', {COUNTED.format(f'{left}.')}) = {alias}.serves",
                dialect=DIALECT,
            )
            if join.side != "LEFT" or join.args.get("on") != expected:
                raise RiskwaveError(f"model {model.name}: is looked up by look_up(…) and in no other way")
            for column in select.find_all(exp.Column):
                if column.table == alias:
                    name = exp.to_identifier(model.column(column.name))
                    column.replace(exp.Column(this=name, table=exp.to_identifier(left)))
        select.set("joins", kept)
    return statement.sql(dialect=DIALECT, comments=False)


class LookUps:
    """The look-up models prepared, as one statement, over the tiles in memory."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, look_ups: tuple[LookUp, ...]) -> None:
        """connection: to the database that a connection of their own reads, on a thread of their own."""
        connection = self._connection = connection.cursor()
        self._thread = ThreadPoolExecutor(1, "riskwave-look-ups")
        shapes: dict[tuple[str, pa.Schema], list[LookUp]] = {}
        for item in look_ups:
            shapes.setdefault((item.sql, TileStore(item.tile).ahead_schema), []).append(item)
        self._shapes: list[tuple[Provider, list[LookUp]]] = []
        self.fields: list[pa.Field] = []
        width = max((len(item.measures) for item in look_ups), default=0)
        parts = []
        for number, ((text, schema), items) in enumerate(shapes.items()):
            provider = Provider(connection, f"{AHEAD}_{number}", schema)
            sql = text.replace(AHEAD, provider.name)
            kinds = connection.sql(f"select * from ({sql}) limit 0").to_arrow_table().schema
            for item in items:
                for place, name in enumerate(item.measures):
                    if kinds.field(2 + place).type != pa.int64():
                        raise RiskwaveError(f"model {item.name}, column {name}: a sum or count of tiles is a bigint")
                    self.fields.append(pa.field(item.column(name), pa.int64()))
            self._shapes.append((provider, items))
            measures = [f"m{place}" if place < len(items[0].measures) else f"0 as m{place}" for place in range(width)]
            parts.append(f"select {OWN}, {', '.join(measures)} from ({sql})")
        if parts:
            connection.execute(f"prepare look_ups as {' union all '.join(parts)}")

    def start(
        self, stores: dict[str, TileStore], codes: dict[str, npt.NDArray[np.int32]], seconds: Ints
    ) -> Callable[[], dict[str, Any]]:
        """Begin with events (n): codes of keys by entity (n, -1 for none), times since 2000 (n).

        What it gives is to be called once, and gives the events' measures by column.
        """
        places: dict[str, Ints] = {}
        total = 0
        for provider, items in self._shapes:
            parts = []
            for item in items:
                store = stores[item.tile.name]
                places[item.name], count, part = store.ahead(codes[item.tile.entity], seconds, first=total)
                parts.append(part)
                total += count
            provider.put(pa.concat_tables(parts))
        if not self._shapes:
            return dict
        found = self._thread.submit(fetch, self._connection, "look_ups")
        return lambda: self._beside(found.result(), places, total)

    def close(self) -> None:
        """End the thread and its connection."""
        self._thread.shutdown()
        self._connection.close()

    def _beside(self, found: pa.Table, places: dict[str, Ints], total: int) -> dict[str, Any]:
        """The measures found, put beside the events; places: of each event's row by look-up, of `total`."""
        found = found.combine_chunks()
        row_of = np.full(total + 1, -1, np.int32)  # the last is for events without the key
        row_of[found.column(OWN).to_numpy()] = np.arange(found.num_rows, dtype=np.int32)
        columns: dict[str, Any] = {}
        for provider, items in self._shapes:
            provider.clear()
            for item in items:
                rows = row_of[places[item.name]]
                taken = pa.array(rows, mask=rows < 0)
                for place, name in enumerate(item.measures):
                    columns[item.column(name)] = found.column(1 + place).take(taken)
        return columns
