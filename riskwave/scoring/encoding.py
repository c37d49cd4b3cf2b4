"""From the columns of decision_input to numbers: one stored way, part of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from riskwave.catalogue import Feature
from riskwave.errors import RiskwaveError
from riskwave.scoring.layout import NAMES
from riskwave.scoring.values import Flags, Matrix

pc: Any = pyarrow.compute

#: Most values a category keeps; the others are "not known", as a value never seen is.
MOST_VALUES = 64
LEAST_SEEN = 5
#: Events by which a category's share of frauds is drawn to that of all.
SHRINK = 50.0
#: Letters of event_code, counted in a sequence of them.
LETTERS = "drvcsml"
#: What is telling only against something else; trees cannot divide.
RATIOS = (
    ("billing_amount_minor", "card_amount_avg_30d"),
    ("billing_amount_minor", "card_amount_max_30d"),
    ("billing_amount_minor", "merchant_amount_avg_24h"),
    ("billing_amount_minor", "profile_single_limit_minor"),
    ("card_amount_sum_1h", "card_amount_avg_30d"),
    ("card_amount_sum_24h", "profile_daily_limit_minor"),
    ("card_amount_sum_24h", "card_amount_sum_30d"),
    ("card_txn_count_1h", "card_txn_count_30d"),
    ("card_txn_count_24h", "profile_mean_daily_count"),
    ("card_seconds_since_last", "card_gap_avg_30d"),
    ("merchant_amount_avg_1h", "merchant_amount_avg_24h"),
)


@dataclass(frozen=True)
class Column:
    """One number a model reads, made of one or two features.

    kind: `number` (flags are 0 and 1), `category` (the place of the value in `values`, which are ordered by what
    their share of frauds was), `letter` (how often `values[0]` is in a text), `ratio` (the first by the second),
    `hour_of_week` (0 to 167, UTC, Monday first).
    """

    name: str
    kind: str
    of: tuple[str, ...]
    values: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Encoder:
    """The columns a model reads, in order."""

    columns: tuple[Column, ...]

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The features needed, each once, in order of first use."""
        return tuple(dict.fromkeys(name for column in self.columns for name in column.of))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    def of(self, kind: str) -> list[int]:
        """Places of the columns of a kind."""
        return [place for place, column in enumerate(self.columns) if column.kind == kind]

    def keep(self, places: Sequence[int]) -> Encoder:
        """An encoder with these columns only."""
        return Encoder(tuple(self.columns[place] for place in places))

    def encode(self, table: pa.Table) -> Matrix:
        """The matrix of a table that has at least the features: (rows, columns), NaN where nothing is known.

        Raises RiskwaveError when a feature is missing or of a type that cannot be its own.
        """
        there = set(table.column_names)
        missing = [name for name in self.features if name not in there]
        if missing:
            raise RiskwaveError(f"the model needs {', '.join(missing)}: no such column in what it is to score")
        return self.encode_given(Columns(table))

    def encode_given(self, given: Given) -> Matrix:
        """The matrix of features that come in another form than a table's columns."""
        matrix = np.empty((given.rows, len(self.columns)), np.float32)
        numbers = self.of("number")
        with np.errstate(all="ignore"):
            if numbers:
                matrix[:, numbers] = given.numbers([self.columns[place].of[0] for place in numbers])
            ratios = self.of("ratio")
            if ratios:
                above = given.numbers([self.columns[place].of[0] for place in ratios])
                below = given.numbers([self.columns[place].of[1] for place in ratios])
                matrix[:, ratios] = np.where(below != 0, above / below, np.nan)
            for place, column in enumerate(self.columns):
                if column.kind == "letter":
                    codes, words = given.text(column.of[0])
                    counted = pc.count_substring(words, pattern=column.values[0])
                    matrix[:, place] = _of_words(codes, counted)
                elif column.kind == "category":
                    codes, words = given.text(column.of[0])
                    places = pc.index_in(words, value_set=pa.array(column.values, pa.string()))
                    matrix[:, place] = _of_words(codes, places, missing=_place_of_null(column.values))
                elif column.kind == "hour_of_week":
                    matrix[:, place] = given.hours_of_week(column.of[0])
        return matrix

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"columns": [[c.name, c.kind, list(c.of), list(c.values)] for c in self.columns]}

    @classmethod
    def of_dict(cls, said: dict[str, Any]) -> Encoder:
        """The encoder that `as_dict` gave."""
        return cls(tuple(Column(name, kind, tuple(of), tuple(values)) for name, kind, of, values in said["columns"]))


def learn_encoder(features: Sequence[Feature], events: pa.Table, fraud: Flags) -> Encoder:
    """The encoder of all features that can be scored by, its categories' values learned from training events only."""
    columns: list[Column] = []
    for feature in features:
        if feature.unit in NAMES:
            continue
        if feature.type == "timestamp":
            columns.append(Column("hour_of_week", "hour_of_week", (feature.name,)))
        elif feature.unit == "event codes":
            columns += [Column(f"{feature.name}:{x}", "letter", (feature.name,), (x,)) for x in LETTERS]
        elif feature.type == "varchar":
            values = _values(events[feature.name], fraud)
            columns.append(Column(feature.name, "category", (feature.name,), values))
        else:
            columns.append(Column(feature.name, "number", (feature.name,)))
    there = {feature.name for feature in features}
    columns += [Column(f"{a}/{b}", "ratio", (a, b)) for a, b in RATIOS if {a, b} <= there]
    return Encoder(tuple(columns))


def _values(column: pa.ChunkedArray, fraud: Flags) -> tuple[str | None, ...]:
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    codes = coded.indices.to_numpy(zero_copy_only=False)
    words = coded.dictionary.to_pylist()
    seen = np.bincount(codes, minlength=len(words))
    frauds = np.bincount(codes, weights=fraud, minlength=len(words))
    prior = frauds.sum() / max(seen.sum(), 1)
    share = (frauds + SHRINK * prior) / (seen + SHRINK)
    kept = sorted(range(len(words)), key=lambda place: (-seen[place], str(words[place])))[:MOST_VALUES]
    kept = [place for place in kept if seen[place] >= LEAST_SEEN]
    # Without a fraud known, the rarest come last: so a cut still sets the unusual apart.
    kept.sort(key=lambda place: (share[place], -seen[place], str(words[place])))
    return tuple(words[place] for place in kept)


class Given(Protocol):
    """Features of some events, by name."""

    @property
    def rows(self) -> int:
        """How many events."""
        ...

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """(rows, names); NaN is "not known". Flags are 0 and 1."""
        ...

    def text(self, name: str) -> tuple[NDArray[np.int64], pa.Array]:
        """Places in the words, (rows,), -1 for NULL; and the words."""
        ...

    def hours_of_week(self, name: str) -> NDArray[np.float64]:
        """0 to 167, UTC, Monday first."""
        ...


class Columns:
    """Features as the columns of a table."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._numbers: dict[str, NDArray[np.float64]] = {}
        self._texts: dict[str, tuple[NDArray[np.int64], pa.Array]] = {}

    @property
    def rows(self) -> int:
        """How many events."""
        return int(self._table.num_rows)

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Raises RiskwaveError for what is no number or flag."""
        matrix = np.empty((len(names), self.rows))
        for place, name in enumerate(names):
            if name not in self._numbers:
                self._numbers[name] = _numbers(name, self._table[name])
            matrix[place] = self._numbers[name]
        return matrix.T

    def text(self, name: str) -> tuple[NDArray[np.int64], pa.Array]:
        """Raises RiskwaveError for what is no text."""
        if name not in self._texts:
            self._texts[name] = words_of(_texts(name, self._table[name]))
        return self._texts[name]

    def hours_of_week(self, name: str) -> NDArray[np.float64]:
        """Of a timestamp."""
        at = self._table[name].cast(pa.timestamp("us"))
        return _numbers("hour", pc.add(pc.multiply(pc.day_of_week(at), 24), pc.hour(at)))


def words_of(column: Any) -> tuple[NDArray[np.int64], pa.Array]:
    """A column of texts as places in its distinct words, -1 for NULL, and the words."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    coded = column.dictionary_encode()
    return np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64), coded.dictionary


def _of_words(codes: NDArray[np.int64], values: Any, *, missing: float = np.nan) -> NDArray[np.float64]:
    """The value of each row's word; `missing` where there is none."""
    return np.append(_numbers("words", values), missing)[codes]


def _place_of_null(values: tuple[str | None, ...]) -> float:
    return float(values.index(None)) if None in values else np.nan


def _numbers(name: str, column: Any) -> NDArray[np.float64]:
    if pa.types.is_temporal(column.type) or pa.types.is_nested(column.type):
        raise RiskwaveError(f"{name}: is of type {column.type}, expected a number or a flag")
    try:
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        column = column.cast(pa.float64(), safe=False)
    except pa.ArrowInvalid as error:
        raise RiskwaveError(f"{name}: is of type {column.type}, expected a number or a flag") from error
    values = np.array(column.to_numpy() if isinstance(column, pa.ChunkedArray) else column.to_numpy(False), np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def _texts(name: str, column: Any) -> Any:
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise RiskwaveError(f"{name}: is of type {column.type}, expected a text") from error
