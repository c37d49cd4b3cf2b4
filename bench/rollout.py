"""`python -m bench.rollout`: a version of a model published, tried on a tenth of the cards, promoted and rolled back.

Payments flow over a real topic meanwhile; then every decision is held against what the version it names says.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np

from riskwave.allocator import start_with_allocator
from riskwave.bench.measure import Part, live, seed
from riskwave.engine.engine import Engine
from riskwave.engine.plan import make_plan
from riskwave.project import compiled_project
from riskwave.scoring.function import open_scorer
from riskwave.scoring.routes import read_routes
from riskwave.scoring.scorer import Scorer
from riskwave.simulator import simulate
from riskwave.sources.batch import utc_now
from tests.support.kafka_server import missing, running_broker

SHARE = 0.10
#: What is done, and when: shares of the run's length.
STEPS = (
    (0.35, "publish", ["publish", "latest"]),
    (0.45, "canary", ["canary", f"{SHARE:.0%}", "latest"]),
    (0.70, "promote", ["promote", "latest"]),
    (0.85, "roll back", ["rollback"]),
)
#: A batch, and a look at the folder of what is online, are over by then.
TAKEN_UP = timedelta(seconds=2)
Steps = dict[str, tuple[datetime, datetime]]


def main() -> None:
    """Train two versions, run, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.rollout", description="Roll versions out under load.")
    parser.add_argument("--rate", type=int, default=1_000, help="payments a second")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--history", type=int, default=200_000, help="payments before them")
    given = parser.parse_args()
    lacking = missing()
    if lacking:
        parser.error(f"{lacking}: payments come over a topic")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number in (1, 2):
            models(folder, ["train", "--history", f"sim:?events=20000&seed={number}&fraud_share=0.04"])
        models(folder, ["publish", "1.0.0"])
        models(folder, ["promote", "1.0.0"])
        offered = given.rate * given.seconds
        arrivals = simulate(given.history + offered, 11).arrivals
        state, plan = folder / "state.duckdb", make_plan(compiled_project())
        with running_broker(folder) as broker:
            engine = Engine(state, plan=plan)
            seed(engine, Part(arrivals, 0, given.history))
            engine.close()
            engine = Engine(state, plan=plan, scoring=open_scorer(folder / "online"))
            done: Steps = {}
            work = threading.Thread(target=operate, args=(folder, given.seconds, done))
            work.start()
            meter = live(engine, Part(arrivals, given.history, offered), broker.address, given.rate)
            work.join()
            engine.close()
        sys.stdout.write(
            f"{given.rate:,} payments/s for {given.seconds} s, a model online: p50 {meter.latency_ms(0.5):,.0f} ms, "
            f"p99 {meter.latency_ms(0.99):,.0f} ms\n"
        )
        told(state, folder / "online", offered, done)


def models(folder: Path, command: list[str]) -> None:
    """Run `riskwave models …` as a person would."""
    kept = ["--registry", str(folder / "models.db"), "--artifacts", str(folder)]
    online = [] if command[0] in ("train", "publish") else ["--online", str(folder / "online")]
    call = [sys.executable, "-m", "riskwave", "models", *command, *kept, *online]
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL)


def operate(folder: Path, seconds: float, done: Steps) -> None:
    """Do the steps at their times; done: when each was begun and over (UTC)."""
    began = time.monotonic()
    for share, what, command in STEPS:
        time.sleep(max(began + share * seconds - time.monotonic(), 0))
        start = utc_now()
        models(folder, command)
        done[what] = (start, utc_now())


def told(state: Path, online: Path, offered: int, done: Steps) -> None:
    """Hold every decision against the version that it names, and say how many cards the canary had."""
    with duckdb.connect(str(state), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "create temp view scored as select k.*, d.model_score, d.model_version, d.degraded "
            "from decision_input as k join decisions as d using (event_id, version)"
        )
        said = connection.sql("select * from scored").to_arrow_table()
        by_version = connection.execute(
            "select model_version, count(*), count(distinct card_id), min(decided_at), max(decided_at) "
            "from scored group by all order by 4"
        ).fetchall()
        # From when the canary was surely taken up until its promotion was begun.
        tried, cards = connection.execute(
            "select count(distinct card_id) filter (where model_version <> 'card 1.0.0'), count(distinct card_id) "
            "from scored where decided_at between $1 and $2",
            [done["canary"][1] + TAKEN_UP, done["promote"][0]],
        ).fetchall()[0]
        events = connection.execute("select count(distinct event_id) from scored").fetchall()[0][0]
    unscored = said["model_score"].null_count
    degraded = int(np.sum(said["degraded"].to_numpy(zero_copy_only=False)))
    names = np.array(said["model_version"].to_pylist(), object)
    scores = said["model_score"].to_numpy(zero_copy_only=False)
    worst = 0.0
    routes = read_routes(online, "card")
    now = ", ".join(routes.online if routes else ())
    for file in sorted(online.glob("card-*.onnx")):
        scorer = Scorer(file.read_bytes())
        mine = names == f"card {scorer.card.version}"
        if mine.any():
            worst = max(worst, float(np.abs(scorer.score(said)[mine] - scores[mine]).max()))
    for version, decisions, seen, first, last in by_version:
        sys.stdout.write(f"{version}: {decisions:,} decisions of {seen:,} cards, {first:%H:%M:%S} to {last:%H:%M:%S}\n")
    error = 1.96 * (SHARE * (1 - SHARE) / max(cards, 1)) ** 0.5
    part = tried / max(cards, 1)
    sys.stdout.write(
        f"the canary scored {tried:,} of {cards:,} cards, {part:.2%}; by chance {SHARE:.0%} ± {error:.2%}\n"
    )
    sys.stdout.write(
        f"{events:,} events decided of {offered:,} offered, {unscored:,} unscored, {degraded:,} degraded; the largest "
        f"difference of a score from the version it names: {worst:.1e}; online now: {now}\n"
    )


if __name__ == "__main__":
    start_with_allocator()
    main()
