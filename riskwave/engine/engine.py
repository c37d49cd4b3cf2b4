"""One loop: a batch and the history of its keys through the models' SQL, committed in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskwave.engine.columns import NULL_CODE
from riskwave.engine.index import Positions
from riskwave.engine.memory import Facts, History, Tiles, stream
from riskwave.engine.plan import Plan, is_ordered, make_plan
from riskwave.engine.provider import Provider
from riskwave.engine.scope import Scope, gather, touched
from riskwave.engine.state import LANDING, connect, prepare_state, write_offsets
from riskwave.project import compiled_project
from riskwave.sources.batch import RAW_SCHEMA

VERSIONED = [("version", pa.int32()), ("supersedes", pa.int32()), ("decided_at", pa.timestamp("us"))]
MANY_PAIRS = 20_000_000


@dataclass
class Outcome:
    """What one batch came to: counts of rows received, duplicates, rejected, decided, superseding; actions of the new."""

    received: int = 0
    duplicates: int = 0
    rejected: int = 0
    decided: int = 0
    superseding: int = 0
    actions: dict[str, int] = field(default_factory=dict)


class Engine:
    """The embedded engine over one state file. Not for use from several threads at once."""

    def __init__(
        self,
        path: Path | str,
        *,
        plan: Plan | None = None,
        threads: int = 2,
        memory: str = "1GB",
        form: str = "auto",
    ) -> None:
        """Open or create a state and rebuild what is kept in memory of it.

        form: "join" or "over" forces the form of the window models; "auto" takes the join form unless the batch's
        keys have so many rows that pairing them would cost more than computing the whole scope.
        """
        self.plan = plan or make_plan(compiled_project())
        self.form = form
        self.connection = connect(path, threads=threads, memory=memory)
        prepare_state(self.connection)
        self._prepare()
        self._load()

    # -- one batch ------------------------------------------------------------------------------------------------

    def process(
        self,
        raw: pa.Table,
        *,
        labels: pa.Table | None = None,
        offsets: Mapping[str, Mapping[int, int]] | None = None,
    ) -> Outcome:
        """Decide a batch of raw rows (RAW_SCHEMA) and take labels in; all or nothing.

        offsets: per source, the next offset to read per partition, committed with the decisions.
        """
        self.connection.begin()
        try:
            outcome = self._process(raw, labels)
            for source, positions in (offsets or {}).items():
                write_offsets(self.connection, source, positions)
            self.connection.commit()
        except BaseException:
            # Memory has moved on: this engine is of no more use, and a new one starts from the file.
            self.connection.rollback()
            self.connection.close()
            raise
        return outcome

    def _process(self, raw: pa.Table, labels: pa.Table | None) -> Outcome:
        outcome = Outcome(received=raw.num_rows)
        newest = self.history.newest
        accepted = self._stage(raw, outcome)
        fresh = self.history.add(accepted, accepted.column("_hash").to_numpy())
        frauds = self._take_labels(labels, fresh, accepted)
        self._add_tiles(accepted, frauds)
        again = touched(self.plan, self.history, self.tiles, fresh, newest, frauds)
        rows = accepted
        batch = fresh
        if len(again):
            older, positions = self._staged_again(again)
            rows = pa.concat_tables([accepted, older])
            batch = np.concatenate((fresh, positions))
        if len(batch):
            self._decide(rows, batch, outcome)
        return outcome

    def _stage(self, raw: pa.Table, outcome: Outcome) -> pa.Table:
        if raw.num_rows == 0:
            return self._accepted.schema.empty_table()
        self._raw.put(raw)
        accepted = self._fetch("stage")
        hashes = accepted.column("_hash").to_numpy()
        new = self.history.find(hashes) < 0
        if accepted.num_rows < raw.num_rows:
            outcome.rejected = int(self._execute("reject").fetchall()[0][0])
        self._raw.clear()
        outcome.duplicates = raw.num_rows - outcome.rejected - int(new.sum())
        if not new.all():
            accepted = accepted.filter(pa.array(new))
        self._accepted.put(accepted)
        self._execute("keep").fetchall()
        return accepted.select(self._accepted.schema.names)

    def _take_labels(self, labels: pa.Table | None, fresh: Positions, accepted: pa.Table) -> pa.Table:
        """Keep labels and give the frauds they confirm; a label that comes before its payment waits for it."""
        parts = []
        if labels is not None and labels.num_rows:
            self._labels.put(labels)
            self._execute("keep_labels").fetchall()
            parts.append(labels.select(self._labels.schema.names).cast(self._labels.schema))
        if len(fresh) and self._waiting.num_rows:
            parts.append(self._waiting)
            self._waiting = self._labels.schema.empty_table()
        if not parts:
            return self._frauds.schema.empty_table()
        candidates = pa.concat_tables(parts)
        self._labels.put(candidates)
        positions = self.history.find(self._fetch("hash_labels").column("_hash").to_numpy())
        known = positions >= 0
        self._waiting = pa.concat_tables([self._waiting, candidates.filter(pa.array(~known))])
        self._labels.put(candidates.filter(pa.array(known)))
        names = self._labelled.schema.names
        at = np.unique(positions[known])
        self._labelled.put(pa.table(self.history.store.gather(at, names), schema=self._labelled.schema))
        frauds = self._fetch("confirm")
        self._labels.clear()
        return frauds

    def _add_tiles(self, accepted: pa.Table, frauds: pa.Table) -> None:
        if accepted.num_rows or frauds.num_rows:
            self._new.put(accepted)
            self._frauds.put(frauds)
            self.tiles.add(self._fetch("tiles"))
            self._new.clear()

    def _staged_again(self, positions: Positions) -> tuple[pa.Table, Positions]:
        """The staged rows at positions, from the file, and their positions in the file's order."""
        columns = self.history.store.columns
        moments = columns["event_ts"].at(positions)
        self._wanted.put(pa.table({"event_id": columns["event_id"].arrow(positions)}))
        low, high = (np.datetime64(int(edge), "us").item() for edge in (moments.min(), moments.max()))
        rows = self.connection.execute(
            "select *, hash(event_id) as _hash from stg_payments where event_ts between $1 and $2 "
            "and event_id in (select event_id from batch_wanted)",
            [low, high],
        ).to_arrow_table()
        rows = rows.select(self._accepted.schema.names).cast(self._accepted.schema)
        return rows, self.history.find(rows.column("_hash").to_numpy())

    def _decide(self, rows: pa.Table, batch: Positions, outcome: Outcome) -> None:
        row_of = self._row_of(batch)
        self._rows.put(rows.append_column("_row", pa.array(np.arange(len(batch), dtype=np.int32))))
        pairs = self._put_scopes(batch, row_of)
        over = self.form == "over" or (self.form == "auto" and pairs > MANY_PAIRS)
        self._put_tiles_and_facts(rows)
        known = self._fetch("features_over" if over else "features")
        row_of[batch] = -1
        self._rows.clear()

        positions = self.history.find(known.column("_hash").to_numpy())
        features = known.column("_features").to_numpy()
        before = self.history.version[positions]
        changed = (before == 0) | (self.history.features[positions] != features)
        if not changed.all():
            mask = pa.array(changed)
            known, positions, features, before = (
                known.filter(mask), positions[changed], features[changed], before[changed],
            )
        if len(positions) == 0:
            return
        self.history.decided(positions, features, known)
        now = pa.scalar(datetime.now(UTC).replace(tzinfo=None), pa.timestamp("us"))
        known = known.append_column("version", pa.array(before + 1))
        known = known.append_column("supersedes", pa.array(before, mask=before == 0))
        known = known.append_column("decided_at", pa.repeat(now, known.num_rows))
        self._decided.put(known)
        self._execute("remember").fetchall()
        actions = self._fetch("decide")
        self._decided.clear()
        outcome.decided = known.num_rows
        outcome.superseding = int((before > 0).sum())
        first = actions.filter(pc.equal(actions.column("version"), 1))
        for item in pc.value_counts(first.column("action").combine_chunks()).to_pylist():
            outcome.actions[item["values"]] = item["counts"]

    def _row_of(self, batch: Positions) -> npt.NDArray[np.int32]:
        if len(self._ordinals) < len(self.history):
            self._ordinals = np.full(max(len(self.history), len(self._ordinals) * 3 // 2), -1, np.int32)
        self._ordinals[batch] = np.arange(len(batch), dtype=np.int32)
        return self._ordinals

    def _put_scopes(self, batch: Positions, row_of: npt.NDArray[np.int32]) -> int:
        scopes: dict[tuple[str, int], Scope] = {}
        most = 0
        for step in self.plan.windows:
            lookback = self.plan.lookbacks[step.name]
            scope = scopes.get((step.entity, lookback))
            if scope is None:
                scope = scopes[step.entity, lookback] = gather(self.history, step.entity, lookback, batch, row_of)
            most = max(most, scope.pairs)
            provider = self._scopes[step.name]
            names = [name for name in provider.schema.names if not name.startswith("_")]
            columns = {"_key": pa.array(scope.others_key), "_seq": pa.array(scope.others_seq)}
            columns |= self.history.store.gather(scope.others, names)
            provider.put(pa.table(columns))
            self._maps[step.name].put(
                pa.table({"_row": scope.rows, "_key": scope.rows_key, "_seq": scope.rows_seq})
            )
        return most

    def _put_tiles_and_facts(self, rows: pa.Table) -> None:
        moments = rows.column("event_ts").cast(pa.int64()).to_numpy()
        for store in self.tiles.stores:
            keys = rows.column(store.spec.entity).combine_chunks()
            has = keys.is_valid().to_numpy(zero_copy_only=False)
            ticks = moments[has] // 1_000_000 - 946_684_800
            self._scopes[store.spec.name].put(store.ahead(keys.drop_null(), ticks))
        for name, facts in self.facts.items():
            self._scopes[name].put(facts.of(rows.column(facts.entity)))

    # -- statements -----------------------------------------------------------------------------------------------

    def _fetch(self, name: str) -> pa.Table:
        return self.connection.sql(f"execute {name}").to_arrow_table()

    def _execute(self, name: str) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(f"execute {name}")

    def _provider(self, name: str, schema: pa.Schema) -> Provider:
        return Provider(self.connection, name, schema)

    def _shape(self, sql: str) -> pa.Schema:
        schema: pa.Schema = self.connection.sql(f"select * from ({sql}) limit 0").to_arrow_table().schema
        return schema

    def _prepare(self) -> None:
        """Register what changes with every batch, create the models' tables, and plan every statement once."""
        plan, connection = self.plan, self.connection
        self._scopes: dict[str, Provider] = {}
        self._maps: dict[str, Provider] = {}
        self._raw = self._provider("batch_raw", RAW_SCHEMA)
        staging = plan.staging_sql()
        self._accepted = self._provider("batch_accepted", self._shape(staging))
        staged = pa.schema([field for field in self._accepted.schema if field.name != "_hash"])
        self._new = self._provider("batch_new", self._accepted.schema)
        self._rows = self._provider("batch_rows", self._accepted.schema.append(pa.field("_row", pa.int32())))
        self._wanted = self._provider("batch_wanted", pa.schema([("event_id", pa.string())]))
        self._create("stg_payments", "select * exclude (_hash) from batch_accepted")
        self._create("rejected_events", plan.rejects_sql())
        self._statement("stage", staging)
        self._statement("reject", f"insert into rejected_events {plan.rejects_sql()}")
        self._statement("keep", "insert into stg_payments select * exclude (_hash) from batch_accepted")

        self._labels = self._provider("batch_labels", LANDING["labels"])
        labelled = [name for name in ("event_id", "event_ts", "merchant_id", "ip") if name in staged.names]
        self._labelled = self._provider("batch_labelled", pa.schema([staged.field(name) for name in labelled]))
        self._statement("keep_labels", "insert into labels select * from batch_labels")
        self._statement("hash_labels", "select hash(event_id) as _hash from batch_labels")
        self._statement("confirm", plan.frauds_sql())
        self._frauds = self._provider("batch_frauds", self._shape(plan.frauds_sql()))
        self._statement("tiles", plan.tiles_sql())
        self._waiting = self._labels.schema.empty_table()

        self.tiles = Tiles(plan)
        for store in self.tiles.stores:
            self._scopes[store.spec.name] = self._provider(f"scope_{store.spec.name}", store.ahead_schema)
        self.facts: dict[str, Facts] = {}
        for dimension in plan.dimensions:
            schema = self._shape(dimension.sql)
            self.facts[dimension.name] = Facts(dimension.entity, schema)
            self._scopes[dimension.name] = self._provider(f"scope_{dimension.name}", schema)

        carried = self._window_scopes(staged)
        for name, over in (("features", False), ("features_over", True)):
            self._statement(name, plan.features_sql(over=over))
        known = self._shape(plan.features_sql())
        self.history = History(plan, staged, carried)
        self._ordinals: npt.NDArray[np.int32] = np.full(1024, -1, np.int32)
        self._decided = self._provider("batch_decided", pa.schema([*known, *VERSIONED]))
        self._create("decision_input", "select * exclude (_hash, _features) from batch_decided")
        self._statement("remember", "insert into decision_input select * exclude (_hash, _features) from batch_decided")
        decide = (
            f"select d.*, k.version, k.supersedes, k.decided_at from ({plan.decisions_sql()}) as d "
            "join batch_decided as k using (event_id)"
        )
        self._create("decisions", decide)
        self._statement("decide", f"insert into decisions {decide} returning version, action")
        for table in ("decision_input", "decisions"):
            connection.execute(
                f"create or replace view current_{table} as select * from {table} "
                "qualify row_number() over (partition by event_id order by version desc) = 1"
            )

    def _window_scopes(self, staged: pa.Schema) -> pa.Schema:
        """Register each window model's scope; gives the columns carried from one window model to the next.

        A carried column's type is what the models before it give, so they are described one after another.
        """
        carried: list[pa.Field] = []
        plan = self.plan
        for place, step in enumerate(plan.windows):
            known = {field.name: field for field in [*staged, *carried]}
            upstream = plan.features_upto(place) if place else None
            missing = [name for name in step.history if name not in known]
            if missing and upstream:
                shape = self._shape(upstream)
                carried += [shape.field(name) for name in missing]
                known = {field.name: field for field in [*staged, *carried]}
            names = {*step.history, *plan.windows_over[place].history, "event_id", "event_ts", step.entity}
            fields = [known[name] for name in sorted(names) if name in known] if self.form != "join" else [
                known[name] for name in sorted({*step.history, "event_ts"})
            ]
            schema = pa.schema([("_key", pa.int32()), ("_seq", pa.int64()), *fields])
            self._scopes[step.name] = self._provider(f"scope_{step.name}", schema)
            self._maps[step.name] = self._provider(
                f"map_{step.name}", pa.schema([("_row", pa.int32()), ("_key", pa.int32()), ("_seq", pa.int64())])
            )
        return pa.schema(carried)

    def _create(self, table: str, sql: str) -> None:
        self.connection.execute(f"create table if not exists {table} as select * from ({sql}) limit 0")

    def _statement(self, name: str, sql: str) -> None:
        self.connection.execute(f"prepare {name} as {sql}")

    # -- start ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        """Rebuild memory from the file."""
        features = ", ".join(name for name in self._decided.schema.names
                             if name not in ("_hash", "_features", "version", "supersedes", "decided_at",
                                             "source", "source_partition", "source_offset"))
        carried = "".join(f", k.{name}" for name in self.history.carried)
        kept = ", ".join(f"s.{name}" for name in self.history.staged)
        sql = (
            f"select {kept}{carried}, hash(s.event_id) as _hash, k.version, hash({_prefixed(features)}) as _features "
            "from stg_payments as s left join current_decision_input as k on s.event_id = k.event_id"
        )
        for rows in stream(self.connection, sql):
            positions = self.history.add(rows, rows.column("_hash").to_numpy())
            self.history.version[positions] = pc.fill_null(rows.column("version"), 0).to_numpy()
            self.history.features[positions] = rows.column("_features").to_numpy()
        frauds = self.connection.sql(
            f"with stg_labels as (select * from labels) select * from ({self.plan.models['int_confirmed_frauds'].sql})"
        ).to_arrow_table()
        self._frauds.put(frauds.cast(self._frauds.schema))
        everything = self.plan.tiles_sql().replace("select * from batch_new", "select * from stg_payments")
        for sums in stream(self.connection, everything):
            self.tiles.add(sums)
        self._frauds.clear()
        waiting = "select l.* from labels as l anti join stg_payments as s on l.event_id = s.event_id"
        self._waiting = self.connection.sql(waiting).to_arrow_table().cast(self._labels.schema)
        for dimension in self.plan.dimensions:
            self.facts[dimension.name].add(self.connection.sql(dimension.sql).to_arrow_table())

    def close(self) -> None:
        """Close the state; what was committed is in the file."""
        self.connection.close()


def _prefixed(names: str) -> str:
    return ", ".join(f"k.{name}" for name in names.split(", "))
