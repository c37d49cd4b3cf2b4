"""`python -m bench.crashes`: RisingWave, Kafka and the scoring server ended and started while payments flow.

Then all is held against what an undisturbed run knows and says: features against DuckDB's batch, scores against the
model, decisions against the rules by those scores; only decisions without a score (degraded) may say something else.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import orjson

from bench.drill import DISORDER, Drill, copy, counted, drill, say, send_sides, sender, wait_decided
from bench.governed import analyst
from riskwave.allocator import start_with_allocator
from riskwave.backtest.replay import replay
from riskwave.parity import compare
from riskwave.scoring.history import read_history
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.train import Plan, fit, prepare
from riskwave.simulator.source import SimulatorSource
from tests.scoring.served import file_of, serve, serving
from tests.support.decided import decided
from tests.support.processes import free_port, wait_until

#: How long the scoring server is away, and how long a server may take to be there again.
AWAY_S, BACK_S = 5.0, 300.0
#: The payments that the model is learned from: enough frauds among few.
LEARNED = "sim:?events=4000&seed=5&fraud_share=0.06"
#: RisingWave's score is DuckDB's to within this.
SAME = 1e-6


def main() -> None:
    """Train a model, deploy, send, disturb, compare and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.crashes", description="Crashes under load, and parity.")
    parser.add_argument("--events", type=int, default=45_000)
    parser.add_argument("--rate", type=float, default=500, help="payments a second")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--disorder", default=DISORDER)
    parser.add_argument("--memory", type=float, default=4, help="GB for the server")
    given = parser.parse_args()
    if lent := [name for name in ("RISINGWAVE_DSN", "KAFKA") if os.environ.get(name)]:
        parser.error(f"{', '.join(lent)}: names a server that is not this drill's to kill; unset it")
    uri = f"sim:?events={given.events}&seed={given.seed}&{given.disorder}"
    bank = SimulatorSource(uri).bank
    messages = bank.arrivals.rows(0, len(bank.arrivals))["raw"].to_pylist()
    with scoring(uri) as (model, batch, scores, address), drill(memory_gb=given.memory, scoring_server=address) as at:
        analyst(at)("control", "sync")
        send_sides(at.deployment, bank)
        say(f"sending {len(messages):,} messages at {given.rate:,.0f} a second")
        thread = sender(at.deployment, messages, given.rate)
        disturb(at, scores, given.events)
        wait_decided(at.deployment, given.events)
        thread.join()
        sys.stdout.write(told(at, batch, model))


class Scores:
    """The scoring server: `away` ends it as a crash does, and brings it back."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self._stack = ExitStack()
        self._process, _ = self._stack.enter_context(serving(folder, port))

    def away(self) -> None:
        """Kill it; another takes its place after AWAY_S."""
        self._process.kill()
        self._stack.close()
        time.sleep(AWAY_S)
        self._process, _ = self._stack.enter_context(serving(self._folder, self._port))

    def close(self) -> None:
        """End it for good."""
        self._stack.close()


@contextmanager
def scoring(uri: str) -> Iterator[tuple[Scorer, Path, Scores, str]]:
    """A model learned from another bank, the undisturbed batch's file, a server of the model, and its address."""
    with tempfile.TemporaryDirectory(prefix="riskwave-drill-") as scratch:
        folder = Path(scratch)
        say("DuckDB's batch, and a model of another bank")
        batch = decided(uri, folder / "batch.duckdb")
        plan = Plan("boosting", params={"rounds": 20})
        learned = prepare(read_history([str(decided(LEARNED, folder / "learned.duckdb"))]), plan)
        file = file_of(fit(learned, plan), "1.0.0")
        serve(folder / "online", {"1.0.0": file}, online=("1.0.0",))
        port = free_port()
        scores = Scores(folder / "online", port)
        try:
            yield Scorer(file), batch, scores, f"http://127.0.0.1:{port}"
        finally:
            scores.close()


def disturb(at: Drill, scores: Scores, events: int) -> None:
    """One after another, at shares of the payments known."""
    assert at.broker is not None  # noqa: S101 - main() lets nobody name another
    for share, what, act in (
        (0.15, "RisingWave killed", partial(again, at)),
        (0.35, "Kafka restarted", partial(restart, at)),
        (0.55, "the scoring server killed", scores.away),
        (0.75, "RisingWave killed", partial(again, at)),
    ):
        wait_until(partial(known, at, int(share * events)), limit_s=3600, what=f"{share:.0%} of the events")
        say(f"{what}, {counted(at.deployment)[0]:,} events known")
        act()


def known(at: Drill, events: int) -> bool:
    """Whether so many events are known."""
    return counted(at.deployment)[0] >= events


def again(at: Drill) -> None:
    """RisingWave killed where it stands, and started."""
    at.server.kill()
    at.server.start()
    wait_until(partial(known, at, 1), limit_s=BACK_S, what="the views, after a restart")


def restart(at: Drill) -> None:
    """Kafka stopped and started."""
    assert at.broker is not None  # noqa: S101 - as above
    at.broker.stop()
    at.broker.start()


def told(at: Drill, batch: Path, model: Scorer) -> str:
    """Whether all is there, once each, and as it would have been."""
    twice = at.deployment.rows(
        "select event_id from decisions__log group by event_id, revision, seen_at having count(*) > 1"
    )
    report = compare(at.deployment.target, batch, say=say)
    features = {column.name: column.differing for column in report.differing if column.relation == "decision_input"}
    state = at.folder / "bank.duckdb"
    copy(at, state)
    again = replay(state, say=say)
    with duckdb.connect(str(state), read_only=True) as connection:
        rows = connection.sql(
            "select k.*, d.model_score from decision_input as k join decisions as d using (event_id, version) "
            "where not d.degraded"
        ).to_arrow_table()
        (degraded,) = connection.execute("select count(*) from decisions where degraded").fetchall()[0]
    gaps = np.abs(model.score(rows) - rows["model_score"].to_numpy(zero_copy_only=False))
    return (
        f"{report.events:,} events known on both sides, "
        f"{sum(each.count for each in (*report.only_left, *report.only_right)):,} on one; features that differ from "
        f"the undisturbed batch: {features or 'none'}\n"
        f"{len(twice):,} revisions decided twice; {degraded:,} of {again.decisions:,} decisions without a score; "
        f"scores that are not the model's: {int(np.sum(~(gaps < SAME))):,}; decisions that are not what the rules say "
        f"by those scores: {again.differing:,}\n"
        f"{spoken(at)}\n"
    )


def spoken(at: Drill) -> str:
    """What the topic of decisions has of them."""
    ids = {str(row["event_id"]) for row in at.deployment.rows("select event_id from stg_payments")}
    said: dict[tuple[str, int], set[bytes]] = {}
    messages = at.deployment.read("decisions", until=ids, limit_s=BACK_S)
    for row in messages:
        key = str(row["event_id"]), int(row["revision"])
        said.setdefault(key, set()).add(orjson.dumps([row["action"], row["rule_ids"], row["model_score"]]))
    unlike = sum(len(each) > 1 for each in said.values())
    kept = {
        (row["event_id"], row["revision"])
        for row in at.deployment.rows("select event_id, revision from decisions__log")
    }
    gone = said.keys() - kept
    return (
        f"on the topic: {len(messages):,} messages of {len(said):,} revisions, {unlike:,} said in two ways; "
        f"{len(gone):,} of them not in the log: said before RisingWave ended, and made again after it; "
        f"{len(kept - said.keys()):,} in the log were never said"
    )


if __name__ == "__main__":
    start_with_allocator()
    main()
