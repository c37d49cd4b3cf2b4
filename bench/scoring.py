"""`python -m bench.scoring`: what scoring costs, through the decisions' SQL and for single callers."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from riskwave.allocator import start_with_allocator
from riskwave.engine.plan import make_plan
from riskwave.engine.scored import Scored
from riskwave.project import compiled_project
from riskwave.scoring.function import open_scorer, register, unregister
from riskwave.scoring.history import History, read_history
from riskwave.scoring.routes import Routes, Served, write_routes, write_whole
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.service import ScoringService
from riskwave.scoring.train import Model, Plan, fit, prepare

ROWS = 200_000
BATCH, BATCHES = 100, 300


def main() -> None:
    """Train on a simulated bank and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.scoring", description="Measure scoring on this machine.")
    parser.add_argument("--events", type=int, default=30_000, help="payments of the simulated bank")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    history = read_history([f"sim:?events={given.events}&seed={given.seed}&fraud_share=0.02"])
    prepared = prepare(history, Plan("boosting"))
    trees = fit(prepared, Plan("boosting"))
    say(f"boosted trees: {len(trees.card.encoder.columns)} columns, {size(trees.onnx)}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        put_online(folder, trees)
        through_sql(folder, history)
        in_batches(folder, history)
        for_single_callers(folder, history)
    quantised(fit(prepared, replace(Plan("vae"), params={"epochs": 5})), history)


def put_online(folder: Path, model: Model) -> None:
    """A folder with one version online."""
    digest = Scorer(model.onnx).digest
    write_whole(folder / "card.onnx", model.onnx)
    served = Served(model.card.version, "card.onnx", digest, model.card.threshold)
    write_routes(folder, Routes("card", 1, "", (model.card.version,), (1.0,), versions=(served,)))


def through_sql(folder: Path, history: History) -> None:
    """int_scored over many rows, as a batch has them."""
    sql = compiled_project().models["int_scored"].sql
    rows = pa.concat_tables([history.events] * (ROWS // len(history) + 1)).slice(0, ROWS).combine_chunks()
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        register(connection, open_scorer(folder))
        connection.register("given_rows", rows)
        connection.execute("create table decision_input as select * from given_rows").fetchall()
        for threads in (1, 2):
            connection.execute(f"set threads = {threads}")
            connection.sql(sql).to_arrow_table()
            wall, processor = timed(lambda: connection.sql(sql).to_arrow_table())
            say(
                f"through SQL, {threads} thread{'s' if threads > 1 else ''}: {ROWS / wall:,.0f} rows/s; "
                f"{processor / ROWS * 1e6:.1f} µs of processor time a row"
            )
        unregister(connection)


def in_batches(folder: Path, history: History) -> None:
    """The engine's scoring step, batches of 100."""
    plan = make_plan(compiled_project())
    scored = Scored(plan, history.events.schema, open_scorer(folder))
    parts = [history.events.slice(at % (len(history) - BATCH), BATCH) for at in range(0, BATCH * BATCHES, BATCH)]
    taken = [timed(lambda part=part: scored.score(part)) for part in parts]  # type: ignore[misc]
    scored.close()
    wall, processor = (np.array([each[place] for each in taken[10:]]) * 1000 for place in (0, 1))
    say(
        f"the engine's step, batches of {BATCH}: p50 {np.quantile(wall, 0.5):.1f} ms, "
        f"p99 {np.quantile(wall, 0.99):.1f} ms; p99 of processor time {np.quantile(processor, 0.99):.1f} ms"
    )


def for_single_callers(folder: Path, history: History) -> None:
    """One after another, each waiting for company."""
    rows = history.events.slice(0, BATCHES).to_pylist()
    with ScoringService(open_scorer(folder)) as service:
        wall = np.array([timed(lambda row=row: service.score_one(row))[0] for row in rows]) * 1000  # type: ignore[misc]
    say(
        f"a single caller, 5 ms of waiting for others included: p50 {np.quantile(wall, 0.5):.1f} ms, "
        f"p99 {np.quantile(wall, 0.99):.1f} ms"
    )


def quantised(model: Model, history: History) -> None:
    """Full and eight-bit, of an algorithm that has weights."""
    if model.int8 is None:
        say(f"{model.plan.algorithm}: eight-bit weights were worse, and are not kept")
        return
    for name, file in (("full", model.onnx), ("eight-bit", model.int8)):
        scorer = Scorer(file)
        matrix = scorer.card.encoder.encode(history.events)
        scorer.score_matrix(matrix)
        _, processor = timed(lambda scorer=scorer, matrix=matrix: scorer.score_matrix(matrix))  # type: ignore[misc]
        say(f"{model.plan.algorithm}, {name}: {size(file)}, {processor / len(matrix) * 1e6:.2f} µs an event in ONNX")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used


def size(file: bytes) -> str:
    """In kilobytes."""
    return f"{len(file) / 1000:,.0f} kB"


def say(line: str) -> None:
    """A line of the table."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    start_with_allocator()
    main()
