"""`python -m bench.governed`: thresholds edited and rulesets published on RisingWave while payments flow.

The commands are run as an analyst does. Told: from a command's start to the first decision by it on the topic, how
often payments were decided, and whether each decision is what the version that it names says (a replay of all).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import yaml
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from typer.testing import CliRunner

from bench.drill import Drill, copy, drill, say, sender, wait_decided
from riskwave.allocator import start_with_allocator
from riskwave.backtest.replay import replay
from riskwave.bench.edits import interleaved
from riskwave.bench.measure import Part
from riskwave.bench.stream import DAYS, write
from riskwave.cli import app
from riskwave.control.store import Control, control_path
from riskwave.project import project_dir
from riskwave.rules.dbt import PACK
from riskwave.simulator.bank import simulate
from tests.support.processes import wait_until

#: What `card_velocity.max_count` is, one edit after another; and which rule a published pack lacks, likewise.
COUNTS = (2, 3, 4, 5)
LEFT_OUT = ("magstripe_abroad", "")
Run = Callable[..., None]


@dataclass(frozen=True)
class Change:
    """kind: edit or publish; began, ended: of its command, seconds since 1970; version: the control_version of it."""

    kind: str
    began: float
    ended: float
    version: int


def main() -> None:
    """Deploy, send, change, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.governed", description="Edits and publishes under load.")
    parser.add_argument("--rate", type=int, default=500, help="payments a second")
    parser.add_argument("--seconds", type=int, default=110)
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--publishes", type=int, default=5)
    parser.add_argument("--memory", type=float, default=4, help="GB for a server that is started")
    given = parser.parse_args()
    events = given.rate * given.seconds
    part = Part(simulate(events, 11, days=DAYS).arrivals, 0, events)
    with drill(memory_gb=given.memory) as at:
        state, run = at.folder / "bank.duckdb", analyst(at)
        run("control", "sync")
        messages = write(part, given.rate, at.folder / "lines.jsonl").read_bytes().splitlines()
        say(f"sending {events:,} payments at {given.rate:,} a second")
        thread = sender(at.deployment, list(messages), given.rate)
        changes = change(at, run, given.edits, given.publishes, given.seconds)
        thread.join()
        wait_decided(at.deployment, events)
        sys.stdout.write(lives(changes, spoken(at, events)))
        counted = at.deployment.rows("select count(*) as rows, count(distinct event_id) as events from decisions__log")
        sys.stdout.write(f"{events:,} payments: {counted[0]['rows']:,} decisions on {counted[0]['events']:,} of them\n")
        copy(at, state)
        again = replay(state, say=say)
        sys.stdout.write(
            f"{again.decisions:,} decisions by {again.control_versions} control versions made again: "
            f"{again.differing:,} differ, {again.unnamed:,} name none\n"
        )


def analyst(at: Drill) -> Run:
    """Runs a command on the deployment, in this process."""

    def run(*arguments: str) -> None:
        options = ["--state", str(at.folder / "bank.duckdb"), "--target", at.deployment.target]
        done = CliRunner().invoke(app, [*arguments, *options], env={"RISKWAVE_USER": "ann"})
        if done.exception is not None:
            raise done.exception

    return run


def change(at: Drill, run: Run, edits: int, publishes: int, seconds: float) -> list[Change]:
    """Edits and publishes at equal distances over so many seconds."""
    kinds = interleaved(edits, publishes)
    packs = [pack(at.folder / f"pack{number}" / PACK.name, rule) for number, rule in enumerate(LEFT_OUT)]
    began, made = time.monotonic(), dict.fromkeys(("edit", "publish"), 0)
    changes: list[Change] = []
    for place, kind in enumerate(kinds):
        time.sleep(max(began + place * seconds / len(kinds) - time.monotonic(), 0))
        at_s, number = time.time(), made[kind]
        made[kind] += 1
        if kind == "publish":
            run("rules", "publish", str(packs[number % 2]), "--why", "a drill")
        else:
            count = COUNTS[number % len(COUNTS)]
            run("thresholds", "set", "card_velocity", "max_count", str(count), "--why", "a drill")
        with Control.open(control_path(at.folder / "bank.duckdb"), read_only=True) as control:
            changes.append(Change(kind, at_s, time.time(), control.version))
        say(f"{kind}: {changes[-1].ended - at_s:.2f} s")
    return changes


def pack(folder: Path, without: str) -> Path:
    """The shipped pack without a rule."""
    folder.mkdir(parents=True)
    for path in (project_dir() / PACK).glob("*.yml"):
        told: Any = yaml.safe_load(path.read_text())
        if isinstance(told, list):
            told = [rule for rule in told if rule["rule"] != without]
        (folder / path.name).write_text(yaml.safe_dump(told, sort_keys=False))
    return folder


def spoken(at: Drill, events: int) -> list[tuple[float, int]]:
    """Of each decision on the topic, when the broker had it (seconds since 1970) and the control_version it names."""
    consumer = Consumer({"bootstrap.servers": at.deployment.kafka, "group.id": "drill", "enable.auto.commit": False})
    consumer.assign([TopicPartition(at.deployment.topic("decisions"), 0, OFFSET_BEGINNING)])
    found: list[tuple[float, int]] = []

    def all_there() -> bool:
        for message in consumer.consume(10_000, 1.0):
            said = orjson.loads(message.value() or b"{}")
            found.append((message.timestamp()[1] / 1000, int(said["control_version"])))
        return len(found) >= events

    wait_until(all_there, limit_s=120, what="all decisions on the topic")
    consumer.close()
    return found


def lives(changes: list[Change], said: list[tuple[float, int]]) -> str:
    """How long after its command's start each change decided."""
    lines = []
    for kind in ("edit", "publish"):
        own = [each for each in changes if each.kind == kind]
        first = [min((when for when, version in said if version >= each.version), default=None) for each in own]
        waits = sorted(when - each.began for when, each in zip(first, own, strict=True) if when is not None)
        took = sorted(each.ended - each.began for each in own)
        lines.append(
            f"{kind}: {len(own)}, of which {len(waits)} decided payments, {median(waits):.2f} s after the command's "
            f"start (at most {waits[-1]:.2f}); the commands took {median(took):.2f} s (at most {took[-1]:.2f})\n"
            if waits
            else f"{kind}: {len(own)}, none decided a payment\n"
        )
    return "".join(lines)


if __name__ == "__main__":
    start_with_allocator()
    main()
