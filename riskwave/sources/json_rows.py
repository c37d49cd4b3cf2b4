"""JSON messages to columns of text.

orjson reads each message, Arrow takes the texts out of the dicts, in blocks that stay in the processor's
cache. 10,000 messages of 38 fields (9.7 MB) take 70 ms on one slow core, of which orjson takes 40. Columns by
itemgetter and zip took 115, DuckDB's json_transform 70 (and 7 for any small batch), pyarrow.json 70 without
the checks it would need (it takes two objects on a line for two rows).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from riskwave.sources.lines import LineReader
from riskwave.sources.rows import Rows, Texts, texts

_BLOCK = 1000
# Members that are not texts in the first few messages are converted one by one.
_LOOKED_AT = 8
# orjson reads whole numbers that do not fit in 64 bits as floats, and so loses their digits.
_EXACT_BELOW = 2**63


def decode_json(messages: Sequence[bytes], columns: Sequence[str]) -> tuple[dict[str, Texts], list[str | None] | None]:
    """The named members of each message as texts, and why a message could not be read (None: all could).

    Never raises for what is in a message: one that is not a JSON object gives a row of nulls and a reason.
    """
    errors: dict[int, str] = {}
    blocks: dict[str, list[Texts]] = {name: [] for name in columns}
    for start in range(0, len(messages), _BLOCK):
        block = messages[start : start + _BLOCK]
        found = [_load(message, start + i, errors) for i, message in enumerate(block)]
        for name, column in zip(columns, _columns(found, columns, block), strict=True):
            blocks[name].append(column)
    decoded = {name: pa.chunked_array(made, pa.string()) for name, made in blocks.items()}
    return decoded, ([errors.get(i) for i in range(len(messages))] if errors else None)


def _load(message: bytes, i: int, errors: dict[int, str]) -> dict[str, Any]:
    try:
        found = orjson.loads(message)
    except ValueError as error:
        errors[i] = _reason(message, error)
        return {}
    if type(found) is dict:
        return found
    errors[i] = f"not a JSON object: {_kind(found)}"
    return {}


def _columns(found: list[dict[str, Any]], names: Sequence[str], messages: Sequence[bytes]) -> list[Texts]:
    first = found[:_LOOKED_AT]
    fields = [name for name in names if all(isinstance(some.get(name), str | None) for some in first)]
    kind = pa.struct([pa.field(name, pa.string()) for name in fields])
    try:
        rows: Any = pa.array(found, kind)
        made = dict(zip(fields, rows.flatten(), strict=True))
    except (pa.ArrowTypeError, pa.ArrowInvalid):  # one of them is not a text further down
        made = {}
    return [
        made[name] if name in made else _column(name, [some.get(name) for some in found], messages) for name in names
    ]


def _reason(message: bytes, error: ValueError) -> str:
    if not message.strip():
        return "empty message"
    try:
        message.decode()
    except UnicodeDecodeError as bad:
        return f"not valid UTF-8: byte {bad.start}"
    return f"not valid JSON: {error}"


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _column(name: str, values: Sequence[Any], messages: Sequence[bytes]) -> Texts:
    """The texts of one member."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        pass  # not all of them are texts
    try:
        column = pa.array(values)
    except (pa.ArrowTypeError, pa.ArrowInvalid, OverflowError):
        column = None  # of several types
    if column is not None and (pa.types.is_int64(column.type) or pa.types.is_boolean(column.type)):
        return column.cast(pa.string())
    if column is not None and pa.types.is_float64(column.type):
        range_ = pc.min_max(column)
        if range_["min"].as_py() > -_EXACT_BELOW and range_["max"].as_py() < _EXACT_BELOW:
            return pa.array([None if v is None else repr(v) for v in values], pa.string())
    return texts([_exact(name, v, messages[i]) if type(v) is float else v for i, v in enumerate(values)])


def _exact(name: str, value: float, message: bytes) -> Any:
    """The same value; of a whole number beyond 64 bits all digits."""
    if -_EXACT_BELOW < value < _EXACT_BELOW:
        return repr(value)
    try:
        written = json.loads(message, parse_float=str, parse_int=str).get(name)
    except RecursionError:  # nested too deeply for the standard library: the float's own digits
        return repr(value)
    return written if isinstance(written, str) else repr(value)


class JsonLines:
    """A RowReader of JSON lines: an object a line; a blank line is passed over but has its number."""

    def __init__(self, lines: LineReader, columns: Sequence[str]) -> None:
        self._lines = lines
        self._columns = tuple(columns)

    @property
    def names(self) -> tuple[str, ...] | None:
        """None: each line may have members of its own."""
        return None

    def skip(self, rows: int) -> int:
        """Pass over lines."""
        return self._lines.skip(rows)

    def read(self, max_rows: int) -> Rows | None:
        """At most max_rows lines as rows."""
        block = self._lines.take(max_rows)
        if block is None:
            return None
        lines, first = block.lines, block.first
        numbers: Sequence[int] = range(first, first + len(lines))
        if not all(map(bytes.strip, lines)):
            numbers = [first + i for i, line in enumerate(lines) if line.strip()]
            lines = [line for line in lines if line.strip()]
        if block.too_long is None or not lines:
            columns, errors = decode_json(lines, self._columns)
        else:  # always the last one of a block
            columns, errors = decode_json([*lines[:-1], b""], self._columns)
            errors = [*(errors or [None] * len(lines))[:-1], block.too_long]
        return Rows(columns, lines, errors, numbers)

    def close(self) -> None:
        """Let go of the file."""
        self._lines.close()
