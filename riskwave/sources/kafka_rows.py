"""Kafka messages to rows."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyarrow as pa

from riskwave.sources.batch import MAX_ROW_BYTES
from riskwave.sources.json_rows import decode_json
from riskwave.sources.rows import Rows
from riskwave.sources.shape import Shape, to_table

#: End of the year 9999: producers may set any timestamp.
_LAST_MS = 253_402_300_799_999


def messages_to_table(messages: list[Any], shape: Shape, source: str) -> pa.Table:
    """A RAW_SCHEMA table of at least one message (confluent_kafka.Message); received_at is their timestamp."""
    raw = [m.value() or b"" for m in messages]
    too_long = {i: len(value) for i, value in enumerate(raw) if len(value) > MAX_ROW_BYTES}
    raw = [value[:MAX_ROW_BYTES] for value in raw] if too_long else raw
    columns, errors = decode_json(raw, shape.columns)
    if too_long:
        errors = errors or [None] * len(raw)
        for i, length in too_long.items():
            errors[i] = f"longer than {MAX_ROW_BYTES} bytes: {length} bytes"
    rows = Rows(columns, raw, errors, np.array([m.offset() for m in messages]))  # type: ignore[arg-type]
    partitions = pa.array([m.partition() for m in messages], pa.int32())
    millis = np.array([m.timestamp()[1] for m in messages], np.int64)
    if millis.min() <= 0:  # an old producer that gives no timestamp
        millis[millis <= 0] = time.time_ns() // 1_000_000
    received = pa.array(np.minimum(millis, _LAST_MS) * 1000, pa.timestamp("us"))
    return to_table(rows, shape, source=source, partition=partitions, received_at=received)
