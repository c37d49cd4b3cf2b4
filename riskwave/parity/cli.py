"""`riskwave parity`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from riskwave.batch.progress import saying
from riskwave.errors import RiskwaveError
from riskwave.parity.compare import compare
from riskwave.parity.report import draw


def parity_command(
    left: Annotated[str, typer.Argument(help="A state file, a Parquet file or folder, batch, or a RisingWave DSN.")],
    right: Annotated[str, typer.Argument(help="The other side, likewise.")],
    archive: Annotated[
        Path | None, typer.Option(help="What the batch runs over: an archive's folder, not the other side itself.")
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Values shown of a column that differs.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Compare the features and decisions of two runs; exit 1 when any differ, 2 when a side cannot be used.

    Example: riskwave parity bank.duckdb batch

    Example: riskwave parity bank.duckdb risingwave://root@127.0.0.1:4566/dev

    Example: riskwave parity risingwave://root@127.0.0.1:4566/dev batch --archive history
    """
    try:
        with saying(Console(stderr=True)) as say:
            report = compare(left, right, archive=archive, examples=examples, say=say)
    except RiskwaveError as error:
        typer.echo(f"riskwave: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2, default=str))
    elif report.equal:
        typer.echo(report.line)
    else:
        draw(Console(), report)
    if not report.equal:
        raise typer.Exit(1)
