"""`riskwave simulate`."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer
from rich.console import Console
from rich.table import Table

from riskwave.errors import RiskwaveError
from riskwave.simulator.arrow import pc
from riskwave.simulator.bank import FRAUD_SHARE, SimulatedBank, simulate
from riskwave.simulator.report import AUC_LIMIT, Line, report
from riskwave.simulator.write import Format, write


def simulate_command(
    *,
    events: Annotated[int, typer.Option(help="Distinct payments.")] = 100_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    out: Annotated[Path | None, typer.Option(help="Folder for the four files.")] = None,
    format_: Annotated[str, typer.Option("--format", help="parquet, jsonl or csv.")] = "parquet",
    days: Annotated[int, typer.Option(help="Days of history from 2026-01-01.")] = 30,
    fraud_share: Annotated[float, typer.Option(help="Share of fraudulent payments.")] = FRAUD_SHARE,
    duplicates: Annotated[float, typer.Option(help="Share sent twice, on top.")] = 0.0,
    late: Annotated[float, typer.Option(help="Share that arrives minutes to a day late.")] = 0.0,
    out_of_order: Annotated[float, typer.Option(help="Share that arrives up to two minutes late.")] = 0.0,
    malformed: Annotated[float, typer.Option(help="Share of unusable rows, on top.")] = 0.0,
    drift: Annotated[
        str,
        typer.Option(help="What changes, from a day on: new_attack@day15,amount_shift:1.5@day20."),
    ] = "",
    show_report: Annotated[
        bool, typer.Option("--report", help="Per scenario, the AUC of its best single feature.")
    ] = False,
    features: Annotated[
        Path | None, typer.Option(help="Parquet with event_id and features to try in the report too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A summary for machines.")] = False,
) -> None:
    """Simulate a bank: payments, card profiles, devices, and labels that arrive late.

    Example: riskwave simulate --events 100000 --seed 7 --out demo/bank --late 0.02 --duplicates 0.01
    """
    if out is None and not show_report:
        raise RiskwaveError("nothing to do: give --out DIR to write files, --report, or both")
    if features is not None and not show_report:
        raise RiskwaveError("--features: only the report uses it; add --report")
    began = time.perf_counter()
    console = Console(stderr=True)
    with console.status("simulating") as status:

        def tell(step: str) -> None:
            status.update(f"simulating {events:,} payments: {step}")

        bank = simulate(
            events,
            seed,
            days=days,
            fraud_share=fraud_share,
            duplicates=duplicates,
            late=late,
            out_of_order=out_of_order,
            malformed=malformed,
            drift=drift,
            progress=tell,
        )
        tell("writing")
        files = write(bank, out, _format(format_)) if out is not None else []
        seconds = time.perf_counter() - began
        tell("report")
        lines = report(bank, features) if show_report else []
    summary = _summary(bank, events, seconds, files)
    if as_json:
        summary["report"] = [{**asdict(line), "auc": line.auc, "holds": line.holds} for line in lines]
        typer.echo(json.dumps(summary))
    else:
        _show(Console(), summary, lines)
    if not all(line.holds for line in lines):
        raise typer.Exit(1)


def _format(name: str) -> Format:
    for known in get_args(Format):
        if name == known:
            return cast(Format, known)
    raise RiskwaveError(f"--format: {name!r} is unknown; give {', '.join(get_args(Format))}")


def _summary(bank: SimulatedBank, events: int, seconds: float, files: list[Path]) -> dict[str, Any]:
    fraud = int(pc.sum(pc.equal(bank.labels["verdict"], "fraud")).as_py() or 0)
    # A new attack's payments come on top of those asked for.
    distinct = events + bank.added
    rows = len(bank.transactions) + round(len(bank.transactions) * bank.disorder.malformed)
    return {
        "events": distinct,
        "rows": rows,
        "duplicates": len(bank.transactions) - distinct,
        "malformed": rows - len(bank.transactions),
        "cards": len(bank.profiles["card_id"].unique()),
        "devices": len(bank.devices["device_id"].unique()),
        "labels": len(bank.labels),
        "fraud_events": fraud,
        "fraud_share": round(fraud / distinct, 5),
        "episodes": bank.episodes,
        "seconds": round(seconds, 3),
        "events_per_second": round(distinct / max(seconds, 1e-9)),
        "files": [str(path) for path in files],
    }


def _show(console: Console, summary: dict[str, Any], lines: list[Line]) -> None:
    console.print(
        f"{summary['events']:,} payments of {summary['cards']:,} cards, "
        f"{summary['fraud_events']:,} fraudulent in {summary['episodes']:,} episodes "
        f"({summary['fraud_share']:.2%}), {summary['duplicates']:,} sent twice, "
        f"{summary['malformed']:,} malformed; {summary['events_per_second']:,} events/s"
    )
    for path in summary["files"]:
        console.print(f"  {path}", soft_wrap=True)
    if not lines:
        return
    table = Table(title=f"Best single feature per scenario (limit {AUC_LIMIT}, card testing excepted)")
    for title in ("scenario", "best feature"):
        table.add_column(title, overflow="fold")
    for title in ("AUC", "episodes", "events"):
        table.add_column(title, justify="right")
    for line in lines:
        feature = line.best[0][0] if line.best else "-"
        mark = "" if line.holds else " above"
        table.add_row(line.scenario, feature, f"{line.auc:.3f}{mark}", f"{line.episodes}", f"{line.events}")
    console.print(table)
