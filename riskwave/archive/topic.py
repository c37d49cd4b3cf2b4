"""A topic of decisions as a feed: a JSON object a message, with what was known beside the decision or without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import pyarrow as pa

from riskwave.archive.tables import REJECTED
from riskwave.contracts import Decision, arrow_schema
from riskwave.rules.columns import MODEL_COLUMNS, rule_columns
from riskwave.sources.kafka import KafkaSource
from riskwave.sources.kafka_uri import parse_kafka_uri
from riskwave.sources.shape import AsNamed

ROWS = 5_000  # a poll
_KINDS = {
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "integer": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
}
#: What orders the revisions of an event, in both tables.
_REVISIONS = {"revision": pa.int64(), "seen_at": pa.timestamp("us")}
_REJECTED = pa.schema(
    {
        "source_partition": pa.int32(),
        "source_offset": pa.int64(),
        "received_at": pa.timestamp("us"),
        "raw": pa.binary(),
        "reason": pa.string(),
    }
)


class TopicFeed:
    """Messages of kafka://host:port/topic; the token is the next offset of each partition."""

    def __init__(self, uri: str) -> None:
        self._source = KafkaSource(parse_kafka_uri(uri), AsNamed(Decision))
        self.name = self._source.name
        self._next: dict[int, int] = {}

    def seek(self, token: Any) -> None:
        """Go on at the token's offsets."""
        self._next = {int(partition): int(offset) for partition, offset in (token or {}).items()}
        self._source.seek(self._next)

    def read(self, timeout_s: float) -> Mapping[str, pa.Table] | None:
        """The messages that have come."""
        raw = self._source.poll(ROWS, timeout_s)
        if raw is None or raw.num_rows == 0:
            return None if raw is None else {}
        places = zip(raw["source_partition"].to_pylist(), raw["source_offset"].to_pylist(), strict=True)
        self._next |= {partition: offset + 1 for partition, offset in places}
        return parse(raw)

    def waiting(self) -> bool:
        """Whether the topic has messages that were not read; also while the broker has not said."""
        return self._source.lag() != 0

    def token(self) -> Any:
        """The next offset by partition, as text: keys of JSON are texts."""
        return {str(partition): offset for partition, offset in sorted(self._next.items())}

    def close(self) -> None:
        """Leave the broker."""
        self._source.close()


def parse(raw: pa.Table) -> dict[str, pa.Table]:
    """Messages (RAW_SCHEMA) as rows of decisions, and of decision_input where they have what was known.

    One that is no decision is in rejected_messages, with why.
    """
    decided: list[dict[str, Any]] = []
    known: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    columns = [raw[name].to_pylist() for name in ("raw", "source_partition", "source_offset", "received_at")]
    for message, partition, offset, received_at in zip(*columns, strict=True):
        try:
            said = orjson.loads(message)
            decided.append(_row(said, _decided()))
            if any(name in said for name in _features()):
                known.append(_row(said, _known()))
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            rejected.append(
                dict(zip(_REJECTED.names, (partition, offset, received_at, message, str(error)), strict=True))
            )
    found = {
        "decisions": _table(decided, _decided()),
        "decision_input": _table(known, _known()),
        REJECTED.name: pa.Table.from_pylist(rejected, _REJECTED),
    }
    return {name: table for name, table in found.items() if table.num_rows}


def _row(said: Mapping[str, Any], schema: Mapping[str, pa.DataType]) -> dict[str, Any]:
    row = {name: _value(name, said.get(name), kind) for name, kind in schema.items()}
    missing = [name for name in ("event_id", "event_ts") if row[name] is None]
    if missing:
        raise ValueError(f"no {missing[0]}")
    return row


def _value(name: str, value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    expected, made = _made(kind)
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        raise TypeError(f"{name}: {value!r} is no {kind}")
    return made(value)


@cache
def _made(kind: pa.DataType) -> tuple[tuple[type, ...], Callable[[Any], Any]]:
    """What JSON may have for a type, and how it becomes a value."""
    if pa.types.is_timestamp(kind):
        return (str, int), _moment
    if pa.types.is_floating(kind):
        return (int, float, str), float
    if pa.types.is_integer(kind):
        return (int, str), int
    if pa.types.is_boolean(kind):
        return (bool,), bool
    if pa.types.is_list(kind):
        return (list,), lambda texts: [str(text) for text in texts]
    return (str,), str


def _moment(value: str | int) -> datetime:
    """A time of ISO 8601, UTC where it has no zone, or milliseconds since 1970."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None)
    moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


@cache
def _decided() -> dict[str, pa.DataType]:
    return {field.name: field.type for field in arrow_schema(Decision)} | _REVISIONS


@cache
def _known() -> dict[str, pa.DataType]:
    left_out = {column.name for column in MODEL_COLUMNS}
    return {name: _KINDS[c.type] for name, c in rule_columns().items() if name not in left_out} | _REVISIONS


@cache
def _features() -> frozenset[str]:
    return frozenset(_known()) - frozenset(_decided())


def _table(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, pa.DataType]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), pa.schema(schema))
