"""What a compiled ruleset is: the SELECT, and the rows of the relations that it reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.rules.columns import Kind
from riskwave.rules.emit import Dialect
from riskwave.rules.lists import Entry, Lists
from riskwave.rules.pack import Ruleset

#: Rows of the relation `list_entries`: low and high of IPv4 ranges, bounds included.
LIST_ENTRIES = pa.schema(
    [
        ("list_name", pa.string()),
        ("value", pa.string()),
        ("low", pa.int64()),
        ("high", pa.int64()),
        ("expires_at", pa.timestamp("us")),
    ]
)
_UNTIL = pa.timestamp("us")
#: The kinds that thresholds have.
_PACKED: tuple[Kind, ...] = ("integer", "number", "text", "boolean")
_ARROW: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
}


@dataclass(frozen=True)
class ThresholdColumn:
    """A column of `rule_thresholds`: `<rule>__<threshold>`, before it `canary__` or `shadow1__` for other rulesets."""

    column: str
    revision: str
    rule: str
    threshold: str
    kind: Kind
    sql_type: str
    default: Any
    min: float | None
    max: float | None
    unit: str | None


@dataclass(frozen=True)
class Lookup:
    """A list and the column that is looked up in it; name: the column of the outcome; address: in ranges too."""

    name: str
    list_name: str
    column: str
    address: bool

    @property
    def field(self) -> pa.Field:
        """The column of the outcome in `decision_input` (fast)."""
        return pa.field(self.name, _UNTIL)


@dataclass(frozen=True)
class Compiled:
    """One SELECT over `decision_input`, `rule_thresholds` (one row) and `list_entries`, and what it needs of them.

    revision: of the live ruleset; revisions: all, live first; rules: the live pack's, in the order of rule_vector;
    columns: what it reads of decision_input; lists: the lists that it reads.
    """

    revision: str
    revisions: tuple[str, ...]
    dialect: Dialect
    sql: str
    thresholds: tuple[ThresholdColumn, ...]
    rules: tuple[str, ...]
    columns: tuple[str, ...]
    lists: tuple[str, ...]
    lookups: tuple[Lookup, ...]
    fast: bool

    @property
    def threshold_schema(self) -> pa.Schema:
        """The columns of `rule_thresholds`: one a threshold, or (fast) a list of each kind."""
        if self.fast:
            fields = [(f"{kind}s", pa.list_(_ARROW[kind])) for kind in _PACKED]
        else:
            fields = [(threshold.column, _ARROW[threshold.kind]) for threshold in self.thresholds]
        return pa.schema([*fields, ("control_version", pa.int64())])

    def threshold_row(self, values: Mapping[tuple[str, ...], Any], control_version: int) -> pa.Table:
        """`rule_thresholds` with these values by (rule, threshold), defaults for the rest.

        Values are for the live ruleset; the others run with their own defaults, or with values by
        (revision, rule, threshold).
        """
        row: dict[str, Any] = {"control_version": control_version}
        for threshold in self.thresholds:
            name = (threshold.rule, threshold.threshold)
            value = values.get((threshold.revision, *name), threshold.default)
            if threshold.revision == self.revision:
                value = values.get(name, value)
            value = float(value) if threshold.kind == "number" else value
            if self.fast:
                row.setdefault(f"{threshold.kind}s", []).append(value)
            else:
                row[threshold.column] = value
        return pa.Table.from_pylist([row], self.threshold_schema)

    def looked_up(self, rows: pa.Table, lists: Lists) -> pa.Table:
        """The rows (fast) with a column a look-up: until when the list holds the value, NULL where it does not."""
        texts: dict[str, list[str | None]] = {}
        for lookup in self.lookups:
            if not lists.has(lookup.list_name):
                rows = rows.append_column(lookup.field, pa.nulls(rows.num_rows, _UNTIL))
                continue
            if lookup.column not in texts:
                texts[lookup.column] = rows.column(lookup.column).to_pylist()
            found = lists.until(lookup.list_name, texts[lookup.column], address=lookup.address)
            rows = rows.append_column(lookup.field, pa.array(found, pa.int64()).cast(_UNTIL))
        return rows


def entries_table(entries: Iterable[Entry]) -> pa.Table:
    """Rows of `list_entries`."""
    held = list(entries)
    columns = [pa.array([getattr(entry, field.name) for entry in held], field.type) for field in LIST_ENTRIES]
    return pa.Table.from_arrays(columns, schema=LIST_ENTRIES)


@dataclass(frozen=True)
class Canary:
    """A ruleset that decides a share (0 to 1) of the cards: those whose hash with its revision is below the share."""

    ruleset: Ruleset
    share: float

    @property
    def cut(self) -> str | None:
        """Cards are in it whose first eight hexadecimal digits come before these; None for all."""
        if not 0 <= self.share <= 1:
            raise RiskwaveError(f"canary share {self.share}: expected 0 to 1; give a share of the cards, as 0.05")
        return None if self.share == 1 else f"{int(self.share * 2**32):08x}"

    def takes(self, card_id: str | None) -> bool:
        """Whether it decides the card's events."""
        if card_id is None:
            return False
        digest = hashlib.md5((self.ruleset.revision + card_id).encode(), usedforsecurity=False).hexdigest()
        return self.cut is None or digest[:8] < self.cut
