"""A query without the columns that it passes along and nobody reads: DuckDB plans it anew for every batch."""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify


def narrowed(sql: str, schema: Mapping[str, Mapping[str, str]]) -> str:
    """The same query with every * spelled out as the columns in use; as it was where that cannot be told.

    schema: types of columns by relation.
    """
    try:
        tree = qualify(
            sqlglot.parse_one(sql, read="duckdb"),
            schema={name: dict(columns) for name, columns in schema.items()},
            dialect="duckdb",
            quote_identifiers=False,
        )
        return pushdown_projections(tree).sql(dialect="duckdb", comments=False)
    except SqlglotError:
        return sql
