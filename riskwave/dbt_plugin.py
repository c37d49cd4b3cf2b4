"""What dbt-duckdb loads (profiles.yml): the functions that the models' SQL calls."""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from riskwave.scoring.function import open_scorer, register


class Plugin(BasePlugin):
    """Gives each connection `risk_score`, by the models that are online as dbt starts."""

    def configure_connection(self, conn: Any) -> None:
        """Called once, with dbt's connection."""
        register(conn, open_scorer())
