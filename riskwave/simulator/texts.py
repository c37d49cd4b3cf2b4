"""Columns of text made fast: numbered ids, words by code, instants, addresses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskwave.simulator.arrow import Column, pc, positions

_ZERO = ord("0")
_DAY_MS = 86_400_000


def numbered(prefix: str, numbers: NDArray[Any], width: int) -> Column:
    """Ids such as c000042: `prefix` and the number in `width` digits."""
    head = np.frombuffer(prefix.encode(), np.uint8)
    text = np.empty((len(numbers), len(head) + width), np.uint8)
    text[:, : len(head)] = head
    _digits(text, len(head), np.asarray(numbers, np.int64), width)
    return _fixed(text)


def words(table: Column, codes: NDArray[Any]) -> Column:
    """The text of each code in `table`, a sequence or an Arrow array; a negative code gives null."""
    texts = table if isinstance(table, pa.Array) else pa.array(table, pa.string())
    return texts.take(positions(codes))


def instants(us: NDArray[Any], suffix: str = "Z") -> Column:
    """ISO 8601 texts of instants given in microseconds, to the millisecond."""
    ms = np.asarray(us, np.int64) // 1000
    day, of_day = np.divmod(ms, _DAY_MS)
    text = np.empty((len(ms), 23 + len(suffix)), np.uint8)
    if len(ms):
        first = int(day.min())
        dates = np.arange(first, int(day.max()) + 1).astype("datetime64[D]").astype("S10")
        text[:, :10] = dates.view(np.uint8).reshape(-1, 10)[day - first]
    text[:, 10], text[:, 13], text[:, 16], text[:, 19] = ord("T"), ord(":"), ord(":"), ord(".")
    for start, width, value in (
        (11, 2, of_day // 3_600_000),
        (14, 2, of_day // 60_000 % 60),
        (17, 2, of_day // 1000 % 60),
        (20, 3, of_day % 1000),
    ):
        _digits(text, start, value, width)
    if suffix:
        text[:, 23:] = np.frombuffer(suffix.encode(), np.uint8)
    return _fixed(text)


def dotted(parts: Sequence[NDArray[Any]]) -> Column:
    """IPv4 texts from their four numbers."""
    bytes_ = pa.array([str(n) for n in range(256)], pa.string())
    return pc.binary_join_element_wise(*(bytes_.take(positions(p)) for p in parts), ".")


def _digits(text: NDArray[np.uint8], start: int, value: NDArray[Any], width: int) -> None:
    for place in range(width):
        text[:, start + place] = _ZERO + value // 10 ** (width - 1 - place) % 10


def _fixed(text: NDArray[np.uint8]) -> Column:
    """A string array from a row of bytes each."""
    rows, width = text.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets.tobytes()), pa.py_buffer(text.tobytes()))
