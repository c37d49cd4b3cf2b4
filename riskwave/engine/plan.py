"""From the compiled dbt project to the statements that the embedded engine runs on every batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from riskwave.engine.look_ups import LookUp, look_up, without_look_ups
from riskwave.engine.passing import parse, passed_along
from riskwave.engine.rewrite import Step, window_step
from riskwave.engine.tiles import TileSpec, duration, tile_spec
from riskwave.errors import RiskwaveError
from riskwave.project import CompiledProject, Model

FRAUDS = "int_confirmed_frauds"
FACTS = "int_payments__facts"
KNOWN = "decision_input"
ROW = "_row"
#: Seconds after it was made that a payment counts for tiles at the latest, as stg_payments__cast has it.
LATEST = 86_400
#: Begins the names of columns with what a payment adds to tiles.
ADDS = "_adds_"
NO_TILES = "select 0 as model, ''::varchar as key, 0::bigint as tile, null::varchar as member where false"


@dataclass(frozen=True)
class Dimension:
    """Versioned facts of an entity, joined as of the event: a model with `meta: {role: dimension, entity: …}`."""

    name: str
    entity: str
    landing: str
    sql: str


@dataclass(frozen=True)
class Known:
    """`decision_input` over the last window model's rows.

    names: its columns; passed: by name, the column read that it is as it was; telling: those that tell revisions of an
    event apart; sql: the other columns by _row, and _features, the telling ones' hash.
    """

    names: tuple[str, ...]
    passed: dict[str, str]
    telling: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class Plan:
    """Everything about the project's models that the engine needs.

    windows: the window models in join form, windows_over: the same in OVER form; lookbacks: seconds by window model.
    """

    models: dict[str, Model]
    tiles: tuple[TileSpec, ...]
    look_ups: tuple[LookUp, ...]
    dimensions: tuple[Dimension, ...]
    windows: tuple[Step, ...]
    windows_over: tuple[Step, ...]
    lookbacks: dict[str, int]
    staged: frozenset[str]
    reaches: dict[str, int] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """Seconds of history that the exact windows and tiles of one event reach back, by when payments were made."""
        tiled = (tile.lookback + tile.unit + LATEST for tile in self.tiles)
        return max([*self.lookbacks.values(), *tiled], default=0)

    def staging_sql(self) -> str:
        """Raw rows (`batch_raw`) to accepted rows, one an event_id, with _hash and what each adds to tiles."""
        adds = "".join(f", ({text})::bigint as {name}" for text, name in self.adds.items())
        staged = self._with(["stg_payments__cast"], "stg_payments")
        return f"select s.*, hash(s.event_id) as _hash{adds} from ({staged}) as s"

    def rejects_sql(self) -> str:
        """Raw rows (`batch_raw`) to rejected rows."""
        return self._with(["stg_payments__cast"], "rejected_events")

    def refused_sql(self) -> str:
        """Raw rows (`batch_raw`) as rejected rows, whatever there is to say against them."""
        rejected = parse(self.models["rejected_events"].sql)
        rejected.set("where", None)
        return f"{self._ctes(['stg_payments__cast'])} select * from ({rejected.sql('duckdb')})"

    def frauds_sql(self) -> str:
        """Labels (`batch_labels`) and their payments (`batch_labelled`) to newly confirmed frauds."""
        head = ["stg_labels as (select * from batch_labels)", "stg_payments as (select * from batch_labelled)"]
        return f"with {', '.join(head)} select * from ({self.models['int_confirmed_frauds'].sql})"

    @property
    def adds(self) -> dict[str, str]:
        """What one payment adds to tiles, each once: SQL over a staged row, and the name of its column."""
        texts = dict.fromkeys(text for tile in self.tiles for text in tile.adds or ())
        return {text: f"{ADDS}{number}" for number, text in enumerate(texts)}

    @property
    def grouped(self) -> frozenset[str]:
        """The tile models to which payments do not add by themselves (`adds`)."""
        return frozenset(tile.name for tile in self.tiles if tile.adds is None)

    @property
    def confirmed(self) -> frozenset[str]:
        """The others that confirmed frauds add to."""
        reading = {tile.name for tile in self.tiles if FRAUDS in self.models[tile.name].reads}
        return frozenset(reading - self.grouped)

    def tiles_sql(
        self, payments: str = "batch_new", frauds: str = "batch_frauds", *, of: frozenset[str] | None = None
    ) -> str:
        """Staged rows and newly confirmed frauds to what they add to tile models: those named, or all."""
        width = max((len(tile.sums) for tile in self.tiles), default=0)
        parts = []
        for place, tile in enumerate(self.tiles):
            if of is not None and tile.name not in of:
                continue
            member = tile.member or "null::varchar"
            sums = [*tile.sums, *(["0"] * (width - len(tile.sums)))]
            named = ", ".join(f"{text}::bigint as s{number}" for number, text in enumerate(sums))
            parts.append(
                f"select {place}::integer as model, {tile.entity} as key, epoch(tile)::bigint as tile, "
                f"{member} as member{', ' if named else ''}{named} from ({tile.sql})"
            )
        names = {"stg_payments": payments, FRAUDS: frauds}
        head = ", ".join(f"{name} as (select * from main.{given})" for name, given in names.items())
        return f"with {head} {' union all '.join(parts)}" if parts else NO_TILES

    def facts_sql(self) -> str:
        """The batch (`batch_rows`, look-ups included) with what tiles and facts tell of it: int_payments__facts."""
        ctes = ["stg_payments as (select * from batch_rows)"]
        ctes += [f"{dim.name} as (select * from scope_{dim.name})" for dim in self.dimensions]
        facts = without_look_ups(self.models[FACTS].sql, self.look_ups)
        return f"with {', '.join(ctes)} select * from ({facts})"

    def known(self, columns: set[str]) -> Known:
        """What `decision_input` makes of the columns of the last window model.

        Raises RiskwaveError when it does more than add, name and leave out columns.
        """
        model = self.models[KNOWN]
        query = parse(model.sql)
        passed = passed_along(query, model.reads[0], columns)
        if not passed:
            raise RiskwaveError(
                f"model {KNOWN}: expected one SELECT over {model.reads[0]}, whole, by CTEs that begin with select *"
            )
        names = tuple(query.named_selects)
        made = [name for name in names if name not in passed]
        # Staged values never change, so what tells one revision of an event from the next is the others.
        telling = [name for name in names if passed.get(name) not in self.staged]
        kept = [item for item in query.selects if item.alias_or_name in {*made, *telling}]
        query.set("expressions", [exp.column(ROW), *kept])
        sql = f"select {', '.join([ROW, *made])}, hash({', '.join(telling)}) as _features from ({query.sql('duckdb')})"
        return Known(names, passed, tuple(telling), sql)

    def decisions_sql(self, ruled: str) -> str:
        """Rows of `decision_input` (`batch_decided`) to rows of `decisions`; ruled: what stands for `int_ruled`."""
        head = f"decision_input as (select * from batch_decided), int_ruled as ({ruled})"
        return f"with {head} select * from ({self.models['decisions'].sql})"

    def _with(self, before: list[str], last: str) -> str:
        return f"{self._ctes(before)} select * from ({self.models[last].sql})"

    def _ctes(self, models: list[str]) -> str:
        ctes = ["payments as (select * from batch_raw)"]
        ctes += [f"{name} as materialized ({self.models[name].sql})" for name in models]
        return f"with {', '.join(ctes)}"


def make_plan(project: CompiledProject) -> Plan:
    """Read the models' roles. Raises RiskwaveError when one that the engine needs is missing."""
    for name in ("stg_payments", "rejected_events", FACTS, KNOWN, "decisions"):
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
        look_ups=tuple(look_up(model, tiles) for model in project.of_role("ahead")),
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


def _staged(model: Model) -> frozenset[str]:
    """The columns of accepted events, from the model's first CTE."""
    statement = sqlglot.parse_one(model.sql, read="duckdb")
    accepted = statement.find(exp.CTE)
    return frozenset(accepted.this.named_selects if accepted is not None else ())
