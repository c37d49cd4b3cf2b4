"""The one shape in which every source hands over what it received: texts, with the bytes beside them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from riskwave.contracts import Transaction

#: The payment's own fields, each as text.
FIELDS: tuple[str, ...] = tuple(Transaction.model_fields)

_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(FIELDS, pa.string()),
    "raw": pa.binary(),
    "decode_error": pa.string(),
    "source": pa.string(),
    "source_partition": pa.int32(),
    "source_offset": pa.int64(),
    "received_at": pa.timestamp("us"),
}

#: What a source yields: the payment's fields as text, then what was received and where.
RAW_SCHEMA: pa.Schema = pa.schema(_TYPES)

#: Longest line or message that is decoded; of a longer one this many bytes are kept.
MAX_ROW_BYTES = 1 << 20


def empty_table() -> pa.Table:
    """No rows of RAW_SCHEMA: what a source yields when nothing has arrived yet."""
    return RAW_SCHEMA.empty_table()


def utc_now() -> datetime:
    """The time now, UTC without a zone, as received_at has it."""
    return datetime.now(UTC).replace(tzinfo=None)


def raw_table(
    fields: Mapping[str, Any],
    *,
    raw: Any,
    decode_error: Any = None,
    source: str,
    partition: Any,
    offsets: Any,
    received_at: Any = None,
) -> pa.Table:
    """A RAW_SCHEMA table from the columns that were decoded.

    `fields` maps names in FIELDS to string arrays (or lists of str or None) of n rows; names left out
    are null. `raw` (binary) and `offsets` (int64) have n rows; `decode_error` has n rows or is None;
    `partition` is one number or an array of n; `received_at` is one UTC time without zone, an array of n
    (microseconds), or None for now.
    """
    rows = len(raw)
    received = utc_now() if received_at is None else received_at
    own: dict[str, Any] = {
        "raw": raw,
        "decode_error": decode_error,
        "source": source,
        "source_partition": partition,
        "source_offset": offsets,
        "received_at": received,
    }
    columns = [_column(own[name] if name in own else fields.get(name), kind, rows) for name, kind in _TYPES.items()]
    return pa.Table.from_arrays(columns, schema=RAW_SCHEMA)


def _column(value: Any, kind: Any, rows: int) -> Any:
    if value is None:
        return pa.nulls(rows, kind)
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value if value.type == kind else value.cast(kind)
    if isinstance(value, str | int | datetime):
        return pa.repeat(pa.scalar(value, kind), rows)
    return pa.array(value, kind)
