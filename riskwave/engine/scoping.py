"""What of the past each model is given for a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskwave.engine.columns import GROWTH, NULL_CODE
from riskwave.engine.index import Positions
from riskwave.engine.memory import seconds_of
from riskwave.engine.plan import Plan
from riskwave.engine.scope import Scope, gather
from riskwave.engine.workbench import Workbench

MANY_PAIRS = 20_000_000


class Scoping:
    """Gathers scopes from a workbench's memory into its relations."""

    def __init__(self, plan: Plan, bench: Workbench, form: str) -> None:
        """form: as the engine's."""
        self._plan, self._bench, self._form = plan, bench, form
        self._ordinals: npt.NDArray[np.int32] = np.full(1024, -1, np.int32)

    def put(self, rows: pa.Table, batch: Positions) -> tuple[pa.Table, bool]:
        """Give every model what it needs of the past; gives the batch for them, and whether it is for the OVER form."""
        bench = self._bench
        history = bench.history
        if len(self._ordinals) < len(history):
            self._ordinals = np.full(max(len(history), len(self._ordinals) * GROWTH), -1, np.int32)
        self._ordinals[batch] = np.arange(len(batch), dtype=np.int32)
        store, scopes = history.store, bench.scopes
        tiles = {each.spec.name: each for each in bench.tiles.stores}
        codes = {entity: store.columns[entity].at(batch) for entity in {each.spec.entity for each in tiles.values()}}
        looked_up = bench.look_ups.start(tiles, codes, seconds_of(history.counted(batch)))
        gathered: dict[tuple[str, int], Scope] = {}
        extra: dict[str, Any] = {"_row": np.arange(len(batch), dtype=np.int32)}
        for step in self._plan.windows:
            lookback = self._plan.lookbacks[step.name]
            scope = gathered.get((step.entity, lookback))
            if scope is None:
                scope = gather(history, step.entity, lookback, batch, self._ordinals)
                gathered[step.entity, lookback] = scope
            key = np.full(len(batch), NULL_CODE, np.int32)
            key[scope.rows] = scope.rows_key
            ordinal = np.zeros(len(batch), np.int64)
            ordinal[scope.rows] = scope.rows_seq
            extra[f"_k_{step.name}"] = pa.array(key, mask=key == NULL_CODE)
            extra[f"_s_{step.name}"] = ordinal
            extra |= {f"_x_{name}": store.columns[name].compared(batch) for name in step.same}
            past: dict[str, Any] = {"_key": scope.others_key, "_seq": scope.others_seq}
            plain = [name for name in scopes[step.name].schema.names if not name.startswith("_")]
            past |= store.gather(scope.others, plain)
            past |= {f"_x_{name}": store.columns[name].compared(scope.others) for name in step.same}
            scopes[step.name].put(pa.table(past))
        pairs = max((scope.pairs for scope in gathered.values()), default=0)
        over = self._form == "over" or (self._form == "auto" and pairs > MANY_PAIRS)
        for step in self._plan.windows if over else ():
            others = gathered[step.entity, self._plan.lookbacks[step.name]].others
            provider = bench.overs[step.name]
            provider.put(pa.table(store.gather(others, provider.schema.names)))
        self._ordinals[batch] = -1
        for name, facts in bench.facts.items():
            scopes[name].put(facts.of(rows.column(facts.entity)))
        extra |= looked_up()
        added = [pa.array(values) if isinstance(values, np.ndarray) else values for values in extra.values()]
        rows = pa.Table.from_arrays([*rows.columns, *added], names=[*rows.column_names, *extra])
        rows = rows.select(bench.rows.names)
        return (rows if rows.schema == bench.rows else rows.cast(bench.rows)), over
