"""The models between a staged batch and what is known of it, each a statement over the batch so far.

A model such as `select *, count(*) over (…) as n from upstream` adds columns to rows that it passes along. In one
statement of all models a hundred columns would go through every one of some eighty operators, which for a small batch
costs more than all the counting. So each model gives its new columns alone, and they are put beside the others.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from riskwave.engine.fetch import fetch
from riskwave.engine.lanes import in_lanes
from riskwave.engine.passing import mentioned
from riskwave.engine.plan import ROW
from riskwave.engine.provider import Provider
from riskwave.engine.rewrite import Step
from riskwave.errors import RiskwaveError


def window_sql(step: Step) -> str:
    """A window model's rows for the batch, by the relation it reads and its scope."""
    ctes = ", ".join(f"{name} as materialized ({sql})" for name, sql in step.ctes[:-1])
    last, sql = step.ctes[-1]
    return f"with {ctes}, {last} as ({sql}) select * from {last}"


def in_order(found: pa.Table, rows: int, name: str) -> pa.Table:
    """A model's rows in the order of _row, of which there must be `rows`."""
    if found.num_rows != rows:
        raise RiskwaveError(
            f"model {name}: gives {found.num_rows:,} rows for {rows:,} payments; one row per payment was expected"
        )
    order = found.column(ROW).to_numpy()
    return found.take(pa.array(np.argsort(order))) if (order[1:] < order[:-1]).any() else found


@dataclass(frozen=True)
class _Link:
    """A model: what it reads of the rows before it, and the links that make that.

    schema: of its own columns, or of all when it does not keep the others as they are.
    """

    name: str
    sql: str
    over: str | None
    source: Provider
    schema: pa.Schema
    keeps: bool
    needs: frozenset[int]


class Chain:
    """Models in their order; each has the rows of the batch, in the order of _row.

    A model that reads nothing of the one before it is computed beside it, by a thread and a connection of its own.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, batch: str, schema: pa.Schema) -> None:
        """batch: name of the staged rows, numbered by _row from 0 in their order; schema: their columns."""
        self._connection = connection
        #: Reads the same database: what the models read is registered with both.
        self.beside = connection.cursor()
        self._thread = ThreadPoolExecutor(1, "riskwave-features")
        self._links: list[_Link] = []
        self._maker: dict[str, int] = {}
        self._name = batch
        self._lanes: tuple[list[int], list[int]] = ([], [])
        self.schema = schema

    def source(self, *queries: str, whole: bool = False) -> Provider:
        """The rows so far, registered with the columns that queries over them mention, or whole.

        What a relation costs per execution grows with its columns, also those that nobody reads.
        """
        wanted = mentioned(*queries) | {ROW}
        fields = [field for field in self.schema if whole or field.name in wanted]
        return Provider(self._connection, self._name, pa.schema(fields), self.beside)

    def add(self, name: str, sql: str, *, over: str | None = None, keeps: bool) -> None:
        """Add a model whose query reads the one before it by name; over: the same in OVER form."""
        source = self.source(*([sql] if over is None else [sql, over]), whole=not keeps)
        shape = self._connection.sql(f"select * from ({sql}) limit 0").to_arrow_table().schema
        place = len(self._links)
        needs = frozenset(self._maker[field.name] for field in source.schema if field.name in self._maker)
        if keeps:
            shape = pa.schema([field for field in shape if field.name not in source.schema.names])
            self.schema = pa.schema([*self.schema, *shape])
            self._maker |= dict.fromkeys(shape.names, place)
        else:
            needs = frozenset(range(place))
            self.schema = shape
            self._maker = dict.fromkeys(shape.names, place)
        self._links.append(_Link(name, sql, over, source, shape, keeps, needs))
        self._name = name

    def prepare(self) -> None:
        """Prepare the models; to be called once, after the last was added."""
        self._lanes = in_lanes([link.needs for link in self._links])
        for connection, places in zip((self._connection, self.beside), self._lanes, strict=True):
            for place in places:
                link = self._links[place]
                columns = ", ".join([ROW, *link.schema.names]) if link.keeps else "*"
                connection.execute(f"prepare chain_{link.name} as select {columns} from ({link.sql})")
                if link.over is not None:
                    connection.execute(f"prepare chain_over_{link.name} as select {columns} from ({link.over})")

    def run(self, batch: pa.Table, *, over: bool) -> pa.Table:
        """Compute every model for a batch; gives the last one's rows.

        Raises RiskwaveError when a model gives more or fewer rows than it was given.
        """
        columns = dict(zip(batch.column_names, batch.columns, strict=True))
        made: list[Future[None]] = [Future() for _ in self._links]

        def lane(number: int) -> None:
            places = self._lanes[number]
            connection = self.beside if number else self._connection
            try:
                for place in places:
                    link = self._links[place]
                    for needed in link.needs:
                        made[needed].result()
                    self._compute(link, connection, columns, batch.num_rows, over=over)
                    made[place].set_result(None)
            except BaseException as error:
                for place in places:
                    if not made[place].done():
                        made[place].set_exception(error)
                raise

        beside = self._thread.submit(lane, 1) if self._lanes[1] else None
        try:
            lane(0)
        finally:
            if beside is not None:
                beside.result()
        return pa.Table.from_arrays([columns[name] for name in self.schema.names], schema=self.schema)

    def close(self) -> None:
        """End the thread and its connection."""
        self._thread.shutdown()
        self.beside.close()

    def _compute(
        self,
        link: _Link,
        connection: duckdb.DuckDBPyConnection,
        columns: dict[str, pa.ChunkedArray],
        rows: int,
        *,
        over: bool,
    ) -> None:
        """Put a model's columns among those of the batch."""
        names = link.source.schema.names
        link.source.put(pa.Table.from_arrays([columns[name] for name in names], names=names))
        form = "chain_over_" if over and link.over is not None else "chain_"
        found = in_order(fetch(connection, f"{form}{link.name}"), rows, link.name)
        link.source.clear()
        if not link.keeps:
            columns.clear()
        columns.update((name, found.column(name)) for name in found.column_names if name in link.schema.names)
