"""The models from accepted payments to what was known of each, as views and tables of a database, without dbt."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb

from riskwave.engine.state import LANDING
from riskwave.project import Model

STAGED, KNOWN = "stg_payments", "decision_input"


def behind(models: Mapping[str, Model]) -> set[str]:
    """What decision_input is made of, itself among it, back to stg_payments and the landing tables."""
    needed = {KNOWN}
    for name in reversed(list(models)):
        if name in needed and name != STAGED:
            needed |= set(models[name].reads)
    return needed


def derive(
    connection: duckdb.DuckDBPyConnection, models: Mapping[str, Model], tell: Callable[[str], None] = lambda name: None
) -> None:
    """Make decision_input, a view, where stg_payments and the landing tables are; tell: of each model's name."""
    needed = behind(models)
    for name, model in models.items():
        if name in needed and name != STAGED and name not in LANDING:
            tell(name)
            kind = "table" if model.materialized == "table" and name != KNOWN else "view"
            connection.execute(f"create {kind} {name} as {model.sql}").fetchall()
