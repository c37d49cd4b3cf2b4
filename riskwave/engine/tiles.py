"""Tiles in memory: sums by key and minute, hour or day, to which every batch adds its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sqlglot
from sqlglot import exp

from riskwave.engine.columns import GROWTH, NULL_CODE, Vocabulary
from riskwave.engine.index import Ints, SortedIndex, composite
from riskwave.engine.rowwise import rowwise
from riskwave.errors import RiskwaveError
from riskwave.project import Model

Codes = npt.NDArray[np.int32]
SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
EPOCH_2000 = 946_684_800


@dataclass(frozen=True)
class TileSpec:
    """A tile model: `entity` and tile are the key, `member` (or None) a further text in the key, `sums` what is added.

    unit: seconds a tile lasts; lookback: seconds of complete tiles that a window over them reaches back; adds: SQL of
    what one staged payment adds to each sum by itself, None where the model's SQL does not tell.
    """

    name: str
    entity: str
    unit: int
    lookback: int
    member: str | None
    sums: tuple[str, ...]
    sql: str
    adds: tuple[str, ...] | None = None


def tile_spec(model: Model) -> TileSpec:
    """Read a model with `meta: {role: tile, entity, unit, lookback}`; its measures must be counts and sums.

    Raises RiskwaveError when a measure cannot be added up from batch to batch.
    """
    statement = sqlglot.parse_one(model.sql, read="duckdb")
    if not isinstance(statement, exp.Select):
        raise RiskwaveError(f"model {model.name}: a tile model is one SELECT with a GROUP BY")
    if any(trunc.this == exp.column("event_ts") for trunc in statement.find_all(exp.TimestampTrunc)):
        raise RiskwaveError(
            f"model {model.name}: truncates event_ts; expected {{{{ counted_ts() }}}}, which is when a payment counts"
        )
    keys, sums = [], []
    for item in statement.expressions:
        if item.find(exp.AggFunc) is None:
            keys.append(item.alias_or_name)
        elif _adds_up(item):
            sums.append(item.alias_or_name)
        else:
            raise RiskwaveError(
                f"model {model.name}, column {item.alias_or_name}: a tile is made of count and sum, which add up"
            )
    entity = str(model.meta["entity"])
    members = [key for key in keys if key not in (entity, "tile")]
    if entity not in keys or "tile" not in keys or len(members) > 1:
        raise RiskwaveError(f"model {model.name}: expected the columns {entity}, tile and at most one more in its key")
    member = members[0] if members else None
    return TileSpec(
        name=model.name,
        entity=entity,
        unit=SECONDS[str(model.meta["unit"])],
        lookback=duration(str(model.meta["lookback"])),
        member=member,
        sums=tuple(sums),
        sql=model.sql,
        adds=rowwise(statement, entity, member),
    )


def _adds_up(item: exp.Expr) -> bool:
    """Whether a measure is one count or sum, cast or not, and so the sum of what its parts have."""
    while isinstance(item, exp.Alias | exp.Cast | exp.Paren):
        item = item.this
    return isinstance(item, exp.Count | exp.Sum) and item.find(exp.Distinct) is None


def duration(text: str) -> int:
    """Seconds in a text such as "24 hours"."""
    number, _, unit = text.partition(" ")
    scale = {"second": 1, **SECONDS}.get(unit.rstrip("s"))
    if scale is None or not number.isdigit():
        raise RiskwaveError(f'"{text}": expected a duration such as "24 hours"')
    return int(number) * scale


class TileStore:
    """One tile model's rows, found by key and span of tiles."""

    def __init__(self, spec: TileSpec, keys: Vocabulary | None = None) -> None:
        """keys: codes of the entity's keys, shared with whoever else knows them."""
        self.spec = spec
        self.keys = Vocabulary() if keys is None else keys
        self.members = Vocabulary()
        self._index = SortedIndex()
        self._seen: set[tuple[int, int]] = set()
        self._member = np.empty(1024, np.int32)
        self._sums = np.empty((max(len(spec.sums), 1), 1024), np.int64)
        self._length = 0

    @property
    def ahead_schema(self) -> pa.Schema:
        """The columns of `ahead`."""
        fields = [("_own", pa.int64()), ("tile", pa.timestamp("us"))]
        if self.spec.member:
            fields.append((self.spec.member, pa.int32()))
        sums = [(name, pa.int64()) for name in self.spec.sums]
        return pa.schema([*fields, *sums, ("serves", pa.timestamp("us"))])

    def __len__(self) -> int:
        return self._length

    @property
    def nbytes(self) -> int:
        """Bytes in memory, vocabularies and members roughly."""
        texts = 150 * (len(self.keys) + len(self.members) + len(self._seen))
        return self._index.nbytes + self._length * (8 * len(self._sums) + 4) + texts

    def entries(self, keys: pa.Array, seconds: Ints) -> Ints:
        """Index entries of keys (n, not NULL) at tiles that hold the times (n, seconds since 2000)."""
        return composite(self.keys.encode(keys), seconds // self.spec.unit)

    def add(self, keys: pa.Array, tiles: Ints, members: pa.Array | None, sums: list[Ints]) -> None:
        """Add rows (n): keys, tile starts (seconds since 2000), members where the key has one, one array a sum."""
        if len(tiles) == 0:
            return
        entries = self.entries(keys, tiles)
        if members is None:
            self._add_sums(entries, sums)
        else:
            self._add_members(entries, self.members.encode(members))

    def add_rows(self, codes: Codes, seconds: Ints, members: pa.ChunkedArray | None, sums: list[Ints]) -> None:
        """Add what payments (n) add: codes of keys (-1: none), times (seconds since 2000), members, an array a sum."""
        has = codes != NULL_CODE
        entries = composite(codes[has], seconds[has] // self.spec.unit)
        if len(entries) == 0:
            return
        if members is not None:
            self._add_members(entries, self.members.encode(members)[has])
            return
        order = np.argsort(entries, kind="stable")
        entries = entries[order]
        starts = np.flatnonzero(np.r_[True, entries[1:] != entries[:-1]])
        self._add_sums(entries[starts], [np.add.reduceat(values[has][order], starts) for values in sums])

    def _add_sums(self, entries: Ints, sums: list[Ints]) -> None:
        """Add to tiles (n), each named once."""
        at = self._index.find(entries)
        known = at >= 0
        for place, values in enumerate(sums):
            self._sums[place, at[known]] += values[known]
        fresh = ~known
        start, count = self._length, int(fresh.sum())
        self._grow(start + count)
        for place, values in enumerate(sums):
            self._sums[place, start : start + count] = values[fresh]
        self._length += count
        self._index.add(entries[fresh], np.arange(start, start + count, dtype=np.int32))

    def _add_members(self, entries: Ints, codes: Codes) -> None:
        pairs = list(zip(entries.tolist(), codes.tolist(), strict=True))
        fresh = np.fromiter((pair not in self._seen for pair in pairs), bool, len(pairs))
        self._seen.update(pairs)
        start, count = self._length, int(fresh.sum())
        self._grow(start + count)
        self._member[start : start + count] = codes[fresh]
        self._length += count
        self._index.add(entries[fresh], np.arange(start, start + count, dtype=np.int32))

    def _grow(self, length: int) -> None:
        if length > len(self._member):
            size = max(length, len(self._member) * GROWTH)
            grown = np.empty((self._sums.shape[0], size), np.int64)
            grown[:, : self._length] = self._sums[:, : self._length]
            self._sums = grown
            members = np.empty(size, np.int32)
            members[: self._length] = self._member[: self._length]
            self._member = members

    def ahead(self, codes: npt.NDArray[np.int32], seconds: Ints, *, first: int = 0) -> tuple[Ints, int, pa.Table]:
        """The complete tiles before the tiles that hold events of keys, by code (n, -1 for none), at `seconds` (n).

        Gives for each event the number of its own tile, from `first` on, or -1; how many numbers there are; and one row
        per own tile and tile before it, as the macro tiles_ahead has it: what the model's lookback reaches. The key is
        its own tile's number (_own), a member its code.
        """
        has = codes != NULL_CODE
        own, number_of = np.unique(composite(codes[has], seconds[has] // self.spec.unit), return_inverse=True)
        numbers = np.full(len(codes), -1, np.int64)
        numbers[has] = number_of + first
        owners, entries, positions = self._index.spans(own - self.spec.lookback // self.spec.unit, own)
        columns: dict[str, Any] = {"_own": owners + first, "tile": self._start(entries)}
        if self.spec.member:
            columns[self.spec.member] = self._member[positions]
        for place, name in enumerate(self.spec.sums):
            columns[name] = self._sums[place, positions]
        columns["serves"] = self._start(own[owners])
        return numbers, len(own), pa.table(columns, schema=self.ahead_schema)

    def _start(self, entries: Ints) -> pa.Array:
        micros = ((entries & 0xFFFFFFFF) * self.spec.unit + EPOCH_2000) * 1_000_000
        return pa.array(micros).view(pa.timestamp("us"))
