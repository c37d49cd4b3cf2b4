"""A state that no process has open: what it decided since the last time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from riskwave.alerts.feed import catch_up
from riskwave.alerts.store import AlertStore
from riskwave.batch.history import attach_state, whole
from riskwave.batch.running import is_held

_CATALOG = "riskwave_state"


def catch_up_with(store: AlertStore, state: Path, now: datetime) -> int | None:
    """Take in what a state decided; gives the alerts raised, None when there is none or a process has it open.

    Who has it open takes alerts in itself (`riskwave serve`, `riskwave run --alerts`).
    """
    if not state.is_file():
        return None
    try:
        duckdb.connect(str(state), read_only=True).close()
    except duckdb.Error as fault:
        if is_held(fault):
            return None
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        attach_state(connection, state, _CATALOG)
        for table in ("decisions", "stg_payments"):
            query = whole(connection, _CATALOG, state, table)
            if query is None:
                return None
            connection.execute(f"create temp view {table} as {query}").fetchall()

        def rows(sql: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
            result = connection.execute(sql, dict(given))
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

        return catch_up(store, rows, now)
