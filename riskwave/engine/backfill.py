"""Features that a state's history lacks, because the models have changed since, computed over it as it opens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from riskwave.batch.derive import KNOWN, STAGED, behind, derive
from riskwave.batch.history import columns_of, literal, whole
from riskwave.engine import journal
from riskwave.engine.archive import archive_folder, bring_back
from riskwave.engine.plan import Plan
from riskwave.engine.state import LANDING
from riskwave.engine.workbench import Workbench
from riskwave.errors import RiskwaveError

Say = Callable[[str], None]
SCRATCH = "riskwave_backfill"


def renew(connection: duckdb.DuckDBPyConnection, state: Path, bench: Workbench, say: Say) -> None:
    """Make a state what it would be, had today's models been there all along; decisions stay as they were."""
    _backfill(connection, state, bench.plan, bench.staged, bench.tables[KNOWN], say)
    if bring_back(connection, state, bench.plan.longest):
        say("archived days are brought back, which windows reach now")


def _backfill(
    connection: duckdb.DuckDBPyConnection, state: Path, plan: Plan, staged: pa.Schema, known: pa.Schema, say: Say
) -> None:
    """Give `decision_input` the columns of `known` that it lacks, archive included.

    They are computed by the models as written, over the whole history, as a batch does it: what would have been known
    of each event. The last version of an event has them, a superseded one NULL; columns that are there, and decisions,
    stay as they were. Interrupted, it is done again when the state is next opened. staged: columns of accepted events.
    """
    catalog = str(connection.execute("select current_database()").fetchall()[0][0])
    there = columns_of(connection, catalog, KNOWN)
    lacking = [field for field in known if field.name not in there]
    if not there:
        return
    if "version" not in there:
        raise RiskwaveError(
            f"{state}: was made by `riskwave batch`, which no stream can go on from; expected a state of "
            "`riskwave run`: name another one, and it is made"
        )
    journal.fold(connection, state)
    if not lacking:
        return
    query = whole(connection, catalog, state, STAGED)
    if query is None or not connection.execute(f"select 1 from ({query}) limit 1").fetchall():
        return
    names = [field.name for field in lacking]
    say(f"backfilling {', '.join(names)}")
    scratch = Path(f"{state}.backfill")
    _remove(scratch)
    try:
        connection.execute(f"attach {literal(scratch)} as {SCRATCH}")
        try:
            connection.execute(f"use {SCRATCH}")
            _run_models(connection, plan, catalog, _selected(connection, query, staged), names, say)
        finally:
            connection.execute(f"use {catalog}")
        say(f"backfilling {', '.join(names)}: writing")
        _fill_archive(connection, state, lacking)
        _fill_table(connection, catalog, lacking)
        connection.execute(f"detach {SCRATCH}")
    finally:
        _remove(scratch)


def _selected(connection: duckdb.DuckDBPyConnection, query: str, staged: pa.Schema) -> str:
    """A row an accepted event, with NULL for what events did not have when they were accepted."""
    there = {str(row[0]) for row in connection.execute(f"describe {query}").fetchall()}
    columns = [
        f'"{field.name}"' if field.name in there else f'cast(null as {_kind(connection, field)}) as "{field.name}"'
        for field in staged
    ]
    return (
        f"select {', '.join(columns)} from ({query}) "
        "qualify row_number() over (partition by event_id order by source, source_partition, source_offset) = 1"
    )


def _run_models(
    connection: duckdb.DuckDBPyConnection, plan: Plan, catalog: str, staged: str, names: Sequence[str], say: Say
) -> None:
    """The models behind decision_input in the scratch database, and there the table `made` of the columns wanted."""
    for landing in LANDING:
        if landing in behind(plan.models):
            connection.execute(f"create view {landing} as select * from {catalog}.main.{landing}")
    connection.execute(f"create table {STAGED} as {staged}").fetchall()
    derive(connection, plan.models, lambda name: say(f"backfilling {', '.join(names)}: {name}"))
    columns = ", ".join(f'"{name}"' for name in names)
    connection.execute(f"create table made as select event_id, {columns} from {KNOWN}").fetchall()


def _fill_archive(connection: duckdb.DuckDBPyConnection, state: Path, lacking: Sequence[pa.Field]) -> None:
    """A day's file is replaced by a whole one that has the columns; a day that has them already is left alone."""
    for file in sorted((archive_folder(state) / KNOWN).glob("*/*.parquet")):
        rows = f"read_parquet({literal(file)}, hive_partitioning = false)"
        there = {str(row[0]) for row in connection.execute(f"describe select * from {rows}").fetchall()}
        added = [field for field in lacking if field.name not in there]
        if not added:
            continue
        columns = ", ".join(f'b."{field.name}"' for field in added)
        partial = file.with_suffix(".partial")
        connection.execute(
            f"copy (select f.*, {columns} from {rows} as f left join ({_last(rows)}) as b "
            f"on f.event_id = b.event_id and f.version = b.version order by f.event_ts, f.event_id) "
            f"to {literal(partial)} (format parquet, compression zstd)"
        ).fetchall()
        partial.replace(file)


def _fill_table(connection: duckdb.DuckDBPyConnection, catalog: str, lacking: Sequence[pa.Field]) -> None:
    table = f"{catalog}.main.{KNOWN}"
    given = ", ".join(f'"{field.name}" = b."{field.name}"' for field in lacking)
    connection.begin()
    for field in lacking:
        connection.execute(f'alter table {table} add column "{field.name}" {_kind(connection, field)}')
    connection.execute(
        f"update {table} as d set {given} from ({_last(table)}) as b where d.event_id = b.event_id "
        "and d.version = b.version"
    ).fetchall()
    connection.commit()


def _last(rows: str) -> str:
    """What was made for the last version of each event in rows."""
    return (
        f"select m.*, l.version from {SCRATCH}.main.made as m join "
        f"(select event_id, max(version) as version from {rows} group by event_id) as l using (event_id)"
    )


def _kind(connection: duckdb.DuckDBPyConnection, field: pa.Field) -> str:
    """DuckDB's name of an Arrow type."""
    shape = pa.schema([field]).empty_table()
    connection.register("riskwave_shape", shape)
    kind = str(connection.execute("describe riskwave_shape").fetchall()[0][1])
    connection.unregister("riskwave_shape")
    return kind


def _remove(scratch: Path) -> None:
    for file in (scratch, Path(f"{scratch}.wal")):
        file.unlink(missing_ok=True)
