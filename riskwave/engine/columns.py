"""Append-only columns in memory, from which scopes are gathered as Arrow tables.

Text is kept as codes into a vocabulary; every other type as the numbers Arrow keeps it in, with one number standing
for NULL. The store is a cache of the state file, never the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

NULL_INT = np.iinfo(np.int64).min
NULL_CODE = -1
GROWTH = 4  # rarely, and by much: a copy keeps a payment waiting, room that is not used takes no memory

AnyArray = npt.NDArray[Any]


class Texts:
    """A growing list of texts, in a few pieces that are joined as they grow.

    Arrow takes from several pieces by joining all of them first, which would cost what the whole history costs: here
    each piece is taken from by itself.
    """

    def __init__(self) -> None:
        self._pieces: list[pa.Array] = []
        self._starts = np.zeros(1, np.int64)  # of each piece, and the end of the last

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(int(piece.nbytes) for piece in self._pieces)

    def append(self, texts: pa.Array) -> None:
        """Add texts at the end."""
        self._pieces.append(texts)
        while len(self._pieces) > 1 and len(self._pieces[-2]) < 8 * len(self._pieces[-1]):
            newer, older = self._pieces.pop(), self._pieces.pop()
            self._pieces.append(pa.concat_arrays([older, newer]))
        self._starts = np.cumsum([0, *(len(piece) for piece in self._pieces)], dtype=np.int64)

    def take(self, places: npt.NDArray[np.int32]) -> pa.Array:
        """The texts at places (n); -1 gives NULL."""
        of = np.searchsorted(self._starts, places, side="right") - 1
        parts, order = [], []
        for number in np.unique(of):
            here = np.flatnonzero(of == number)
            if number < 0:
                parts.append(pa.nulls(len(here), pa.string()))
            else:
                parts.append(self._pieces[number].take(pa.array(places[here] - self._starts[number])))
            order.append(here)
        if len(parts) < 2:
            return parts[0] if parts else pa.array([], pa.string())
        back = np.empty(len(places), np.int64)
        back[np.concatenate(order)] = np.arange(len(places))
        return pa.concat_arrays(parts).take(pa.array(back))

    def reorder(self, order: npt.NDArray[np.int64]) -> None:
        """Put the text at order[i] at i; `order` names every place once."""
        if self._pieces:
            self._pieces = [pa.concat_arrays(self._pieces).take(pa.array(order))]
            self._starts = np.array([0, len(order)], np.int64)


class Vocabulary:
    """Texts and their codes, 0 up, in order of first sight."""

    def __init__(self) -> None:
        self._codes: dict[str | bytes, int] = {}
        self._texts = Texts()
        self._new: list[str] = []

    def __len__(self) -> int:
        return len(self._codes)

    def encode(self, texts: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int32]:
        """Codes (n) of texts (n); a text not seen before gets the next code, NULL gets -1."""
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        if len(texts) == 0:
            return np.empty(0, np.int32)
        encoded = texts.dictionary_encode()
        local = np.empty(len(encoded.dictionary) + 1, np.int32)
        for place, text in enumerate(encoded.dictionary.to_pylist()):
            code = self._codes.get(text)
            if code is None:
                code = self._codes[text] = len(self._codes)
                self._new.append(text)
            local[place] = code
        local[-1] = NULL_CODE
        indices = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        return local[indices]

    def known(self, texts: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int32]:
        """Codes (n) of texts (n) without learning new ones: -1 for NULL and for a text not seen before."""
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        encoded = texts.dictionary_encode()
        local = np.array([self._codes.get(text, NULL_CODE) for text in encoded.dictionary.to_pylist()] + [NULL_CODE])
        indices = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        return local.astype(np.int32)[indices]

    def decode(self, codes: npt.NDArray[np.int32]) -> pa.Array:
        """Texts (n) of codes (n); -1 gives NULL."""
        if self._new:
            self._texts.append(pa.array(self._new, pa.string()))
            self._new = []
        return self._texts.take(codes)


class TextColumn:
    """A growing text column whose values hardly repeat: kept as they are."""

    def __init__(self) -> None:
        self.vocabulary = None
        self.kind = pa.string()
        self._texts = Texts()

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self._texts.nbytes

    def numbers(self, values: pa.Array | pa.ChunkedArray) -> Any:
        """The values, as one Arrow array."""
        return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values

    def write(self, start: int, numbers: Any) -> None:
        """Put texts at positions start, start + 1, …"""
        del start
        self._texts.append(numbers)

    def arrow(self, positions: npt.NDArray[np.int32]) -> pa.Array:
        """The texts at positions."""
        return self._texts.take(positions)

    def reorder(self, order: npt.NDArray[np.int64]) -> None:
        """Put the row at order[i] at i; `order` names every row once."""
        self._texts.reorder(order)


class Column:
    """One growing column of a fixed Arrow type."""

    def __init__(self, kind: pa.DataType) -> None:
        self.kind = kind
        self.vocabulary = Vocabulary() if pa.types.is_string(kind) else None
        if self.vocabulary is not None:
            dtype: Any = np.int32
        elif pa.types.is_boolean(kind):
            dtype = np.int8
        elif pa.types.is_floating(kind):
            dtype = np.float64
        else:
            dtype = np.int64
        self._data: AnyArray = np.empty(1024, dtype)
        self._used = 0

    @property
    def nbytes(self) -> int:
        """Bytes in memory; a text of the vocabulary as 150, for the text, its code and their place in a dict."""
        return self._used * self._data.itemsize + 150 * (len(self.vocabulary) if self.vocabulary is not None else 0)

    def numbers(self, values: pa.Array | pa.ChunkedArray) -> AnyArray:
        """The column's own numbers for Arrow values of its type."""
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        if self.vocabulary is not None:
            return self.vocabulary.encode(values)
        if pa.types.is_boolean(self.kind):
            return pc.fill_null(values.cast(pa.int8()), -1).to_numpy(zero_copy_only=False)
        if pa.types.is_floating(self.kind):
            return pc.fill_null(values.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
        if values.type != pa.int64():
            values = values.cast(self.kind).cast(pa.int64())
        return pc.fill_null(values, NULL_INT).to_numpy(zero_copy_only=False)

    def write(self, start: int, numbers: AnyArray) -> None:
        """Put numbers at positions start, start + 1, …, growing the column as needed."""
        end = self._used = start + len(numbers)
        if end > len(self._data):
            grown = np.empty(max(end, len(self._data) * GROWTH), self._data.dtype)
            grown[:start] = self._data[:start]
            self._data = grown
        self._data[start:end] = numbers

    def update(self, positions: npt.NDArray[np.int32], numbers: AnyArray) -> None:
        """Replace the numbers at positions."""
        self._data[positions] = numbers

    def reorder(self, order: npt.NDArray[np.int64]) -> None:
        """Put the row at order[i] at i; `order` names every row once."""
        self._data[: self._used] = self._data[order]

    def at(self, positions: npt.NDArray[np.int32]) -> AnyArray:
        """The numbers at positions."""
        return self._data[positions]

    def compared(self, positions: npt.NDArray[np.int32]) -> AnyArray:
        """The numbers at positions, as 64 bits of which equal values have the same."""
        numbers = self._data[positions]
        return numbers if numbers.itemsize == 8 else numbers.astype(np.int64)

    def arrow(self, positions: npt.NDArray[np.int32]) -> pa.Array:
        """The values at positions, as Arrow."""
        numbers = self._data[positions]
        if self.vocabulary is not None:
            return self.vocabulary.decode(numbers)
        if pa.types.is_boolean(self.kind):
            return pa.array(numbers > 0, mask=numbers < 0)
        if pa.types.is_floating(self.kind):
            return pa.array(numbers, mask=np.isnan(numbers))
        empty = numbers == NULL_INT
        values = pa.array(numbers, mask=empty) if empty.any() else pa.array(numbers)
        if pa.types.is_timestamp(self.kind):
            return values.view(self.kind)
        return values if self.kind == pa.int64() else values.cast(self.kind)


class ColumnStore:
    """Columns of equal length; a row's position changes by `reorder` alone."""

    def __init__(self, schema: Mapping[str, pa.DataType], *, plain: frozenset[str] = frozenset()) -> None:
        """`plain` names the text columns that are kept without a vocabulary."""
        self.columns: dict[str, Any] = {
            name: TextColumn() if name in plain else Column(kind) for name, kind in schema.items()
        }
        self.length = 0

    @property
    def nbytes(self) -> int:
        """Bytes in memory, vocabularies roughly."""
        return sum(column.nbytes for column in self.columns.values())

    def append(self, table: pa.Table) -> npt.NDArray[np.int32]:
        """Add a table's rows (its columns beyond the store's own are left out); gives their positions.

        A column the table lacks is NULL for these rows.
        """
        rows = table.num_rows
        for name, column in self.columns.items():
            if name in table.column_names:
                numbers = column.numbers(table.column(name))
            else:
                numbers = column.numbers(pa.nulls(rows, column.kind))
            column.write(self.length, numbers)
        positions = np.arange(self.length, self.length + rows, dtype=np.int32)
        self.length += rows
        return positions

    def reorder(self, order: npt.NDArray[np.int64]) -> None:
        """Put the row at order[i] at i; `order` names every row once."""
        for column in self.columns.values():
            column.reorder(order)

    def gather(self, positions: npt.NDArray[np.int32], names: Iterable[str]) -> dict[str, pa.Array]:
        """The named columns at positions, as Arrow arrays."""
        return {name: self.columns[name].arrow(positions) for name in names}
