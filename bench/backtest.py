"""`python -m bench.backtest`: a backtest and a sweep over a history, beside one rule after another.

The other ways are what one would write without a compiler: for each rule its columns are read from Parquet and its
terms evaluated a whole column at a time, in pandas (bench/frames.py) and with pyarrow.compute. All give the same counts
of fired events and of frauds among them, which is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.frames import fired
from riskwave.allocator import start_with_allocator
from riskwave.backtest.backtest import backtest
from riskwave.backtest.given import Given, given
from riskwave.backtest.history import History, open_history
from riskwave.backtest.sweep import read_values, sweep
from riskwave.batch.batch import batch_of_inputs
from riskwave.rules.check import CheckedRule, check_ruleset
from riskwave.rules.pack import make_ruleset
from riskwave.rules.tree import Node
from riskwave.run.cli import open_inputs

PACK = "rules/card"


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--history", type=Path, help="a state or Parquet folder in place of a simulated one")
    parser.add_argument("--rules", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="riskwave-bench-") as scratch:
        state = options.history or _simulated(options.events, Path(scratch))
        figures = _measured(state, _first(options.rules), Path(scratch))
    print(json.dumps(figures, indent=2))


def _measured(state: Path, rules: Given, folder: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"rules": len(rules.checked.rules), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    began, worked = time.perf_counter(), time.process_time()
    with open_history(state) as history:
        result = backtest(history, rules)
    figures |= {"events": result.events, "backtest_s": time.perf_counter() - began}
    figures["backtest_cpu_s"] = time.process_time() - worked
    values = read_values("3:52", "integer")
    began, worked = time.perf_counter(), time.process_time()
    with open_history(state) as history:
        points = sweep(history, rules, "card_velocity", "max_count", values).points
    figures |= {"sweep_values": len(points), "sweep_s": time.perf_counter() - began}
    figures["sweep_cpu_s"] = time.process_time() - worked
    with open_history(state) as history:
        file = _parquet(history, folder)
    told = {rule.rule: (rule.counted.flagged, rule.counted.flagged_frauds) for rule in result.rules}
    for name, way in (("pandas", fired), ("pyarrow", _fired)):
        began, worked = time.perf_counter(), time.process_time()
        counted = {rule.rule.rule: way(rule, rules, file) for rule in rules.checked.rules}
        figures[f"{name}_s"] = time.perf_counter() - began
        figures[f"{name}_cpu_s"] = time.process_time() - worked
        figures[f"times_faster_than_{name}"] = figures[f"{name}_s"] / figures["backtest_s"]
        figures[f"same_counts_as_{name}"] = told == counted
    return figures


def _simulated(events: int, folder: Path) -> Path:
    out = folder / "history.duckdb"
    inputs = open_inputs(f"sim:?events={events}&seed=11", None, None, None, None, follow=False)
    labels = inputs.labels[1] if inputs.labels else None
    batch_of_inputs(inputs.source, out, labels=labels, profiles=inputs.profiles, devices=inputs.devices)
    return out


def _first(count: int) -> Given:
    """The first rules of the card pack that read no list and no model, so that both ways see the same."""
    whole = given(PACK, None)
    plain = [
        rule.rule
        for rule in whole.checked.rules
        if not rule.lists and "model_score" not in rule.tree.names("column") and rule.rule.rule != "card_velocity"
    ]
    velocity = [rule.rule for rule in whole.checked.rules if rule.rule.rule == "card_velocity"]
    pack = make_ruleset("card", [*velocity, *plain][:count], whole.checked.ruleset.channels)
    return Given(PACK, check_ruleset(pack))


def _parquet(history: History, folder: Path) -> Path:
    """The same events with their labels, as a file: what one would load."""
    file = folder / "events.parquet"
    history.connection.execute(
        f"copy (select k.*, f.event_id is not null as is_fraud from ({history.events}) as k "
        f"left join frauds as f on f.event_id = k.event_id) to '{file}' (format parquet)"
    )
    return file


def _fired(rule: CheckedRule, rules: Given, file: Path) -> tuple[int, int]:
    """How often a rule fired, and on frauds."""
    routing = [channel.tree for channel in rules.checked.channels] if rule.rule.channels else []
    read = {name for tree in (rule.tree, *routing) for name in tree.names("column")}
    table = pq.read_table(file, columns=[*sorted(read), "is_fraud"])
    columns = Columns(table, rules.thresholds(rule))
    fired = _filled(columns.value(rule.tree))
    if rule.rule.channels:
        left, here = np.ones(len(fired), np.bool_), np.zeros(len(fired), np.bool_)
        for channel in rules.checked.channels:
            taken = left & _filled(columns.value(channel.tree))
            here |= taken if channel.channel.channel in rule.rule.channels else False
            left &= ~taken
        fired &= here
    return int(fired.sum()), int((fired & table["is_fraud"].to_numpy()).sum())


class Columns:
    """The language over whole columns, by pyarrow.compute."""

    def __init__(self, table: pa.Table, thresholds: dict[str, Any]) -> None:
        self.table = table
        self.thresholds = thresholds

    def value(self, node: Node) -> Any:
        """A column, or a scalar."""
        if node.op == "column":
            return self.table[node.value]
        if node.op in ("literal", "threshold"):
            value = self.thresholds[node.value] if node.op == "threshold" else node.value
            return pa.scalar(float(value) if node.kind == "number" else value)
        args = [self.value(arg) for arg in node.args]
        if node.op in _TWO:
            first, *rest = args
            for arg in rest:
                first = _TWO[node.op](first, arg)
            return first
        return getattr(self, "_" + _NAMED.get(node.op, node.op))(node, args)

    def _not(self, _: Node, args: list[Any]) -> Any:
        return pc.invert(args[0])

    def _number(self, _: Node, args: list[Any]) -> Any:
        return pc.cast(args[0], pa.float64())

    def _in(self, _: Node, args: list[Any]) -> Any:
        members = pa.array([arg.as_py() for arg in args[1:]])
        return pc.if_else(pc.is_null(args[0]), pa.scalar(None, pa.bool_()), pc.is_in(args[0], value_set=members))

    def _is_null(self, _: Node, args: list[Any]) -> Any:
        return pc.is_null(args[0])

    def _coalesce(self, _: Node, args: list[Any]) -> Any:
        return pc.coalesce(*args)

    def _between(self, _: Node, args: list[Any]) -> Any:
        return pc.and_kleene(pc.greater_equal(args[0], args[1]), pc.less_equal(args[0], args[2]))

    def _regex(self, node: Node, args: list[Any]) -> Any:
        return pc.match_substring_regex(args[0], node.value)

    def _like(self, node: Node, args: list[Any]) -> Any:
        return pc.match_like(args[0], node.value)

    def _divide(self, _: Node, args: list[Any]) -> Any:
        zero = pc.equal(args[1], 0.0)
        return pc.if_else(zero, pa.scalar(None, pa.float64()), pc.divide(args[0], args[1]))

    def _case(self, _: Node, args: list[Any]) -> Any:
        value = args[-1]
        for test, then in reversed(list(zip(args[:-1:2], args[1:-1:2], strict=True))):
            value = pc.if_else(pc.fill_null(test, fill_value=False), then, value)
        return value

    def _abs(self, _: Node, args: list[Any]) -> Any:
        return pc.abs(args[0])

    def _is_true(self, _: Node, args: list[Any]) -> Any:
        return pc.fill_null(args[0], fill_value=False)

    def _is_false(self, _: Node, args: list[Any]) -> Any:
        return pc.fill_null(pc.invert(args[0]), fill_value=False)


_TWO = {
    "and": pc.and_kleene,
    "or": pc.or_kleene,
    "=": pc.equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "+": pc.add,
    "-": pc.subtract,
    "*": pc.multiply,
    "greatest": pc.max_element_wise,
    "least": pc.min_element_wise,
}
_NAMED = {"/": "divide", "is null": "is_null", "is true": "is_true", "is false": "is_false"}


def _filled(truth: Any) -> Any:
    """Truths as NumPy has them; what is not known is false."""
    if isinstance(truth, pa.Scalar):
        return np.bool_(truth.as_py())
    return pc.fill_null(truth, fill_value=False).to_numpy()


if __name__ == "__main__":
    start_with_allocator()
    main()
