from datetime import UTC, datetime, timedelta

import pyarrow as pa

from riskwave.contracts import Transaction
from riskwave.sources.batch import FIELDS, RAW_SCHEMA, empty_table, raw_table


def test_the_schema_is_the_contracts_fields_as_texts_and_what_was_received() -> None:
    assert tuple(Transaction.model_fields) == FIELDS
    assert len(FIELDS) == 39
    assert RAW_SCHEMA.names[:39] == list(FIELDS)
    assert {RAW_SCHEMA.field(name).type for name in FIELDS} == {pa.string()}
    assert RAW_SCHEMA.names[39:] == [
        "raw",
        "decode_error",
        "source",
        "source_partition",
        "source_offset",
        "received_at",
    ]
    assert empty_table().num_rows == 0


def test_a_table_of_few_columns_has_them_all() -> None:
    when = datetime(2026, 3, 1)
    table = raw_table(
        {"event_id": ["a", None]}, raw=[b"1", b"2"], source="s", partition=3, offsets=[7, 8], received_at=when
    )
    assert table.schema == RAW_SCHEMA
    assert table.to_pylist()[1] == {
        **dict.fromkeys(FIELDS),
        "raw": b"2",
        "decode_error": None,
        "source": "s",
        "source_partition": 3,
        "source_offset": 8,
        "received_at": when,
    }


def test_without_a_time_it_is_now_in_utc() -> None:
    table = raw_table({}, raw=[b"1"], source="s", partition=0, offsets=[0])
    now = datetime.now(UTC).replace(tzinfo=None)
    assert abs(table.to_pylist()[0]["received_at"] - now) < timedelta(seconds=60)
