"""`riskwave thresholds`: the values that rules compare with, while the stream runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from riskwave.control.contradiction import contradictions
from riskwave.control.options import EMBEDDED, STATE, Author, Json, State, Target, Why, echo_json, opened, show, when
from riskwave.control.thresholds import live_thresholds, set_threshold, threshold_history

thresholds_app = typer.Typer(
    no_args_is_help=True,
    help="The values that rules compare with; edits are live at once.\n\nExample: riskwave thresholds list",
)


@thresholds_app.command("list")
def list_command(
    rule: Annotated[str | None, typer.Argument(help="One rule's only.")] = None,
    state: State = STATE,
    target: Target = EMBEDDED,
    as_json: Json = False,
) -> None:
    """List the thresholds in force: value, bounds, and who changed it last and why.

    Example: riskwave thresholds list card_velocity --state bank.duckdb
    """
    with opened(state, read_only=True, target=target) as control:
        found = live_thresholds(control, rule=rule)
        wrong = contradictions(control)
    if as_json:
        echo_json([{**asdict(one), "wrong": wrong.get((one.revision, one.rule))} for one in found])
        return
    several = len({one.revision for one in found}) > 1
    show(
        ["threshold", "value", "pack", "min", "max", "unit", "since (UTC)", "by", "why", *(["in"] if several else [])],
        [
            (
                *(f"{one.rule}.{one.name}", one.value, one.default, one.min, one.max, one.unit),
                *(when(one.since), one.author, one.why),
                *([f"{one.state} {one.revision}"] if several else []),
            )
            for one in found
        ],
        empty="no thresholds: nothing is published",
    )
    for (revision, name), why in wrong.items():
        if any((one.revision, one.rule) == (revision, name) for one in found):
            typer.echo(f"note: {name} {why}")


@thresholds_app.command("set")
def set_command(
    rule: Annotated[str, typer.Argument(help="The rule.")],
    name: Annotated[str, typer.Argument(help="Its threshold.")],
    value: Annotated[str, typer.Argument(help="The new value.")],
    why: Why,
    revision: Annotated[str | None, typer.Option(help="In this ruleset only; else in all in force.")] = None,
    state: State = STATE,
    target: Target = EMBEDDED,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Set a threshold; a running engine decides by it from its next batch on.

    Example: riskwave thresholds set card_velocity max_count 10 --why "a sale this weekend" --state bank.duckdb
    """
    with opened(state, target=target) as control:
        edits = set_threshold(control, rule, name, value.strip(), why=why, author=author, revision=revision)
    if as_json:
        echo_json(edits)
        return
    for edit in edits:
        done = "was so already" if edit.before == edit.after else f"was {edit.before}"
        typer.echo(f"{rule}.{name}: {edit.after} ({done}) in {edit.revision}, control_version {edit.control_version}")


@thresholds_app.command("history")
def history_command(
    rule: Annotated[str | None, typer.Argument(help="One rule's only.")] = None,
    name: Annotated[str | None, typer.Argument(help="One threshold only.")] = None,
    state: State = STATE,
    target: Target = EMBEDDED,
    as_json: Json = False,
) -> None:
    """Every value that thresholds had: from when to when, by whom and why.

    Example: riskwave thresholds history card_velocity max_count --state bank.duckdb
    """
    with opened(state, read_only=True, target=target) as control:
        found = threshold_history(control, rule, name)
    if as_json:
        echo_json(found)
        return
    show(
        ["threshold", "value", "from (UTC)", "to (UTC)", "version", "by", "why", "revision"],
        [
            (
                *(f"{one.rule}.{one.name}", one.value, when(one.valid_from), when(one.valid_to)),
                *(one.control_version, one.author, one.why, one.revision),
            )
            for one in found
        ],
        empty="no thresholds yet",
    )
