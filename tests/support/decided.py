"""A simulated bank's payments decided as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import orjson

from riskwave.batch.batch import batch_of_inputs
from riskwave.run.cli import open_inputs
from riskwave.simulator import SimulatedBank


def decided(uri: str, out: Path) -> Path:
    """The file that the batch makes of `sim:…`, with its labels, profiles and devices."""
    inputs = open_inputs(uri, None, None, None, None, follow=False)
    assert inputs.labels is not None
    batch_of_inputs(inputs.source, out, labels=inputs.labels[1], profiles=inputs.profiles, devices=inputs.devices)
    return out


def whole_batch(bank: SimulatedBank, out: Path, events: int) -> Path:
    """The batch over a bank's first payments, read from JSON lines."""
    lines = out.with_suffix(".jsonl")
    lines.write_bytes(b"".join(line + b"\n" for line in bank.arrivals.rows(0, events).column("raw").to_pylist()))
    source = open_inputs(str(lines), None, None, None, None, follow=False).source
    batch_of_inputs(source, out, labels=bank.labels, profiles=bank.profiles, devices=bank.devices)
    return out


def only(batch: Path, messages: Sequence[bytes]) -> Path:
    """The batch's file, with what was decided of these payments alone."""
    kept = [orjson.loads(message)["event_id"] for message in messages]
    with duckdb.connect(str(batch)) as connection:
        for table in ("decisions", "decision_input"):
            connection.execute(f"delete from {table} where not list_contains($1, event_id)", [kept])
    return batch
