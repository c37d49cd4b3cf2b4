"""The models' SQL in memory: relations that change with every batch, and statements prepared over them."""

from __future__ import annotations

import pyarrow as pa

from riskwave.engine.chain import Chain, in_order, window_sql
from riskwave.engine.fetch import fetch
from riskwave.engine.look_ups import LookUps
from riskwave.engine.memory import Facts, History, Tiles
from riskwave.engine.passing import keeps_columns, parse
from riskwave.engine.plan import ADDS, FACTS, KNOWN, Plan
from riskwave.engine.provider import Provider
from riskwave.engine.ruling import VERSIONED
from riskwave.engine.stager import Stager, labelled_schema
from riskwave.engine.state import LANDING, connect, create_landing
from riskwave.tracing import traced

APART = ("_hash", "_features")


class Workbench:
    """Prepared statements by name, and the relations they read (`batch_…`, `scope_…`), over a database of its own.

    new, labels, labelled, frauds, wide: the batch on its way; rows, known: columns it has before and after the models;
    scopes: by model, what of the past each window or dimension model is given; overs: the same for window models in
    OVER form; history, tiles, facts: memory, still empty; tables: columns of the state's tables but `decisions`.
    """

    def __init__(self, plan: Plan, stager: Stager, *, over: bool, memory: str) -> None:
        """over: also prepare the window models in OVER form, for which scopes carry more columns."""
        # One thread: what a second one takes to start and to wait is more than what a batch gains by it.
        self.connection = connect(":memory:", threads=1, memory=memory)
        connection = self.connection
        create_landing(connection)
        self.plan = plan
        self.over = over
        self.scopes: dict[str, Provider] = {}
        self.overs: dict[str, Provider] = {}
        # Joins are written in the order that is best, the small side last; left to itself the optimizer, which knows
        # nothing of how many rows an Arrow stream has, takes longer to think than the joins take to run.
        connection.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
        self._staging(stager)
        self._labelling()
        self.chain = Chain(connection, "batch_rows", self.rows)
        self._memory()
        self.chain.prepare()
        self._deciding()

    def fetch(self, name: str) -> pa.Table:
        """The rows of a prepared statement."""
        return fetch(self.connection, name)

    @traced("riskwave.features")
    def features(self, batch: pa.Table, *, over: bool) -> pa.Table:
        """`decision_input` rows of a batch (columns `rows`) in its order, with _hash and _features."""
        wide = self.chain.run(batch, over=over)
        self.wide.put(wide)
        made = in_order(self.fetch("features"), wide.num_rows, KNOWN)
        self.wide.clear()
        columns = [wide.column(passed) if passed else made.column(name) for name, passed in self._known]
        columns += [wide.column("_hash"), made.column("_features")]
        return pa.Table.from_arrays(columns, names=[*(name for name, _ in self._known), *APART])

    def close(self) -> None:
        """Close the database."""
        self.chain.close()
        self.look_ups.close()
        self.connection.close()

    def shape(self, sql: str) -> pa.Schema:
        """The columns of a query."""
        return self.connection.sql(f"select * from ({sql}) limit 0").to_arrow_table().schema

    def _provide(self, name: str, schema: pa.Schema) -> Provider:
        return Provider(self.connection, name, schema)

    def _scope(self, name: str, schema: pa.Schema) -> Provider:
        return Provider(self.connection, name, schema, self.chain.beside)

    def _prepare(self, name: str, sql: str) -> None:
        self.connection.execute(f"prepare {name} as {sql}")

    def _staging(self, stager: Stager) -> None:
        plan = self.plan
        self._rejected = stager.rejected
        self.accepted = pa.schema([field for field in stager.accepted if not field.name.startswith(ADDS)])
        self.staged = pa.schema([field for field in self.accepted if field.name != "_hash"])
        self.new = self._provide("batch_new", stager.new.schema)
        keys = [(f"_k_{step.name}", pa.int32()) for step in plan.windows]
        ordinals = [(f"_s_{step.name}", pa.int64()) for step in plan.windows]
        compared = sorted({name for step in plan.windows for name in step.same})
        codes = [(f"_x_{name}", pa.float64() if self._is_double(name) else pa.int64()) for name in compared]
        self.look_ups = LookUps(self.connection, plan.look_ups)
        extra = pa.schema([("_row", pa.int32()), *keys, *ordinals, *codes, *self.look_ups.fields])
        self.rows = pa.schema([*self.accepted, *extra])

    def _is_double(self, name: str) -> bool:
        return bool(pa.types.is_floating(self.staged.field(name).type))

    def _labelling(self) -> None:
        plan = self.plan
        self.labels = self._provide("batch_labels", LANDING["labels"])
        self.labelled = self._provide("batch_labelled", labelled_schema(self.staged))
        self.named = self._provide("batch_named", pa.schema([self.staged.field("event_id")]))
        self._prepare("hashes", "select hash(event_id) as _hash from batch_named")
        self._prepare("confirm", plan.frauds_sql())
        self.frauds = self._provide("batch_frauds", self.shape(plan.frauds_sql()))
        self._prepare("tiles", plan.tiles_sql(of=plan.grouped))
        # `batch_new` is empty then: what frauds add, payments having added by themselves.
        self._prepare("fraud_tiles", plan.tiles_sql(of=plan.confirmed))

    def _memory(self) -> None:
        plan = self.plan
        self.facts: dict[str, Facts] = {}
        for dimension in plan.dimensions:
            schema = self.shape(dimension.sql)
            self.facts[dimension.name] = Facts(dimension.entity, schema)
            self.scopes[dimension.name] = self._scope(f"scope_{dimension.name}", schema)
        carried: dict[str, pa.Field] = {}
        self.chain.add(FACTS, plan.facts_sql(), keeps=keeps_columns(parse(plan.models[FACTS].sql), "stg_payments"))
        for place, step in enumerate(plan.windows):
            missing = [name for name in step.history if name not in self.staged.names and name not in carried]
            # Made by the models before this one, and kept with each decided row for the rows after it.
            carried |= {name: self.chain.schema.field(name) for name in missing}
            known = {**{field.name: field for field in self.staged}, **carried}
            fields = [known[name] for name in sorted({*step.history, "event_ts"})]
            codes = [self.rows.field(f"_x_{name}") for name in step.same]
            shape = pa.schema([("_key", pa.int32()), ("_seq", pa.int64()), *fields, *codes])
            self.scopes[step.name] = self._scope(f"scope_{step.name}", shape)
            if self.over:
                names = {*plan.windows_over[place].history, "event_id", "event_ts", step.entity} & set(known)
                shape = pa.schema([known[name] for name in sorted(names)])
                self.overs[step.name] = self._scope(f"over_{step.name}", shape)
            over = plan.windows_over[place]
            self.chain.add(step.name, window_sql(step), over=window_sql(over) if self.over else None, keeps=step.keeps)
        self._carried = pa.schema(list(carried.values()))
        self.empty_memory()

    def empty_memory(self) -> None:
        """History, tiles and facts as new, for loading them again."""
        self.history = History(self.plan, self.staged, self._carried)
        self.tiles = Tiles(self.plan, self.history)
        self.facts = {name: Facts(facts.entity, facts.schema) for name, facts in self.facts.items()}

    def _deciding(self) -> None:
        plan = self.plan
        made = plan.known(set(self.chain.schema.names))
        self._known = [(name, made.passed.get(name)) for name in made.names]
        self.telling = made.telling
        self.wide = self.chain.source(made.sql)
        self._prepare("features", made.sql)
        kinds = {field.name: field for field in self.shape(made.sql)}
        known = [
            pa.field(name, self.chain.schema.field(passed).type) if passed else kinds[name]
            for name, passed in self._known
        ]
        known += [pa.field(name, pa.uint64()) for name in APART]
        #: Columns of `features`.
        self.known = pa.schema(known)
        self.tables = {
            "stg_payments": self.staged,
            "rejected_events": self._rejected,
            "labels": LANDING["labels"],
            "int_confirmed_frauds": self.frauds.schema,
            **{dimension.landing: LANDING[dimension.landing] for dimension in plan.dimensions},
            "decision_input": pa.schema([*(field for field in known if field.name not in APART), *VERSIONED]),
        }
