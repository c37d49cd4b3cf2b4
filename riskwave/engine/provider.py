"""Relations whose rows change from one execution of a prepared statement to the next."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa


class Provider:
    """A relation of DuckDB backed by whatever Arrow table it holds at the moment.

    Registered once, so that statements over it are planned once: DuckDB asks for the stream anew at each execution.
    The schema never changes. `table` is what it holds.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        schema: pa.Schema,
        beside: duckdb.DuckDBPyConnection | None = None,
    ) -> None:
        """beside: another connection that statements may read it by."""
        self.name = name
        self.schema = schema
        self._nothing = schema.empty_table()
        self.table = self._nothing
        connection.register(name, self)
        if beside is not None:
            beside.register(name, self)

    def put(self, table: pa.Table) -> None:
        """Hold these rows from now on; columns are taken by name, and the schema must hold."""
        self.table = table.select(self.schema.names)
        if self.table.schema != self.schema:
            self.table = self.table.cast(self.schema)

    def clear(self) -> None:
        """Hold no rows, and let the memory go."""
        self.table = self._nothing

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        return self.schema.__arrow_c_schema__()
