"""Rows that nobody can use: broken lines, and lines that read well and make no sense."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from riskwave.simulator.wire import json_lines
from riskwave.sources.batch import FIELDS, RAW_SCHEMA

Row = dict[str, str | None]

#: Values that a JSON reader takes and no bank can.
BAD_VALUES: tuple[dict[str, str | None], ...] = (
    {"amount_minor": "twelve"},
    {"amount_minor": "NaN"},
    {"amount_minor": "-500"},
    {"amount_minor": None},
    {"card_id": None},
    {"event_ts": "9999-12-31T23:59:59.000Z"},
    {"event_ts": "yesterday"},
    {"event_id": None},
    {"currency": None},
)
#: Ways to break a line, and what a reader says about it.
BROKEN: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("not valid JSON", lambda line: line[: len(line) // 2]),
    ("not valid UTF-8", lambda line: line.replace(b'"card_id":"', b'"card_id":"\xff\xfe', 1)),
    ("not valid JSON", lambda _: b"<html>502 Bad Gateway</html>"),
)


def malformed_rows(rng: np.random.Generator, good: pa.Table) -> pa.Table:
    """RAW_SCHEMA rows made from good ones by spoiling them, one in four so that it cannot even be read."""
    rows = good.to_pylist()
    unreadable = rng.random(len(rows)) < 0.25
    which = rng.integers(0, 1 << 16, len(rows))
    for row, broken, k in zip(rows, unreadable.tolist(), which.tolist(), strict=True):
        if broken:
            reason, spoil = BROKEN[k % len(BROKEN)]
            row.update(dict.fromkeys(FIELDS), raw=spoil(row["raw"]), decode_error=reason)
        else:
            row.update(BAD_VALUES[k % len(BAD_VALUES)])
            # the line is another message, not a duplicate of the good one
            if row["event_id"] is not None:
                row["event_id"] += "x"
    readable = [row for row in rows if row["decode_error"] is None]
    lines = json_lines(pa.Table.from_pylist(readable, schema=_TEXTS)).to_pylist()
    for row, line in zip(readable, lines, strict=True):
        row["raw"] = _quoted(line)
    return pa.Table.from_pylist(rows, schema=RAW_SCHEMA)


def _quoted(line: bytes) -> bytes:
    """A bare word would break the line; as a text it reads well."""
    for word in (b"twelve", b"NaN"):
        line = line.replace(b'"amount_minor":' + word, b'"amount_minor":"' + word + b'"')
    return line


_TEXTS = pa.schema([pa.field(name, pa.string()) for name in FIELDS])
