"""Rows of prepared statements as Arrow, without a detour."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from duckdb import _seam


def fetch(connection: duckdb.DuckDBPyConnection, name: str) -> pa.Table:
    """The rows of a prepared statement.

    DuckDB 2.0's public calls run an EXECUTE, keep its rows and read them once more through a statement of their own:
    about a millisecond that a small batch pays a dozen times. This is the call beneath them; a release without it
    fails here at import, and `connection.sql(f"execute {name}").to_arrow_table()` says the same.
    """
    table: pa.Table = _seam.submit(connection, f"execute {name}", None, "arrow").arrow_table()
    return table
