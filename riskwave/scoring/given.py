"""Features as `risk_score` is given them: a list of numbers and a list of texts an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskwave.errors import RiskwaveError
from riskwave.scoring.encoding import Given, words_of
from riskwave.scoring.layout import Layout, layout
from riskwave.scoring.values import Flags

HOUR, DAY = 3_600, 86_400
#: 1 January 1970 was a Thursday.
THURSDAY = 3


class Listed(Given):
    """Lists in the order of the layout. `cards`: the PAN token of each event, or NULL."""

    def __init__(self, cards: Any, numbers: Any, texts: Any, order: Layout | None = None) -> None:
        """cards: string; numbers: list of double; texts: list of string; each (rows,).

        Raises RiskwaveError when an event has more or fewer features than the layout.
        """
        self.order = order or layout()
        self.cards = _whole(cards)
        self.number_lists, self.text_lists = _whole(numbers), _whole(texts)
        self.rows_given = len(self.cards)
        self._matrix = _flat(self.number_lists, self.rows, len(self.order.numbers), "numbers").to_numpy(
            zero_copy_only=False
        )
        self._matrix = np.asarray(self._matrix, np.float64).reshape(self.rows, len(self.order.numbers))
        self._words = _flat(self.text_lists, self.rows, len(self.order.texts), "texts")

    @property
    def rows(self) -> int:
        """How many events."""
        return self.rows_given

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """(rows, names); NaN is "not known"."""
        found = self._matrix[:, [self.order.places[name] for name in names]]
        found[~np.isfinite(found)] = np.nan
        return found

    def text(self, name: str) -> tuple[NDArray[np.int64], pa.Array]:
        """Places in the words, and the words: all texts share them."""
        codes, words = self._coded
        return codes[:, self.order.places[name]], words

    def hours_of_week(self, name: str) -> NDArray[np.float64]:
        """Of seconds since 1970."""
        seconds = self._matrix[:, self.order.places[name]]
        return np.floor(seconds / HOUR + 24 * THURSDAY) % 168

    def some(self, chosen: Flags) -> Listed:
        """The chosen events."""
        mask = pa.array(chosen)
        return Listed(self.cards.filter(mask), self.number_lists.filter(mask), self.text_lists.filter(mask), self.order)

    @cached_property
    def _coded(self) -> tuple[NDArray[np.int64], pa.Array]:
        codes, words = words_of(self._words)
        return codes.reshape(self.rows, len(self.order.texts)), words


def listed(table: pa.Table, order: Layout | None = None) -> Listed:
    """Rows of decision_input, or some of its columns, as lists; a feature that is not there is not known.

    Raises RiskwaveError for one of a type that cannot be its own.
    """
    order = order or layout()
    rows, there = table.num_rows, set(table.column_names)
    matrix = np.full((rows, len(order.numbers)), np.nan)
    for place, name in enumerate(order.numbers):
        if name in there:
            matrix[:, place] = _number(name, table[name])
    texts = np.full((rows, len(order.texts)), None, object)
    for place, name in enumerate(order.texts):
        if name in there:
            texts[:, place] = table[name].to_pylist()
    cards = table["card_id"].cast(pa.string()) if "card_id" in there else pa.nulls(rows, pa.string())
    return Listed(
        cards,
        _lists(pa.array(matrix.reshape(-1)), rows, len(order.numbers)),
        _lists(pa.array(texts.reshape(-1).tolist(), pa.string()), rows, len(order.texts)),
        order,
    )


def one(features: Mapping[str, Any], order: Layout | None = None) -> Listed:
    """One event's features by name, card_id among them; those not there are not known."""
    order = order or layout()
    numbers = [_plain(features.get(name)) for name in order.numbers]
    texts = [features.get(name) for name in order.texts]
    return Listed(
        pa.array([features.get("card_id")], pa.string()),
        pa.array([numbers], pa.list_(pa.float64())),
        pa.array([texts], pa.list_(pa.string())),
        order,
    )


def together(parts: Sequence[Listed]) -> Listed:
    """Several as one, in order."""
    return Listed(
        pa.concat_arrays([part.cards for part in parts]),
        pa.concat_arrays([part.number_lists for part in parts]),
        pa.concat_arrays([part.text_lists for part in parts]),
        parts[0].order,
    )


def _plain(value: Any) -> float | None:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return None if value is None else float(value)


def _number(name: str, column: Any) -> NDArray[np.float64]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
        return np.asarray(column.to_numpy(), np.float64) / 1e6
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    try:
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise RiskwaveError(f"{name}: is of type {kind}, expected a number, a flag or a time") from error


def _lists(values: pa.Array, rows: int, width: int) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * width), values)


def _whole(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _flat(lists: Any, rows: int, width: int, what: str) -> Any:
    values = lists.flatten()
    if lists.null_count or len(values) != rows * width:
        raise RiskwaveError(
            f"risk_score: was given {len(values):,} {what} for {rows:,} events, expected {width} each; "
            "deploy the models of this project, and restart the scoring server from it"
        )
    return values
