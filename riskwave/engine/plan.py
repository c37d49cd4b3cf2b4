"""From the compiled dbt project to the statements that the embedded engine runs on every batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from riskwave.engine.rewrite import Step, window_step
from riskwave.engine.tiles import TileSpec, duration, tile_spec
from riskwave.errors import RiskwaveError
from riskwave.project import CompiledProject, Model


@dataclass(frozen=True)
class Dimension:
    """Versioned facts of an entity, joined as of the event: a model with `meta: {role: dimension, entity: …}`."""

    name: str
    entity: str
    landing: str
    sql: str


@dataclass(frozen=True)
class Plan:
    """Everything about the project's models that the engine needs.

    windows: the window models in join form, windows_over: the same in OVER form; lookbacks: seconds by window model.
    """

    models: dict[str, Model]
    tiles: tuple[TileSpec, ...]
    dimensions: tuple[Dimension, ...]
    windows: tuple[Step, ...]
    windows_over: tuple[Step, ...]
    lookbacks: dict[str, int]
    staged: frozenset[str]
    reaches: dict[str, int] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """Seconds of history that the exact windows and tiles of one event reach back."""
        return max([*self.lookbacks.values(), *(tile.lookback + tile.unit for tile in self.tiles)], default=0)

    def staging_sql(self) -> str:
        """Raw rows (`batch_raw`) to accepted rows, one an event_id."""
        return f"select s.*, hash(s.event_id) as _hash from ({self._with(['stg_payments__cast'], 'stg_payments')}) as s"

    def rejects_sql(self) -> str:
        """Raw rows (`batch_raw`) to rejected rows."""
        return self._with(["stg_payments__cast"], "rejected_events")

    def frauds_sql(self) -> str:
        """Labels (`batch_labels`) and their payments (`batch_labelled`) to newly confirmed frauds."""
        head = ["stg_labels as (select * from batch_labels)", "stg_payments as (select * from batch_labelled)"]
        return f"with {', '.join(head)} select * from ({self.models['int_confirmed_frauds'].sql})"

    def tiles_sql(self, payments: str = "batch_new", frauds: str = "batch_frauds") -> str:
        """Staged rows and newly confirmed frauds to what they add to every tile model."""
        width = max((len(tile.sums) for tile in self.tiles), default=0)
        parts = []
        for place, tile in enumerate(self.tiles):
            member = tile.member or "null::varchar"
            sums = [*tile.sums, *(["0"] * (width - len(tile.sums)))]
            named = ", ".join(f"{text}::bigint as s{number}" for number, text in enumerate(sums))
            parts.append(
                f"select {place}::integer as model, {tile.entity} as key, epoch(tile)::bigint as tile, "
                f"{member} as member{', ' if named else ''}{named} from ({tile.sql})"
            )
        names = {"stg_payments": payments, "int_confirmed_frauds": frauds}
        head = ", ".join(f"{name} as (select * from main.{given})" for name, given in names.items())
        return f"with {head} {' union all '.join(parts)}"

    def features_sql(self, *, over: bool = False) -> str:
        """The batch (`batch_rows`) and its scopes to `decision_input` rows, _hash (event) and _features (values)."""
        ctes = self._chain(over=over)
        ctes.append(f"decision_input as ({self.models['decision_input'].sql})")
        position = "source, source_partition, source_offset"
        return (
            f"with {', '.join(ctes)} select *, hash(event_id) as _hash, "
            f"hash(*columns(* exclude ({position}))) as _features from decision_input"
        )

    def features_upto(self, windows: int) -> str:
        """The batch through the first so many window models, in join form: what the next one reads."""
        last = self.windows[windows - 1].name if windows else "int_payments__facts"
        return f"with {', '.join(self._chain(windows=windows))} select * from {last}"

    def _chain(self, *, over: bool = False, windows: int | None = None) -> list[str]:
        ctes = ["stg_payments as materialized (select * from batch_rows)"]
        ctes += [f"{dim.name} as (select * from scope_{dim.name})" for dim in self.dimensions]
        ctes += [
            f"{model.name} as ({ahead_sql(model, self.tiles)})"
            for model in self.models.values()
            if model.role == "ahead"
        ]
        ctes.append(f"int_payments__facts as materialized ({self.models['int_payments__facts'].sql})")
        for step in (self.windows_over if over else self.windows)[:windows]:
            ctes += [f"{name} as materialized ({sql})" for name, sql in step.ctes]
        return ctes

    def decisions_sql(self) -> str:
        """Rows of `decision_input` (`batch_decided`) to rows of `decisions`."""
        head = "decision_input as (select * from batch_decided)"
        return f"with {head} select * from ({self.models['decisions'].sql})"

    def _with(self, before: list[str], last: str) -> str:
        ctes = ["payments as (select * from batch_raw)"]
        ctes += [f"{name} as materialized ({self.models[name].sql})" for name in before]
        return f"with {', '.join(ctes)} select * from ({self.models[last].sql})"


def make_plan(project: CompiledProject) -> Plan:
    """Read the models' roles. Raises RiskwaveError when one that the engine needs is missing."""
    for name in ("stg_payments", "rejected_events", "int_payments__facts", "decision_input", "decisions"):
        if name not in project.models:
            raise RiskwaveError(f"models/: no model {name}, which the embedded engine starts from; restore it")
    staged = _staged(project.models["stg_payments"])
    windows = project.of_role("window")
    tiles = tuple(tile_spec(model) for model in project.of_role("tile"))
    lookbacks = {model.name: duration(str(model.meta["lookback"])) for model in windows}
    reaches: dict[str, int] = {}
    for model in windows:
        # A late event moves its key's later windows, and through them the windows over what they gave.
        entity = str(model.meta["entity"])
        reaches[entity] = reaches.get(entity, 0) + lookbacks[model.name]
    return Plan(
        models=project.models,
        tiles=tiles,
        dimensions=tuple(
            Dimension(model.name, str(model.meta["entity"]), model.reads[0], model.sql)
            for model in project.of_role("dimension")
        ),
        staged=staged,
        windows=tuple(window_step(model, staged=staged) for model in windows),
        windows_over=tuple(window_step(model, form="over") for model in windows),
        lookbacks=lookbacks,
        reaches=reaches,
    )


def ahead_sql(model: Model, tiles: tuple[TileSpec, ...]) -> str:
    """A model over the tiles ahead of events, with those rows from memory (`scope_<tile model>`).

    The look-back that the macro tiles_ahead spells out as a join is what the index answers. Raises RiskwaveError when
    the model reads tiles in another way.
    """
    statement = sqlglot.parse_one(model.sql, read="duckdb")
    names = {tile.name for tile in tiles}
    for subquery in statement.find_all(exp.Subquery):
        read = {table.name for table in subquery.find_all(exp.Table)} & names
        if len(read) == 1:
            scope = exp.to_table(f"scope_{read.pop()}")
            subquery.replace(exp.alias_(scope, subquery.alias, table=True))
            if not {table.name for table in statement.find_all(exp.Table)} & names:
                return statement.sql(dialect="duckdb", comments=False)
            break
    raise RiskwaveError(
        f"model {model.name}: a model over tiles reads them through one tiles_ahead(…) and no other way"
    )


def _staged(model: Model) -> frozenset[str]:
    """The columns of accepted events, from the model's first CTE."""
    statement = sqlglot.parse_one(model.sql, read="duckdb")
    accepted = statement.find(exp.CTE)
    return frozenset(accepted.this.named_selects if accepted is not None else ())
