"""What the engine keeps in memory: the keys' history, tiles and facts. A cache; the state file is the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskwave.engine.columns import GROWTH, NULL_CODE, ColumnStore
from riskwave.engine.index import Ints, Positions, SortedIndex, composite, merge_ranges
from riskwave.engine.plan import Plan
from riskwave.engine.tiles import EPOCH_2000, TileStore

EVENT = "event_id"
CHUNK = 100_000
LAST_TICK = (1 << 32) - 1


def seconds_of(micros: Ints) -> Ints:
    """Whole seconds since 2000 of microseconds since 1970."""
    return micros // 1_000_000 - EPOCH_2000


def micros(column: pa.Array | pa.ChunkedArray) -> Ints:
    """Microseconds since 1970 of a timestamp column without NULLs."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    result: Ints = column.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return result


def since_1970(moment: datetime) -> int:
    """Microseconds since 1970 of a moment (UTC, without a zone)."""
    return int(moment.replace(tzinfo=UTC).timestamp() * 1_000_000)


def by_key(codes: npt.NDArray[np.int32], ticks: Ints, positions: Positions) -> tuple[Ints, Positions]:
    """Index entries of the rows that have a key."""
    has = codes != NULL_CODE
    return composite(codes[has], ticks[has]), positions[has]


class History:
    """Staged rows by position, found by event, by key and time for windows, by key and when they count for tiles.

    `carried` are the columns that later windows read of past rows' features; they are updated when a row is decided.
    """

    def __init__(self, plan: Plan, staged: pa.Schema, carried: pa.Schema) -> None:
        windowed, tiled = {step.entity for step in plan.windows}, {tile.entity for tile in plan.tiles}
        wanted = {"event_ts", "transmitted_ts", EVENT, "merchant_id", "ip"} | windowed | tiled
        for step in (*plan.windows, *plan.windows_over):
            wanted |= {*step.history, *step.same}
        self.staged = [name for name in staged.names if name in wanted]
        self.carried = [name for name in carried.names if name in wanted and name not in self.staged]
        kinds = {name: staged.field(name).type for name in self.staged}
        kinds |= {name: carried.field(name).type for name in self.carried}
        self.store = ColumnStore(kinds, plain=frozenset({EVENT}))
        self.events = SortedIndex()
        self.indexes = {entity: SortedIndex() for entity in sorted(windowed)}
        self.counting = {entity: SortedIndex() for entity in sorted(tiled)}
        self.version = np.zeros(1024, np.int32)
        self.features = np.zeros(1024, np.uint64)
        self.newest = self.newest_counted = np.iinfo(np.int64).min

    def __len__(self) -> int:
        return self.store.length

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        indexes = sum(index.nbytes for index in self._every_index())
        return self.store.nbytes + indexes + len(self) * (self.version.itemsize + self.features.itemsize)

    def add(self, rows: pa.Table, hashes: npt.NDArray[np.uint64]) -> Positions:
        """Add staged rows (n) with their events' hashes (n); gives their positions."""
        positions = self.store.append(rows)
        if len(positions) == 0:
            return positions
        end = self.store.length
        if end > len(self.version):
            self.version = _grown(self.version, end)
            self.features = _grown(self.features, end)
        self.version[positions] = 0
        self.events.add(hashes.view(np.int64), positions)
        moments, counted = self.store.columns["event_ts"].at(positions), self.counted(positions)
        for indexes, ticks in ((self.indexes, seconds_of(moments)), (self.counting, seconds_of(counted))):
            for entity, index in indexes.items():
                index.add(*by_key(self.store.columns[entity].at(positions), ticks, positions))
        self.newest = max(self.newest, int(moments.max()))
        self.newest_counted = max(self.newest_counted, int(counted.max()))
        return positions

    def counted(self, positions: Positions) -> Ints:
        """When rows at positions (n) count for tiles (n, microseconds since 1970), as the macro counted_ts has it."""
        columns = self.store.columns
        # No message is sent before its payment is made, and NULL is less than any time.
        return np.maximum(columns["event_ts"].at(positions), columns["transmitted_ts"].at(positions))

    def _every_index(self) -> Iterable[SortedIndex]:
        return (self.events, *self.indexes.values(), *self.counting.values())

    def cluster(self, entity: str) -> None:
        """Put rows in order of an entity's keys and time, so that a key's rows lie together in memory.

        A window reads many columns of all rows of its key: each would else be fetched from a place of its own.
        """
        if len(self) == 0:
            return
        rows = np.arange(len(self), dtype=np.int32)
        columns = self.store.columns
        order = np.lexsort((columns["event_ts"].at(rows), columns[entity].at(rows)))
        place_of = np.empty(len(self), np.int32)
        place_of[order] = rows
        self.store.reorder(order)
        for index in self._every_index():
            index.renumber(place_of)
        self.version[: len(self)] = self.version[order]
        self.features[: len(self)] = self.features[order]

    def find(self, hashes: npt.NDArray[np.uint64]) -> Positions:
        """Positions of events by hash, -1 for one not known."""
        return self.events.find(hashes.view(np.int64))

    def decided(self, positions: Positions, features: npt.NDArray[np.uint64], rows: pa.Table) -> None:
        """Note what was decided of the rows at positions: version up by one, values' hash, carried columns."""
        self.version[positions] += 1
        self.features[positions] = features
        for name in self.carried:
            column = self.store.columns[name]
            column.update(positions, column.numbers(rows.column(name)))

    def between(self, entity: str, codes: npt.NDArray[np.int32], low: Ints, high: Ints) -> tuple[Ints, Positions]:
        """Entries and positions of keys' rows at seconds in [low, high), each once, by key and second."""
        return _between(self.indexes[entity], codes, low, high)

    def counted_between(self, entity: str, codes: npt.NDArray[np.int32], low: Ints, high: Ints) -> Positions:
        """Positions of keys' rows that count at seconds in [low, high), each once."""
        return _between(self.counting[entity], codes, low, high)[1]

    def count_before(self, moment: int) -> int:
        """How many rows are before a moment (microseconds since 1970)."""
        moments = self.store.columns["event_ts"].at(np.arange(self.store.length, dtype=np.int32))
        return int((moments < moment).sum())

    def since(self, entity: str, keys: pa.ChunkedArray, moments: Ints) -> Positions:
        """Positions of decided rows of keys (n) at or after moments (n, microseconds since 1970), each once."""
        vocabulary = self.store.columns[entity].vocabulary
        low = np.maximum(seconds_of(moments), 0)
        _, positions = self.between(entity, vocabulary.known(keys), low, np.full(len(low), LAST_TICK, np.int64))
        return np.unique(positions[self.version[positions] > 0])


def _between(index: SortedIndex, codes: npt.NDArray[np.int32], low: Ints, high: Ints) -> tuple[Ints, Positions]:
    low = np.maximum(low, 0)
    has = (codes != NULL_CODE) & (low < high)
    codes, low, high = codes[has], low[has], high[has]
    return index.ranges(*merge_ranges(composite(codes, low), composite(codes, high)))


def _grown(array: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    grown = np.zeros(max(length, len(array) * GROWTH), array.dtype)
    grown[: len(array)] = array
    return grown


class Tiles:
    """All tile models' stores."""

    def __init__(self, plan: Plan, history: History) -> None:
        """The stores know keys by the codes of the history."""
        self.stores = [TileStore(spec, history.store.columns[spec.entity].vocabulary) for spec in plan.tiles]
        self._adds = plan.adds

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(store.nbytes for store in self.stores)

    def add(self, sums: pa.Table) -> None:
        """Add what `Plan.tiles_sql` gave: each tile of a model once."""
        if sums.num_rows == 0:
            return
        sums = sums.combine_chunks()
        models = sums.column("model").to_numpy()
        for place, store in enumerate(self.stores):
            rows = sums.filter(pa.array(models == place))
            store.add(
                rows.column("key").combine_chunks(),
                rows.column("tile").to_numpy() - EPOCH_2000,
                rows.column("member").combine_chunks() if store.spec.member else None,
                [rows.column(f"s{number}").to_numpy() for number in range(len(store.spec.sums))],
            )

    def add_rows(self, codes: Mapping[str, npt.NDArray[np.int32]], seconds: Ints, rows: pa.Table) -> None:
        """Add what payments (n) add by themselves: their keys' codes by entity, times, and staged rows with ADDS."""
        values = {text: rows.column(name).to_numpy() for text, name in self._adds.items()}
        for store in self.stores:
            spec = store.spec
            if spec.adds is not None:
                members = rows.column(spec.member) if spec.member else None
                store.add_rows(codes[spec.entity], seconds, members, [values[text] for text in spec.adds])


class Facts:
    """A dimension's versions in memory, found by key."""

    def __init__(self, entity: str, schema: pa.Schema) -> None:
        self.entity = entity
        self.schema = schema
        self.store = ColumnStore({field.name: field.type for field in schema})
        self._index = SortedIndex()

    def add(self, rows: pa.Table) -> None:
        """Add versions (n) of the model's columns."""
        positions = self.store.append(rows)
        codes = self.store.columns[self.entity].at(positions)
        self._index.add(*by_key(codes, np.zeros(len(codes), np.int64), positions))

    def of(self, keys: pa.ChunkedArray) -> pa.Table:
        """All versions of the keys (n, repeated or NULL as they come)."""
        codes = np.unique(self.store.columns[self.entity].vocabulary.known(keys))
        codes = codes[codes != NULL_CODE].astype(np.int64)
        _, positions = self._index.ranges(codes << 32, (codes << 32) + 1)
        return pa.table(self.store.gather(positions, self.schema.names), schema=self.schema)


def stream(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterable[pa.Table]:
    """A query's rows in tables of at most CHUNK rows."""
    reader = connection.sql(sql).to_arrow_reader(CHUNK)
    for batch in reader:
        yield pa.Table.from_batches([batch])
