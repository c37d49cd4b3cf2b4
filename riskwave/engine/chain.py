"""The models between a staged batch and what is known of it, each a statement over the batch so far.

A model such as `select *, count(*) over (…) as n from upstream` adds columns to rows that it passes along. In one
statement of all models a hundred columns would go through every one of some eighty operators, which for a small batch
costs more than all the counting. So each model gives its new columns alone, and they are put beside the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from riskwave.engine.fetch import fetch
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
    """A prepared model: what it reads of the rows before it; keeps: whether their columns are kept as they are."""

    name: str
    source: Provider
    schema: pa.Schema
    keeps: bool


class Chain:
    """Models in their order; each has the rows of the batch, in the order of _row."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, batch: str, schema: pa.Schema) -> None:
        """batch: name of the staged rows, numbered by _row from 0 in their order; schema: their columns."""
        self._connection = connection
        self._links: list[_Link] = []
        self._name = batch
        self.schema = schema

    def source(self, *queries: str, whole: bool = False) -> Provider:
        """The rows so far, registered with the columns that queries over them mention, or whole.

        What a relation costs per execution grows with its columns, also those that nobody reads.
        """
        wanted = mentioned(*queries) | {ROW}
        fields = [field for field in self.schema if whole or field.name in wanted]
        return Provider(self._connection, self._name, pa.schema(fields))

    def add(self, name: str, sql: str, *, over: str | None = None, keeps: bool) -> None:
        """Prepare a model whose query reads the one before it by name; over: the same in OVER form."""
        source = self.source(*([sql] if over is None else [sql, over]), whole=not keeps)
        shape = self._connection.sql(f"select * from ({sql}) limit 0").to_arrow_table().schema
        columns = "*"
        if keeps:
            new = [field for field in shape if field.name not in source.schema.names]
            columns = ", ".join([ROW, *(field.name for field in new)])
            shape = pa.schema([*self.schema, *new])
        self._connection.execute(f"prepare chain_{name} as select {columns} from ({sql})")
        if over is not None:
            self._connection.execute(f"prepare chain_over_{name} as select {columns} from ({over})")
        self._links.append(_Link(name, source, shape, keeps))
        self._name, self.schema = name, shape

    def run(self, batch: pa.Table, *, over: bool, halfway: Callable[[], None] = lambda: None) -> pa.Table:
        """Compute every model for a batch; gives the last one's rows. `halfway` is called when half of them are done.

        Raises RiskwaveError when a model gives more or fewer rows than it was given.
        """
        rows = batch
        for place, link in enumerate(self._links):
            if place == len(self._links) // 2:
                halfway()
            link.source.put(rows)
            form = "chain_over_" if over and place else "chain_"
            found = in_order(fetch(self._connection, f"{form}{link.name}"), rows.num_rows, link.name)
            link.source.clear()
            if link.keeps:
                new = [name for name in found.column_names if name != ROW]
                columns = [*rows.columns, *(found.column(name) for name in new)]
                found = pa.Table.from_arrays(columns, schema=link.schema)
            rows = found
        return rows
