"""The measurements: a backlog, a live topic, a batch, and what history costs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from riskwave.bench.kafka import Broker
from riskwave.engine.engine import Engine
from riskwave.engine.plan import Plan
from riskwave.engine.state import connect, create_landing
from riskwave.engine.store import Write
from riskwave.errors import RiskwaveError
from riskwave.run.loop import Limits, run_loop
from riskwave.run.meter import Meter
from riskwave.run.reader import Reader
from riskwave.scoring.function import open_scorer, register
from riskwave.simulator.arrivals import Arrivals
from riskwave.sources import open_source
from riskwave.sources.batch import FIELDS, RAW_SCHEMA, utc_now

STEP = 20_000


@dataclass(frozen=True)
class Part:
    """Rows [start, start + count) of a simulated bank's arrivals, as a bounded source."""

    arrivals: Arrivals
    start: int
    count: int

    def raw(self, start: int, count: int) -> pa.Table:
        """RAW_SCHEMA rows from `start` within the part."""
        rows = self.arrivals.rows(self.start + start, min(count, self.count - start))
        for name, value in (("source", "bench"), ("received_at", utc_now())):
            place = RAW_SCHEMA.get_field_index(name)
            field = RAW_SCHEMA.field(place)
            rows = rows.set_column(place, field, pa.repeat(pa.scalar(value, field.type), rows.num_rows))
        return rows

    def payments(self) -> Iterator[dict[str, Any]]:
        """What each row says of its payment, as it was sent."""
        for start in range(0, self.count, STEP):
            for row in self.raw(start, STEP).select(FIELDS).to_pylist():
                yield {name: value for name, value in row.items() if value is not None}


class PartSource:
    """A part as a Source."""

    name = "bench"
    bounded = True

    def __init__(self, part: Part) -> None:
        self._part, self._next = part, 0

    def seek(self, offsets: Any) -> None:
        """Parts are read from their start."""

    def poll(self, max_rows: int, timeout_s: float) -> pa.Table | None:
        """The next rows at once."""
        del timeout_s
        if self._next >= self._part.count:
            return None
        rows = self._part.raw(self._next, max_rows)
        self._next += rows.num_rows
        return rows

    def lag(self) -> int | None:
        """Rows left."""
        return self._part.count - self._next

    def close(self) -> None:
        """Nothing is open."""


def seed(engine: Engine, part: Part) -> None:
    """Make a part the state's history: staged, not decided. The engine is to be opened again afterwards."""
    for start in range(0, part.count, STEP):
        staged = engine.stager.stage(part.raw(start, STEP))
        engine.store.write(Write({"stg_payments": staged.accepted}))
    engine.drain()
    engine.connection.execute("checkpoint").fetchall()


def backlog(engine: Engine, part: Part) -> Meter:
    """Decide a part as fast as it goes."""
    return run_loop(engine, PartSource(part))


def cost_ms(engine: Engine, part: Part, start: int, rows: int) -> float:
    """Milliseconds of deciding a batch of so many rows, from staged to committed."""
    staged = engine.stager.stage(part.raw(start, rows))
    began = time.perf_counter()
    engine.decide(staged)
    engine.drain()
    return (time.perf_counter() - began) * 1000


def live(engine: Engine, part: Part, broker: str, rate: int) -> Meter:
    """Decide a part offered at a rate over a new topic; latency is from append to the committed decision.

    The first third is not counted: it starts with what was sent before the consumer was there.
    """
    topic = f"riskwave-bench-{time.time_ns()}"
    address = Broker(broker)
    address.create(topic)
    with tempfile.TemporaryDirectory(prefix="riskwave-bench-") as folder:
        lines = write_lines(part, Path(folder) / "offered.jsonl")
        source = open_source(f"kafka://{broker}/{topic}")
        sender = address.offer(topic, lines, rate)
        try:
            return run_loop(engine, source, limits=Limits(events=part.count), tell=_WarmUp(part.count // 3))
        finally:
            sender.wait(30)
            address.remove()


def write_lines(part: Part, path: Path) -> Path:
    """A part as JSON lines."""
    with path.open("wb") as out:
        out.writelines(orjson.dumps(row) + b"\n" for row in part.payments())
    return path


class _WarmUp:
    """Forgets, once, the latencies of the first so many events."""

    def __init__(self, events: int) -> None:
        self._events = events

    def __call__(self, meter: Meter, reader: Reader) -> None:  # noqa: ARG002
        if self._events and meter.received >= self._events:
            meter.forget_latencies()
            self._events = 0


def batch_seconds(plan: Plan, part: Part, folder: Path) -> float:
    """Seconds that DuckDB takes for the same models, as written, over a part at once, loading aside."""
    path = folder / "batch.duckdb"
    connection = connect(path)
    create_landing(connection)
    register(connection, open_scorer())
    for start in range(0, part.count, STEP):
        connection.register("given", part.raw(start, STEP))
        connection.execute("insert into payments select * from given").fetchall()
    connection.unregister("given")
    began = time.perf_counter()
    for model in plan.models.values():
        if model.name in ("payments", "labels", "card_profiles", "devices"):
            continue
        kind = "table" if model.materialized == "table" else "view"
        connection.execute(f"create {kind} {model.name} as {model.sql}")
    took = time.perf_counter() - began
    connection.close()
    path.unlink()
    return took


def peak_memory(part: Part, state: Path, folder: Path) -> int:
    """Most bytes that a process of its own has in memory while it opens the state and decides a part from a file."""
    lines = write_lines(part, folder / "queue.jsonl")
    command = [sys.executable, "-m", "riskwave", "run", "--state", str(state), "--source", str(lines), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    # Not by wait4: what it tells begins with the memory of the process that forked.
    while process.poll() is None:
        peak = max(peak, _high_water(process.pid))
        time.sleep(0.1)
    if process.returncode:
        raise RiskwaveError(f"`{' '.join(command[2:])}` ended with {process.returncode}")
    return peak


def _high_water(process: int) -> int:
    """Most bytes a process has had in memory so far; 0 when it has just ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
