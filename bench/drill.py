"""What drills on RisingWave have in common: a server, a broker, the project deployed, payments sent at a pace.

The server is the one that RISINGWAVE_DSN names, else `risingwave` on PATH, started for the drill and stopped after it;
the broker the one that KAFKA names, else one that is started.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
from confluent_kafka import Producer

from riskwave.bench.offer import paced
from riskwave.errors import RiskwaveError
from riskwave.parity.server import copy_relation
from riskwave.simulator import SimulatedBank
from tests.risingwave import server as risingwave
from tests.risingwave.deployment import Deployment
from tests.risingwave.server import Server
from tests.support import kafka_server
from tests.support.kafka_server import KafkaBroker
from tests.support.processes import wait_until

#: How often a drill looks how far it is.
LOOK_S = 5.0
#: What becomes of payments on their way, as the simulator's options.
DISORDER = "late=0.02&out_of_order=0.05&duplicates=0.01&malformed=0.005"
#: Nothing decided for so long is a failure.
STUCK_S = 600.0


@dataclass(frozen=True)
class Drill:
    """server, broker: broker is None where KAFKA names one; deployment: of the project, its topics empty."""

    folder: Path
    server: Server
    broker: KafkaBroker | None
    deployment: Deployment


@contextmanager
def drill(*, memory_gb: float, scoring_server: str = "") -> Iterator[Drill]:
    """A deployment of its own, dropped at the end. Ends the program with one line where something is missing."""
    lacking = risingwave.missing() or (None if os.environ.get("KAFKA") else kafka_server.missing())
    if lacking:
        sys.exit(lacking)
    with tempfile.TemporaryDirectory(prefix="riskwave-drill-") as scratch, ExitStack() as stack:
        folder = Path(scratch)
        for part in ("kafka", "risingwave", "dbt"):
            (folder / part).mkdir()
        broker = None
        if not os.environ.get("KAFKA"):
            broker = stack.enter_context(kafka_server.running_broker(folder / "kafka"))
        server = stack.enter_context(risingwave.running_server(folder / "risingwave", int(memory_gb * 1e9)))
        address = broker.address if broker else os.environ["KAFKA"]
        schema = f"drill_{time.time_ns()}"
        deployment = Deployment(server.dsn, address, schema, folder / "dbt", scoring_server=scoring_server)
        deployment.create_topics()
        say("deploying")
        deployment.dbt("run")
        try:
            yield Drill(folder, server, broker, deployment)
        finally:
            # A server that was started goes with all it has; it may not answer where the drill failed.
            if not server.owned:
                deployment.drop()


def send_sides(deployment: Deployment, bank: SimulatedBank) -> None:
    """Profiles, devices and labels, there before the payments."""
    for name, table in (("card_profiles", bank.profiles), ("devices", bank.devices), ("labels", bank.labels)):
        deployment.send_table(name, table)
        deployment.wait_for_rows(f"stg_{name}", len(table))


def sender(deployment: Deployment, messages: Sequence[bytes | None], rate: float | None) -> threading.Thread:
    """A thread, started, that appends payments in order, each once, at so many a second (None: at once)."""
    thread = threading.Thread(target=_send, args=(deployment, messages, rate), daemon=True)
    thread.start()
    return thread


def _send(deployment: Deployment, messages: Sequence[bytes | None], rate: float | None) -> None:
    settings = {"bootstrap.servers": deployment.kafka, "linger.ms": 2, "message.max.bytes": 4_000_000, "log_level": 0}
    producer = Producer({**settings, "enable.idempotence": True})
    paced(producer, deployment.topic("payments"), messages, rate)
    while producer.flush(60):
        pass


def counted(deployment: Deployment) -> tuple[int, int]:
    """How many events have features now, and how many revisions wait for their decision; (0, 1) while it recovers."""
    try:
        [row] = deployment.rows(
            "select (select count(*) from decision_input__now) as known, "
            "(select count(*) from decision_input) - (select count(*) from decisions__log) as waiting"
        )
    except psycopg.Error:
        return 0, 1
    return int(row["known"]), int(row["waiting"])


def wait_decided(deployment: Deployment, events: int) -> None:
    """Return once so many events are known and every revision is decided."""
    began, seen, moved = time.monotonic(), -1, time.monotonic()

    def decided() -> bool:
        nonlocal seen, moved
        known, waiting = counted(deployment)
        if known != seen:
            say(f"{known:,} of {events:,} after {time.monotonic() - began:,.0f} s, {waiting:,} revisions undecided")
            seen, moved = known, time.monotonic()
        if known == events and waiting == 0:
            return True
        if time.monotonic() - moved > STUCK_S:
            raise RiskwaveError(f"{known:,} of {events:,} events are known, and no more for {STUCK_S:.0f} s")
        time.sleep(LOOK_S)
        return False

    wait_until(decided, limit_s=86_400, what="all decisions")


def copy(drill: Drill, state: Path) -> None:
    """What was known and decided there, as the tables of a state file."""
    with duckdb.connect(str(state)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        copy_relation(connection, drill.deployment.target, "decision_input", "known")
        copy_relation(connection, drill.deployment.target, "decisions", "decisions")
        connection.execute(
            "create table decision_input as select known.*, version from known "
            "join decisions using (event_id, revision, seen_at)"
        )


def say(words: str) -> None:
    """Progress, beside what is printed in the end."""
    sys.stderr.write(f"{words}\n")
