"""Which features `risk_score` is given, and in which order: two lists, of numbers and of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import pyarrow as pa

from riskwave.rules.columns import MODEL_COLUMNS, rule_columns

#: Units of columns that name things: a model that learned names would know these cards and no others.
NAMES = frozenset({"id", "IPv4 or IPv6", "digits"})


@dataclass(frozen=True)
class Layout:
    """The features in the order of decision_input, without those that name things.

    numbers: of `double precision[]`, flags as 0 and 1, times as seconds since 1970 (UTC); texts: of `varchar[]`.
    """

    numbers: tuple[str, ...]
    texts: tuple[str, ...]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Place of each feature in its list."""
        return {name: place for names in (self.numbers, self.texts) for place, name in enumerate(names)}


@cache
def layout() -> Layout:
    """The layout of this project's features, as macros/risk_features.sql writes it."""
    scores = {column.name for column in MODEL_COLUMNS}
    known = [c for c in rule_columns().values() if c.name not in scores and c.unit not in NAMES]
    return Layout(
        tuple(column.name for column in known if column.kind != "text"),
        tuple(column.name for column in known if column.kind == "text"),
    )


#: What risk_score gives of an event: see Scored.
RESULT = pa.struct(
    [
        ("score", pa.float64()),
        ("version", pa.string()),
        ("degraded", pa.bool_()),
        ("shadow_scores", pa.list_(pa.string())),
    ]
)
#: The same in SQL, for DuckDB.
RESULT_SQL = "struct(score double, version varchar, degraded boolean, shadow_scores varchar[])"
#: The columns that the scoring step adds to what is known of an event.
SCORES = ("model_score", "model_version", "degraded", "shadow_scores")


def degraded(rows: int) -> pa.StructArray:
    """Results of events that a model was to score and could not."""
    return _same(rows, is_degraded=True)


def unscored(rows: int) -> pa.StructArray:
    """Results of events where no model is online."""
    return _same(rows, is_degraded=False)


def results(score: pa.Array, version: pa.Array, shadows: pa.Array) -> pa.StructArray:
    """Results of events that were scored: arrays of float64, string and list of string."""
    return pa.StructArray.from_arrays(
        [score, version, pa.repeat(pa.scalar(False), len(score)), shadows], fields=list(RESULT)
    )


def no_shadows(rows: int) -> pa.ListArray:
    """Empty lists."""
    return pa.ListArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows + 1), pa.array([], pa.string()))


def _same(rows: int, *, is_degraded: bool) -> pa.StructArray:
    return pa.StructArray.from_arrays(
        [
            pa.nulls(rows, pa.float64()),
            pa.nulls(rows, pa.string()),
            pa.repeat(pa.scalar(is_degraded), rows),
            no_shadows(rows),
        ],
        fields=list(RESULT),
    )
