"""What a deployment is scored by: the function risk_score there, asked."""

from __future__ import annotations

import typer

from riskwave.risingwave.dsn import deployment_address
from riskwave.risingwave.server import Server, connected
from riskwave.scoring.function import FUNCTION, MODEL
from riskwave.scoring.layout import layout


def scored_by(server: Server) -> str | None:
    """Model and version online, as decisions there name it; None where nothing is scored, or no server answers."""
    found = server.rows(
        "select 1 from rw_catalog.rw_functions as f join rw_catalog.rw_schemas as s on s.id = f.schema_id "
        "where s.name = %s and f.name = %s",
        [server.schema, FUNCTION],
    )
    if not found:
        return None
    numbers = ", ".join(["null::double precision"] * len(layout().numbers))
    texts = ", ".join(["null::varchar"] * len(layout().texts))
    # A card of its own: a canary may score it.
    asked = f'"{server.schema}".{FUNCTION}(%s, %s, array[{numbers}], array[{texts}])'
    row = server.rows(f"select ({asked}).version", [MODEL, "riskwave-asks"])
    return None if row[0][0] is None else str(row[0][0])


def say_scored_by(target: str) -> None:
    """Say on standard error what the deployment is scored by from now on."""
    with connected(deployment_address(None if target == "risingwave" else target)) as server:
        version = scored_by(server)
    said = "nothing: is its scoring server up, and of this folder? docs/scoring.md" if version is None else version
    typer.echo(f"RisingWave: scored by {said}", err=True)
