"""`riskwave audit`: who did and looked at what, and whether the log is as it was written."""

from __future__ import annotations

from typing import Annotated

import typer

from riskwave.control.options import STATE, Json, State
from riskwave.control.rules_show_cli import audit_command

audit_app = typer.Typer(
    no_args_is_help=True,
    help="The audit log: changes, and looks at entities.\n\nExample: riskwave audit verify --state bank.duckdb",
)


@audit_app.command("show")
def show_command(
    subject: Annotated[str | None, typer.Option(help="Of this only: card:c1, a revision, list or rule.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Show the last entries.

    Example: riskwave audit show --subject card:c0000045 --state bank.duckdb
    """
    audit_command(check=False, subject=subject, last=last, state=state, as_json=as_json)


@audit_app.command("verify")
def verify_command(state: State = STATE, as_json: Json = False) -> None:
    """Hash the log anew; exit 1 when a row was changed, removed or put in between.

    Example: riskwave audit verify --state bank.duckdb
    """
    audit_command(check=True, state=state, as_json=as_json)
