"""`riskwave bench`."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from riskwave.bench.edits import analysts
from riskwave.bench.measure import Part, backlog, batch_seconds, cost_ms, live, peak_memory, seed
from riskwave.bench.stream import Offered, StreamReport, measure_stream
from riskwave.engine.engine import Engine
from riskwave.engine.plan import make_plan
from riskwave.errors import RiskwaveError
from riskwave.project import compiled_project
from riskwave.simulator.bank import simulate

Target = Literal["embedded", "risingwave"]


def bench_command(
    history: Annotated[
        int, typer.Option(help="Events of history in the state before anything is measured.")
    ] = 1_000_000,
    events: Annotated[int, typer.Option(help="Events of the backlog.")] = 200_000,
    kafka: Annotated[str | None, typer.Option(help="host:port of a broker, to measure latency over a topic.")] = None,
    rate: Annotated[int, typer.Option(help="Events a second offered over the topic.")] = 2_000,
    seconds: Annotated[int, typer.Option(help="How long they are offered.")] = 30,
    edits: Annotated[int, typer.Option(help="Then again, while so many thresholds are edited.")] = 0,
    publishes: Annotated[int, typer.Option(help="... and so many rulesets published.")] = 0,
    target: Annotated[Target, typer.Option(help="What is measured: the embedded engine, or RisingWave.")] = "embedded",
    dsn: Annotated[
        str, typer.Option(envvar="RISINGWAVE_DSN", help="With --target risingwave: the server.")
    ] = "risingwave://root@127.0.0.1:4566/dev",
    rates: Annotated[
        str, typer.Option(help="With --target risingwave: events a second offered, one rate after another.")
    ] = "1000,3100",
    kafka_there: Annotated[
        str | None, typer.Option(help="host:port of the broker as RisingWave reaches it, where that is another.")
    ] = None,
    scoring_server: Annotated[
        str, typer.Option(help="With --target risingwave: http://host:port of a scoring server.")
    ] = "",
    scaling: Annotated[
        bool, typer.Option(help="Also the cost of an event with half and with five times as much history.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure this machine: a backlog, latency over a topic, memory, and DuckDB's batch beside them.

    Example: riskwave bench --history 1000000 --kafka 127.0.0.1:9092

    Example: riskwave bench --target risingwave --kafka 127.0.0.1:9092 --rates 1000,3100,5000 --seconds 60
    """
    console = Console(stderr=True)
    if target == "risingwave":
        _bench_stream(console, dsn, kafka, kafka_there, rates, seconds, scoring_server, as_json=as_json)
        return
    plan = make_plan(compiled_project())
    figures: dict[str, Any] = {"history": history, "cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="riskwave-bench-") as scratch:
        folder = Path(scratch)
        offered = rate * seconds if kafka else 0
        extra = events // 4
        total = history + events + offered * (2 if edits or publishes else 1) + extra
        console.print(f"simulating {total:,} payments", highlight=False)
        arrivals = simulate(total, 11).arrivals
        past, queue = Part(arrivals, 0, history), Part(arrivals, history, events)
        console.print(f"making {history:,} events of history", highlight=False)
        engine = Engine(folder / "state.duckdb", plan=plan)
        seed(engine, past)
        engine.close()
        engine = Engine(folder / "state.duckdb", plan=plan)
        console.print(f"a backlog of {events:,}", highlight=False)
        meter = backlog(engine, queue)
        figures |= {"backlog_events_per_s": meter.rate, "backlog_batch_p50_ms": meter.latency_ms(0.5)}
        if kafka:
            console.print(f"{rate:,} events/s over {kafka} for {seconds} s", highlight=False)
            meter = live(engine, Part(arrivals, history + events, offered), kafka, rate)
            figures |= {
                "live_rate": rate,
                "live_p50_ms": meter.latency_ms(0.5),
                "live_p99_ms": meter.latency_ms(0.99),
                "live_events_per_batch": meter.received / max(meter.batches, 1),
            }
            if edits or publishes:
                console.print(f"the same, with {edits} edits of thresholds and {publishes} publishes", highlight=False)
                work = analysts(folder / "state.duckdb", edits=edits, publishes=publishes, seconds=seconds)
                part = Part(arrivals, history + events + offered, offered)
                meter = live(engine, part, kafka, rate)
                work.join()
                if work.exitcode:
                    raise RiskwaveError(f"the process that edits ended with {work.exitcode}")
                figures |= {
                    "edited_p50_ms": meter.latency_ms(0.5),
                    "edited_p99_ms": meter.latency_ms(0.99),
                    "edited_to_quiet_p99": meter.latency_ms(0.99) / figures["live_p99_ms"],
                    "edited_control_versions": engine.ruling.control_version,
                    "edited_undecided": part.count - meter.decided - meter.duplicates - meter.rejected,
                }
        engine.close()
        figures["state_mb"] = (folder / "state.duckdb").stat().st_size / 1e6
        console.print("memory, in a process of its own", highlight=False)
        later = Part(arrivals, total - extra, extra)
        figures["peak_memory_mb"] = peak_memory(later, folder / "state.duckdb", folder) / 1e6
        console.print(f"DuckDB's batch over the same {events:,}", highlight=False)
        figures["batch_events_per_s"] = events / batch_seconds(plan, queue, folder)
        figures["backlog_to_batch"] = figures["backlog_events_per_s"] / figures["batch_events_per_s"]
        if scaling:
            figures |= _scaling(console, plan, folder, history)
    figures["load_after"] = os.getloadavg()[0]
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    _show(figures)


def _show(figures: dict[str, Any]) -> None:
    table = Table("figure", "value", box=None, header_style="bold")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.2f}" if isinstance(value, float) else f"{value:,}")
    Console().print(table)


def _rates(text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise RiskwaveError(f"--rates {text}: expected events a second, such as 1000,3100")
    return found


def _bench_stream(
    console: Console,
    dsn: str,
    kafka: str | None,
    kafka_there: str | None,
    rates: str,
    seconds: int,
    scoring_server: str,
    *,
    as_json: bool,
) -> None:
    if kafka is None:
        raise RiskwaveError("--target risingwave: needs --kafka host:port, where payments are offered")
    variables = {"scoring_server": scoring_server} if scoring_server else {}
    given = Offered(kafka, kafka_there or kafka, _rates(rates), seconds, variables)
    _show_stream(console, measure_stream(dsn, given, say=console.print), as_json=as_json)


def _show_stream(console: Console, report: StreamReport, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
        return
    table = Table("offered/s", "decided/s", "p50 ms", "p99 ms", "waiting", "growth/s", "one row", "undecided", box=None)
    for each in report.rates:
        figures = (each.decided_per_s, each.p50_ms, each.p99_ms, each.behind, each.growth_per_s)
        table.add_row(f"{each.rate:,}", *(f"{f:,.0f}" for f in figures), f"{each.one_row:.1%}", f"{each.undecided:,}")
    Console().print(table)
    console.print(f"DuckDB's batch over the same {report.events:,}: {report.batch_events_per_s:,.0f} events/s")


def _scaling(console: Console, plan: Any, folder: Path, history: int) -> dict[str, float]:
    """The cost of batches over half as much and five times as much history, with as many events a card.

    Batches of the two are decided in turns, so that a machine that is busy now and then is so for both.
    """
    engines: dict[str, Engine] = {}
    queues: dict[str, Part] = {}
    for name, size in (("small", history // 2), ("large", history * 5)):
        console.print(f"making {size:,} events of history", highlight=False)
        arrivals = simulate(size + 80_000, 13).arrivals
        path = folder / f"{name}.duckdb"
        engine = Engine(path, plan=plan)
        seed(engine, Part(arrivals, 0, size))
        engine.close()
        queues[name] = Part(arrivals, size, 80_000)
        engines[name] = Engine(path, plan=plan)
    result = {}
    start = 0
    for rows, times in ((1_000, 5), (1_000, 25), (5_000, 9)):
        costs: dict[str, list[float]] = {"small": [], "large": []}
        for _ in range(times):
            for name, engine in engines.items():
                costs[name].append(cost_ms(engine, queues[name], start, rows))
            start += rows
        for name, taken in costs.items():
            result[f"cost_ms_per_{rows}_{name}"] = median(taken)
        result[f"cost_ratio_{rows}"] = median(costs["large"]) / median(costs["small"])
    for engine in engines.values():
        engine.close()
    return result
