"""`riskwave control`: what the control store says, and what is in force on RisingWave."""

from __future__ import annotations

import typer

from riskwave.control.options import STATE, Json, State, Target, echo_json, show
from riskwave.control.store import Control, control_path
from riskwave.risingwave.dsn import deployment_address
from riskwave.risingwave.governed import governed
from riskwave.risingwave.server import connected
from riskwave.risingwave.sync import steps_left

control_app = typer.Typer(
    no_args_is_help=True,
    help="The control store and RisingWave: is what it says in force there.\n\nExample: riskwave control sync",
)


@control_app.command("sync")
def sync_command(state: State = STATE, target: Target = "risingwave", as_json: Json = False) -> None:
    """Put what the control store says in force on RisingWave: after an interruption, and after edits by hand there.

    Example: riskwave control sync --state bank.duckdb
    """
    with governed(control_path(state), target) as control:
        version = control.version
    if as_json:
        echo_json({"control_version": version})


@control_app.command("status")
def status_command(state: State = STATE, target: Target = "risingwave", as_json: Json = False) -> None:
    """Say whether what the control store says is in force, and what a sync would do; exit 1 when it would do something.

    Example: riskwave control status --state bank.duckdb
    """
    with (
        connected(deployment_address(None if target == "risingwave" else target)) as server,
        Control.open(control_path(state), read_only=True) as control,
    ):
        version, left = control.version, steps_left(control, server)
    if as_json:
        echo_json({"control_version": version, "in_force": not left, "steps": [str(step) for step in left]})
    else:
        show(["left to do"], [(str(step),) for step in left], empty=f"control_version {version} is in force")
    if left:
        raise typer.Exit(1)
