"""`riskwave deploy`: bring RisingWave to what the project says, without losing or deciding anew."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated, Any

import typer
import yaml

from riskwave.control.options import STATE, Json, State, Target, echo_json, show
from riskwave.control.store import Control, control_path
from riskwave.errors import RiskwaveError
from riskwave.risingwave.changes import unchanged
from riskwave.risingwave.deploy import deploy, has_rules, look, planned
from riskwave.risingwave.dsn import deployment_address
from riskwave.risingwave.project import compiled_for
from riskwave.risingwave.relations import relations
from riskwave.risingwave.server import connected
from riskwave.risingwave.sync import adopt


def deploy_command(
    variables: Annotated[
        str, typer.Option("--vars", help="As `dbt run --vars` takes them: kafka_bootstrap, topics, scoring_server.")
    ] = "{}",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    state: State = STATE,
    target: Target = "risingwave",
    as_json: Json = False,
) -> None:
    """Deploy the project to RisingWave: what is missing is made; what has changed is made beside the old, and swapped.

    What was known and decided stays as it was said. Interrupted, the same command does what is left.

    Example: riskwave deploy --vars '{kafka_bootstrap: kafka:9092}' --dry-run
    """
    given = _variables(variables)
    address = deployment_address(None if target == "risingwave" else target)
    project = compiled_for(address, given)
    path = control_path(state)
    with connected(address, make=not dry_run) as server, ExitStack() as stack:
        opened: list[Control] = []

        def store() -> Control | None:
            if not opened:
                if not path.is_file():
                    if dry_run or not has_rules(relations(server)):
                        return None
                    for line in adopt(path, server):
                        typer.echo(f"note: not taken over: {line}", err=True)
                    typer.echo(f"note: {path} is made, of what RisingWave decides by", err=True)
                opened.append(stack.enter_context(Control.open(path)))
            return opened[0]

        if dry_run:
            steps = planned(server, store(), project)
            kept = unchanged(look(server, store()), project)
            if as_json:
                echo_json({"steps": [asdict(step) for step in steps], "unchanged": kept})
            else:
                rows = [(step.step, "" if step.rows is None else f"{step.rows:,}") for step in steps]
                show(["step", "rows to read"], rows, empty="nothing to do")
                typer.echo(f"{len(kept)} relations stay as they are")
            return

        def say(line: str) -> None:
            typer.echo(line, err=as_json)

        taken = deploy(server, project, given, store=store, say=say)
        if as_json:
            echo_json({"steps": taken})
        else:
            typer.echo(f"{taken} steps" if taken else "nothing to do")


def _variables(text: str) -> dict[str, Any]:
    try:
        given = yaml.safe_load(text) or {}
    except yaml.YAMLError as fault:
        raise RiskwaveError(f"--vars {text}: {' '.join(str(fault).split())}; write it as dbt has it") from fault
    if not isinstance(given, dict):
        raise RiskwaveError(f"--vars {text}: expected names with values, such as '{{kafka_bootstrap: kafka:9092}}'")
    return {str(name): value for name, value in given.items()}
