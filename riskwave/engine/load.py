"""Memory rebuilt from the state file at start."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from riskwave.engine.memory import stream
from riskwave.engine.state import read_meta
from riskwave.engine.workbench import Workbench


def load(connection: duckdb.DuckDBPyConnection, bench: Workbench) -> pa.Table:
    """Fill history, tiles and facts; gives the labels that wait for their payment."""
    _load_history(connection, bench)
    _load_tiles(connection, bench)
    for dimension in bench.plan.dimensions:
        bench.facts[dimension.name].add(connection.sql(dimension.sql).to_arrow_table())
    waiting = "select l.* from labels as l anti join stg_payments as s on l.event_id = s.event_id"
    kept = read_meta(connection, "archived_until")
    if kept is not None:
        waiting += f" where l.arrived_at >= timestamp '{kept}'"
    return connection.sql(waiting).to_arrow_table().cast(bench.labels.schema)


def _load_history(connection: duckdb.DuckDBPyConnection, bench: Workbench) -> None:
    history = bench.history
    # What is joined is narrow: a join holds one side in memory.
    last = f"select event_id, version, hash({', '.join(bench.telling)}) as _features"
    last = f"{last}{''.join(f', {name}' for name in history.carried)} from current_decision_input"
    columns = [*(f"s.{name}" for name in history.staged), *(f"k.{name}" for name in history.carried)]
    sql = (
        f"select {', '.join(columns)}, hash(s.event_id) as _hash, k.version, k._features "
        f"from stg_payments as s left join ({last}) as k on s.event_id = k.event_id"
    )
    for rows in stream(connection, sql):
        positions = history.add(rows, rows.column("_hash").to_numpy())
        history.version[positions] = pc.fill_null(rows.column("version"), 0).to_numpy()
        history.features[positions] = pc.fill_null(rows.column("_features"), 0).to_numpy()
    widest = max(bench.plan.windows, key=lambda step: bench.plan.lookbacks[step.name], default=None)
    if widest is not None:
        history.cluster(widest.entity)


def _load_tiles(connection: duckdb.DuckDBPyConnection, bench: Workbench) -> None:
    # An event that was confirmed again by a label that had arrived earlier has two rows: the earlier one counts.
    connection.execute(
        "create or replace view first_frauds as select * from int_confirmed_frauds "
        "qualify row_number() over (partition by event_id order by arrived_at) = 1"
    )
    for sums in stream(connection, bench.plan.tiles_sql(payments="stg_payments", frauds="first_frauds")):
        bench.tiles.add(sums)
