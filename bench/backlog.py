"""`python -m bench.backlog`: simulated payments with all their disorder through RisingWave, beside DuckDB's batch.

Sent at once, or at a pace; in the end every feature and every decision is held against that batch.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import duckdb

from bench.drill import DISORDER, Drill, drill, say, send_sides, sender, wait_decided
from riskwave.allocator import start_with_allocator
from riskwave.parity import compare
from riskwave.simulator.source import SimulatorSource
from tests.support.decided import decided

#: How many rows decided each payment that came in its turn, when it was made.
ONE_ROW = (
    "select count(*) as events, count(*) filter (where said.times = 1) as once from ("
    "select event_id, count(*) as times from decisions__log group by event_id) as said "
    "join stg_payments as payments on said.event_id = payments.event_id where payments.transmitted_ts is null"
)


def main() -> None:
    """Simulate, send, wait, compare and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.backlog", description="A backlog on RisingWave, and parity.")
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--rate", type=float, help="payments a second; all at once when not given")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--disorder", default=DISORDER)
    parser.add_argument("--memory", type=float, default=4, help="GB for a server that is started")
    given = parser.parse_args()
    uri = f"sim:?events={given.events}&seed={given.seed}&{given.disorder}"
    bank = SimulatorSource(uri).bank
    messages = bank.arrivals.rows(0, len(bank.arrivals))["raw"].to_pylist()
    with drill(memory_gb=given.memory) as at:
        send_sides(at.deployment, bank)
        say(f"sending {len(messages):,} messages")
        began = time.monotonic()
        thread = sender(at.deployment, messages, given.rate)
        wait_decided(at.deployment, given.events)
        took = time.monotonic() - began
        thread.join()
        say("DuckDB's batch over the same")
        sys.stdout.write(f"{uri}: {given.events:,} events decided {took:,.0f} s after the first was sent\n")
        sys.stdout.write(told(at, decided(uri, at.folder / "batch.duckdb")))


def told(at: Drill, batch: Path) -> str:
    """How often events were decided, what was rejected, and whether all is as in the batch."""
    [said] = at.deployment.rows("select count(*) as revisions, count(distinct event_id) as events from decisions__log")
    [once] = at.deployment.rows(ONE_ROW)
    with duckdb.connect(str(batch), read_only=True) as connection:
        rejected = connection.execute("select count(*) from rejected_events").fetchall()[0][0]
    report = compare(at.deployment.target, batch, say=say)
    return (
        f"{said['revisions'] / said['events']:.3f} revisions an event; of {once['events']:,} payments that came in "
        f"their turn {once['once']:,} were decided by one row ({once['once'] / max(once['events'], 1):.2%})\n"
        f"rejected: {at.deployment.count('rejected_events'):,} there, {rejected:,} by the batch\n"
        f"{report.line if report.equal else report.as_dict()}\n"
    )


if __name__ == "__main__":
    start_with_allocator()
    main()
