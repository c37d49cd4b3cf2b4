"""`riskwave batch`."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from riskwave.batch.batch import batch_of_inputs
from riskwave.batch.progress import saying
from riskwave.errors import RiskwaveError
from riskwave.run.cli import open_inputs


def batch_command(
    source: Annotated[str, typer.Option(help="A file or folder (Parquet, CSV, JSON lines), or sim:…")],
    out: Annotated[Path, typer.Option(help="The DuckDB file to make.")],
    mapping: Annotated[Path | None, typer.Option("--map", help="Mapping of foreign columns (YAML).")] = None,
    labels: Annotated[str | None, typer.Option(help="Labels: a file, a folder or a PostgreSQL table.")] = None,
    profiles: Annotated[str | None, typer.Option(help="Card profiles, likewise.")] = None,
    devices: Annotated[str | None, typer.Option(help="Devices, likewise.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Decide all payments of a source at once, by `dbt run` on DuckDB: for backfill, and to prove a stream by.

    Example: riskwave batch --source bank/transactions.parquet --labels bank/labels.parquet --out batch.duckdb
    """
    began = time.perf_counter()
    if source.startswith("kafka://"):
        raise RiskwaveError(f"--source {source}: a topic has no end; `riskwave run` decides it, a batch takes files")
    inputs = open_inputs(source, mapping, labels, profiles, devices, follow=False)
    try:
        with saying(Console(stderr=True)) as say:
            batch = batch_of_inputs(
                inputs.source,
                out,
                labels=inputs.labels[1] if inputs.labels else None,
                profiles=inputs.profiles,
                devices=inputs.devices,
                say=say,
            )
    finally:
        inputs.source.close()
    seconds = time.perf_counter() - began
    if as_json:
        typer.echo(json.dumps({"out": str(out), **asdict(batch), "seconds": round(seconds, 3)}, indent=2))
        return
    actions = ", ".join(f"{name} {count:,}" for name, count in batch.actions.items())
    typer.echo(
        f"{batch.received:,} received, {batch.duplicates:,} duplicates, {batch.rejected:,} rejected, "
        f"{batch.accepted:,} decided in {seconds:.1f} s: {actions or 'nothing'}"
    )
    typer.echo(f"{out}: stg_payments, rejected_events, decision_input, decisions")
