"""`riskwave doctor` on the terminal and as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from riskwave.doctor import machine, packages, services
from riskwave.doctor.finding import Finding
from riskwave.errors import RiskwaveError
from riskwave.project import project_dir


def doctor_command(
    kafka: Annotated[
        str | None, typer.Option(help="Look for a Kafka broker at host:port; then it must answer.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is installed, what is missing, and what each missing thing would enable.

    Ends with 1 when something required is missing: Python, its packages, the project, and what you name yourself
    with --kafka or RISINGWAVE_DSN.

    Example: riskwave doctor --kafka 127.0.0.1:9092
    """
    findings = examine(kafka)
    missing = [finding for finding in findings if finding.required and not finding.ok]
    if as_json:
        document = {"ok": not missing, "findings": [finding.as_dict() for finding in findings]}
        typer.echo(json.dumps(document, indent=2))
    else:
        _print(findings, missing)
    if missing:
        raise typer.Exit(1)


def examine(kafka: str | None) -> list[Finding]:
    """Look for everything; kafka: host:port of a broker."""
    return [
        packages.python(),
        *packages.packages(),
        _project(),
        services.broker(kafka),
        *services.broker_tools(),
        services.risingwave(),
        services.postgres(),
        services.compose(),
        machine.cores(),
        machine.memory(),
        machine.allocator(),
        machine.disk(Path.cwd()),
    ]


def _project() -> Finding:
    try:
        folder = project_dir()
    except RiskwaveError as error:
        return Finding("Project", "dbt_project.yml", "", False, True, "the models", str(error))
    shown = os.path.relpath(folder)
    return Finding("Project", "dbt_project.yml", "this folder" if shown == "." else shown, True, True, "the models")


def _print(findings: list[Finding], missing: list[Finding]) -> None:
    console = Console(highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=True, header_style="bold")
    for title in ("", "what", "found", "for"):
        table.add_column(title, overflow="fold")
    group = ""
    for finding in findings:
        if finding.group != group:
            group = finding.group
            table.add_row("", f"[bold]{group}[/bold]", "", "")
        mark = "[green]ok[/green]" if finding.ok else "[red]no[/red]" if finding.required else "[yellow]-[/yellow]"
        hint = f"\n[dim]{escape(finding.hint)}[/dim]" if finding.hint else ""
        table.add_row(mark, escape(finding.name), escape(finding.found), escape(finding.enables) + hint)
    console.print(table)
    optional = sum(not finding.ok for finding in findings) - len(missing)
    if missing:
        console.print(f"\n[red]missing and required: {', '.join(finding.name for finding in missing)}[/red]")
    else:
        console.print(f"\nready; {optional} optional thing{'' if optional == 1 else 's'} missing")
