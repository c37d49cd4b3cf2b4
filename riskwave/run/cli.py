"""`riskwave run` and `riskwave demo`."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
from rich.console import Console

from riskwave.alerts.store import alerts_path
from riskwave.batch.progress import saying
from riskwave.contracts import CardProfile, Device, Label
from riskwave.control import control_path
from riskwave.control.warming import WarmingRule
from riskwave.engine.archive import archive_folder
from riskwave.engine.engine import Engine
from riskwave.engine.journal import journal_folder
from riskwave.engine.state import is_database, read_offsets
from riskwave.errors import RiskwaveError
from riskwave.run.alerts import raising_alerts
from riskwave.run.labels import LabelFeed
from riskwave.run.loop import Limits, run_loop
from riskwave.run.meter import Meter
from riskwave.run.show import Progress, show_summary
from riskwave.run.summary import Summary, summarise
from riskwave.sources import Source, load_mapping, open_source, read_labels, read_table
from riskwave.tracing import open_tracing


@dataclass(frozen=True)
class Inputs:
    """What a run reads: payments, and beside them labels, profiles and devices where there are any."""

    source: Source
    labels: tuple[str, pa.Table] | None
    profiles: pa.Table | None
    devices: pa.Table | None
    total: int | None


def open_inputs(
    source: str, mapping: Path | None, labels: str | None, profiles: str | None, devices: str | None, *, follow: bool
) -> Inputs:
    """Open a source and read what goes with it. The simulator brings all four."""
    if source.startswith("sim:"):
        from riskwave.simulator.source import SimulatorSource

        simulator = SimulatorSource(source)
        bank = simulator.bank
        return Inputs(simulator, (source, bank.labels), bank.profiles, bank.devices, len(bank.arrivals))
    mapped = load_mapping(mapping) if mapping else None
    given: tuple[str, pa.Table] | None = None
    if labels is not None:
        given = (labels, read_table(labels, Label))
    elif mapped is not None and mapped.label is not None:
        if source.startswith("kafka://") or source == "-":
            raise RiskwaveError(
                f"{mapping}: `label:` takes labels from files, and {source} has no end to read them to first; "
                "give them by --labels, or take the section out"
            )
        given = (source, read_labels(source, mapped))
    return Inputs(
        open_source(source, mapping=mapped, follow=follow),
        given,
        read_table(profiles, CardProfile) if profiles else None,
        read_table(devices, Device) if devices else None,
        None,
    )


def run_state(
    state: Path, inputs: Inputs, *, limits: Limits, console: Console, memory: str, alerts: bool = False
) -> tuple[Meter, Summary, list[WarmingRule]]:
    """Run inputs into a state; gives the run's meter, the state's figures, and the rules that are warming.

    alerts: also take alerts in while it runs.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    with saying(console) as say:
        engine = Engine(state, memory=memory, say=say)
    try:
        if inputs.profiles is not None:
            engine.add_facts("card_profiles", inputs.profiles)
        if inputs.devices is not None:
            engine.add_facts("devices", inputs.devices)
        feed = None
        if inputs.labels is not None:
            name, table = inputs.labels
            feed = LabelFeed(name, table)
            feed.next = read_offsets(engine.connection, feed.name).get(0, 0)
        raising = raising_alerts(engine, state) if alerts else nullcontext(lambda outcome: None)
        with raising as told, Progress(console, inputs.total) as progress:
            meter = run_loop(engine, inputs.source, labels=feed, limits=limits, tell=progress, told=told)
        return meter, summarise(engine.connection, **engine.relations()), engine.warming()
    finally:
        engine.close()


def run_command(
    source: Annotated[str, typer.Option(help="kafka://host:port/topic, a file or folder, - for stdin, or sim:…")],
    state: Annotated[Path, typer.Option(help="The state file; made when it is not there.")] = Path("riskwave.duckdb"),
    mapping: Annotated[Path | None, typer.Option("--map", help="Mapping of foreign columns (YAML).")] = None,
    labels: Annotated[str | None, typer.Option(help="Labels: Parquet, CSV, JSON lines or a PostgreSQL table.")] = None,
    profiles: Annotated[str | None, typer.Option(help="Card profiles, likewise.")] = None,
    devices: Annotated[str | None, typer.Option(help="Devices, likewise.")] = None,
    follow: Annotated[bool, typer.Option(help="Wait for more at the end of a growing file.")] = False,
    max_events: Annotated[int | None, typer.Option(min=1, help="Stop after so many events.")] = None,
    until_idle: Annotated[bool, typer.Option(help="Stop when nothing more is waiting.")] = False,
    memory: Annotated[str, typer.Option(help="Most memory DuckDB may take, such as 1GB.")] = "1GB",
    alerts: Annotated[
        bool, typer.Option("--alerts", help="Take alerts in meanwhile, for `riskwave alerts run` beside.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Decide a stream of payments with the embedded engine; started again, it goes on where it was.

    Example: riskwave run --source kafka://127.0.0.1:9092/payments --state bank.duckdb

    Example: riskwave run --source payments.csv.gz --map mapping.yml --state bank.duckdb
    """
    console = Console(stderr=as_json)
    open_tracing("riskwave-run")
    inputs = open_inputs(source, mapping, labels, profiles, devices, follow=follow)
    limits = Limits(events=max_events, until_idle=until_idle)
    meter, summary, warming = run_state(state, inputs, limits=limits, console=console, memory=memory, alerts=alerts)
    _report(console, meter, summary, warming, state, as_json=as_json)


def demo_command(
    events: Annotated[int, typer.Option(help="How many payments the simulated bank sees.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Another seed is another bank.")] = 7,
    folder: Annotated[Path, typer.Option("--dir", help="Where the state goes; one that is there is replaced.")] = Path(
        "demo"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Simulate a bank's payments, decide them, and say how well that went.

    Example: riskwave demo --events 200000
    """
    console = Console(stderr=as_json)
    state = folder / "state.duckdb"
    if state.exists() and not is_database(state):
        raise RiskwaveError(f"{state}: not a Riskwave state, so the demo does not replace it; choose another --dir")
    Path(f"{state}.wal").unlink(missing_ok=True)
    # Alerts are of the old bank's payments, as its thresholds are.
    for old in (state, control_path(state), alerts_path(state)):
        for file in (old, Path(f"{old}-wal"), Path(f"{old}-shm")):
            file.unlink(missing_ok=True)
    for folder_of_old in (journal_folder(state), archive_folder(state)):
        shutil.rmtree(folder_of_old, ignore_errors=True)
    with console.status(f"simulating a bank with {events:,} payments") if console.is_terminal else nullcontext():
        inputs = open_inputs(f"sim:?events={events}&seed={seed}", None, None, None, None, follow=False)
    console.print(f"a simulated bank: {inputs.total:,} payments, decided by the models in models/", highlight=False)
    meter, summary, warming = run_state(state, inputs, limits=Limits(), console=console, memory="1GB")
    _report(console, meter, summary, warming, state, as_json=as_json)
    if not as_json:
        called = Path(sys.argv[0])
        command = str(called.relative_to(Path.cwd())) if called.is_relative_to(Path.cwd()) else str(called)
        console.print(
            "\nnext, the last decisions with their reasons, and the proof by a dbt batch run:", highlight=False
        )
        console.print(f"  [bold]{command} decisions --state {state}[/bold]", highlight=False)
        console.print(f"  [bold]{command} parity {state} batch[/bold]", highlight=False)


def _report(
    console: Console, meter: Meter, summary: Summary, warming: list[WarmingRule], state: Path, *, as_json: bool
) -> None:
    if not as_json:
        show_summary(console, summary, meter, warming, str(state))
        return
    figures: dict[str, Any] = {
        "state": str(state),
        "received": meter.received,
        "duplicates": meter.duplicates,
        "rejected": meter.rejected,
        "decided": meter.decided,
        "superseding": meter.superseding,
        "degraded": meter.degraded,
        "seconds": round(meter.seconds, 3),
        "events_per_s": round(meter.rate, 1),
        "latency_p50_ms": round(meter.latency_ms(0.5), 1),
        "latency_p99_ms": round(meter.latency_ms(0.99), 1),
        "warming": [
            {**asdict(rule), "since": rule.since.isoformat(), "until": rule.until.isoformat()} for rule in warming
        ],
        "summary": summary.as_dict(),
    }
    typer.echo(json.dumps(figures, indent=2, default=str))
