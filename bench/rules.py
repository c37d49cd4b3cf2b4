"""`python -m bench.rules`: what 5 and 40 rules cost, their SELECT run as the embedded engine runs it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from riskwave.allocator import start_with_allocator
from riskwave.control import Control, control_path
from riskwave.control.lifecycle import publish
from riskwave.engine.engine import Engine
from riskwave.engine.fetch import fetch
from riskwave.engine.provider import Provider
from riskwave.engine.state import connect
from riskwave.rules.check import check_ruleset
from riskwave.rules.columns import RuleColumn, rule_columns
from riskwave.rules.compile import compile_ruleset
from riskwave.rules.lists import Lists, list_entry
from riskwave.rules.pack import Rule, Ruleset, Threshold, make_ruleset
from riskwave.simulator import simulate

BATCHES = (200, 1_000, 5_000)
ENTRIES = (0, 1_000, 10_000)
WIDTH = 129
TURNS = 41
#: As in a card pack: two to four terms a rule, over counts, sums, shares, flags, texts and a sequence.
PREDICATES = (
    "card_txn_count_{w} >= :a and card_amount_sum_{w} >= :b",
    "card_decline_count_{v} >= :a and card_txn_count_{w} >= :a and billing_amount_minor < :b",
    "sequence(card_events_30m, 'decline{{2,}} small+ large') and card_txn_count_{w} >= :a",
    "card_kmh_from_last > :b and card_km_from_last > :a and channel = 'card_present'",
    "card_is_abroad and card_country_first_30d and not profile_travels_abroad and billing_amount_minor >= :b",
    "card_device_first_30d and card_txn_count_{w} >= :a and card_amount_sum_{w} >= :b",
    "device_card_count_24h >= :a and device_txn_count_{w} >= :b",
    "merchant_txn_count_{w} >= :b and merchant_decline_rate_{w} >= 0.95 and card_merchant_first_30d",
)
WINDOWS = ("10m", "1h", "24h")


def pack(size: int, lists: int = 0) -> Ruleset:
    """So many rules; the first ones look a value up in a list each."""
    looked_up = ("in_list('block_card', card_id)", "in_list('block_ip', ip)", "in_list('watch_merchant', merchant_id)")
    return make_ruleset("bench", [_rule(place, looked_up[place] if place < lists else None) for place in range(size)])


def _rule(place: int, looked_up: str | None) -> Rule:
    window = WINDOWS[place // len(PREDICATES) % 3]
    when = PREDICATES[place % len(PREDICATES)].format(w=window, v="10m" if window == "24h" else window)
    used = {name: Threshold(value=value) for name, value in (("a", 99), ("b", 9_950)) if f":{name}" in when}
    return Rule(
        rule=f"rule_{place}",
        when=looked_up or when,
        thresholds={} if looked_up else used,
        action=("block", "challenge", "review")[place % 3],
        severity="P1",
        reason="{card_txn_count_1h} payments of {card_amount_sum_1h:money} on this card in an hour",
        owner="bench",
    )


def rows(count: int) -> pa.Table:
    """Rows of `decision_input`, as wide as the engine has them; about one in thirty fires a rule."""
    draws = np.random.default_rng(7)
    made: dict[str, pa.Array] = {c.name: _column(c, count, draws) for c in rule_columns().values()}
    for place in range(WIDTH - len(made)):
        made[f"other_{place}"] = pa.array(draws.integers(0, 100, count))
    return pa.table(made)


def _column(column: RuleColumn, count: int, draws: np.random.Generator) -> pa.Array:
    if column.kind == "text":
        return pa.array(_texts(column, count, draws))
    if column.kind == "timestamp":
        return pa.array([datetime(2026, 1, 1)] * count, pa.timestamp("us"))
    if column.kind == "boolean":
        return pa.array(draws.random(count) < 0.1)
    top = 10_000 if column.unit in ("minor units", "km/h") else 1 if column.unit == "share" else 100
    if column.kind == "number":
        return pa.array(draws.random(count) * top)
    return pa.array(draws.integers(0, top, count), pa.int64() if column.type == "bigint" else pa.int32())


def _texts(column: RuleColumn, count: int, draws: np.random.Generator) -> list[str]:
    if column.unit == "id":
        return [f"{column.name}-{n}" for n in range(count)]
    if column.name == "ip":
        return [f"10.{n % 251}.{n // 251}.{n % 7}" for n in range(count)]
    if column.unit == "event codes":
        return ["".join(draws.choice(list("dsml"), 6)) for _ in range(count)]
    return list(draws.choice(["card_present", "ecommerce"], count))


class Bench:
    """The workbench's connection, with providers for the three relations."""

    def __init__(self, count: int, entries: int) -> None:
        self.connection = connect(":memory:", threads=2, memory="1GB")
        self.connection.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
        self.rows = rows(count)
        values = [f"10.{n % 200}.{n // 200}.0/24" if n % 10 == 0 else f"card_id-{n * 7}" for n in range(entries)]
        names = ("block_card", "block_ip", "watch_merchant")
        self.lists = Lists.of(list_entry(names[n % 3], value) for n, value in enumerate(values))

    def prepared(self, ruleset: Ruleset) -> Callable[[], pa.Table]:
        """A ruleset's statement, to be executed: its look-ups are part of the time."""
        compiled = compile_ruleset(ruleset, dialect="duckdb", scored=True, fast=True)
        row = compiled.threshold_row({}, 1)
        Provider(self.connection, "rule_thresholds", row.schema).put(row)
        first = compiled.looked_up(self.rows, self.lists)
        known = Provider(self.connection, "decision_input", first.schema)
        self.connection.execute(f"prepare decide as {compiled.sql}")

        def run() -> pa.Table:
            known.put(compiled.looked_up(self.rows, self.lists))
            return fetch(self.connection, "decide")

        return run


def milliseconds(runs: list[Callable[[], Any]]) -> list[float]:
    """The median of each, taken in turns."""
    taken: list[list[float]] = [[] for _ in runs]
    for turn in range(TURNS + 3):
        for run, times in zip(runs, taken, strict=True):
            started = time.perf_counter()
            run()
            if turn >= 3:
                times.append((time.perf_counter() - started) * 1_000)
    return [median(times) for times in taken]


def whole_engine(folder: Path) -> None:
    """Print what an event costs in the engine, all its work counted, with 5 and with 40 rules."""
    arrivals = simulate(300_000, 3).arrivals
    engines = {}
    for size in (5, 40):
        path = folder / f"rules{size}.duckdb"
        control = Control.open(control_path(path))
        publish(control, check_ruleset(pack(size)), why="bench", author="bench")
        engines[size] = Engine(path, control=control)
    print("\nin the engine: events a batch, us/event with 5 and 40 rules, ratio")
    start = 0
    for count in (20_000, *BATCHES):
        taken: dict[int, list[float]] = {5: [], 40: []}
        for _ in range(3 if count > max(BATCHES) else 15):
            for size, engine in engines.items():
                staged = engine.stager.stage(arrivals.rows(start, count))
                began = time.perf_counter()
                engine.decide(staged)
                taken[size].append((time.perf_counter() - began) * 1e6 / count)
                engine.drain()
            start += count
        few, many = median(taken[5]), median(taken[40])
        if count <= max(BATCHES):
            print(f"{count:5d} {few:8.1f} {many:8.1f} {many / few:6.2f}")


def main() -> None:
    """Print the tables."""
    print("rows  lists  entries  5 rules  40 rules  ratio  us/event (40)  fired (40)")
    for count in BATCHES:
        for lists, entries in ((0, 0), *((3, size) for size in ENTRIES)):
            # A bench a ruleset: each has its own rule_thresholds.
            few, many = (Bench(count, entries).prepared(pack(size, lists)) for size in (5, 40))
            short, long = milliseconds([few, many])
            fired = sum(many().column("is_anomaly").to_pylist()) / count
            print(
                f"{count:5d} {lists:5d} {entries:8d} {short:8.2f} {long:9.2f} {long / short:6.2f} "
                f"{long / count * 1000:10.2f} {fired:12.1%}"
            )
    with TemporaryDirectory() as folder:
        whole_engine(Path(folder))
    sys.stdout.flush()
    os._exit(0)  # DuckDB's binding prints lines when it is taken down in order


if __name__ == "__main__":
    start_with_allocator()
    main()
