"""What a batch adds to the tiles, and takes back."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from riskwave.engine.index import Positions
from riskwave.engine.memory import seconds_of
from riskwave.engine.stager import Staged
from riskwave.engine.workbench import Workbench


def add_tiles(bench: Workbench, staged: Staged, accepted: pa.Table, fresh: Positions, frauds: pa.Table) -> None:
    """Add accepted payments (n), which are in the history at `fresh` (n), and newly confirmed frauds."""
    columns = bench.history.store.columns
    codes = {entity: columns[entity].at(fresh) for entity in {tile.entity for tile in bench.plan.tiles}}
    bench.tiles.add_rows(codes, seconds_of(bench.history.counted(fresh)), accepted)
    grouped = staged.tiles
    if grouped is None or accepted.num_rows != staged.accepted.num_rows:
        bench.new.put(accepted)
        grouped = (bench.fetch("tiles"),)
        bench.new.clear()
    for sums in (*grouped, *_of_frauds(bench, frauds)):
        bench.tiles.add(sums)


def take_back(bench: Workbench, frauds: pa.Table) -> None:
    """Take frauds out of the tiles they were added to."""
    for sums in _of_frauds(bench, frauds):
        columns = {
            name: pc.negate(sums.column(name)) if name[0] == "s" and name[1:].isdigit() else sums.column(name)
            for name in sums.column_names
        }
        bench.tiles.add(pa.table(columns))


def _of_frauds(bench: Workbench, frauds: pa.Table) -> list[pa.Table]:
    if frauds.num_rows == 0:
        return []
    bench.frauds.put(frauds)
    sums = [bench.fetch(name) for name in ("fraud_tiles", "tiles")]
    bench.frauds.clear()
    return sums
