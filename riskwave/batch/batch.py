"""A batch: everything at once, as `dbt run` does it, into a DuckDB file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from riskwave.batch.history import attach_state, columns_of, literal, whole
from riskwave.batch.models import run_models
from riskwave.engine.state import connect, create_landing
from riskwave.errors import RiskwaveError
from riskwave.sources import Source
from riskwave.sources.bytestream import DamagedError

ROWS = 50_000  # a poll
STATE = "riskwave_state"  # the catalog a state is attached as
SIDE = ("labels", "card_profiles", "devices")

#: Told as a batch goes on: a few words on what is being done.
Say = Callable[[str], None]


@dataclass(frozen=True)
class Batch:
    """What a batch came to: counts of rows received, accepted, duplicates, rejected; decisions by action."""

    received: int
    accepted: int
    duplicates: int
    rejected: int
    actions: dict[str, int]


def batch_of_inputs(
    source: Source,
    out: Path,
    *,
    labels: pa.Table | None = None,
    profiles: pa.Table | None = None,
    devices: pa.Table | None = None,
    say: Say = lambda words: None,
) -> Batch:
    """Land a bounded source and its side tables (typed by their contracts) in a new file and run the models over them.

    The file then has stg_payments, rejected_events, decision_input and decisions. Raises RiskwaveError when the file
    is there already or the source has no end; what was begun of the file is removed when anything fails.
    """
    if not source.bounded:
        raise RiskwaveError(f"{source.name}: has no end, and a batch needs one; give it to `riskwave run` instead")
    with _new_file(out):
        connection = connect(out)
        try:
            create_landing(connection)
            received = _land_payments(connection, source, say)
            for table, rows in (("labels", labels), ("card_profiles", profiles), ("devices", devices)):
                if rows is not None:
                    _insert(connection, table, rows)
        finally:
            connection.close()
        run_models(out, tell=_telling(say, received))
        say("leaving out what landed")
        _leave_out_payments(out)
        return _count(out, received)


def batch_of_state(state: Path, out: Path, *, say: Say = lambda words: None) -> Batch:
    """Copy a state's staged payments, archive included, and its side tables, and run what the models make of them.

    `out` is a new file with decision_input and decisions as one batch has them. Raises RiskwaveError when the state
    cannot be read or is none, and when `out` is there already.
    """

    def stage(connection: duckdb.DuckDBPyConnection) -> None:
        attach_state(connection, state, STATE)
        side = {table: f"select * from {STATE}.main.{table}" for table in SIDE if columns_of(connection, STATE, table)}
        stage_rows(connection, _staged(connection, state), side)

    return batch_of_staged(stage, out, name=str(state), say=say)


def batch_of_staged(
    stage: Callable[[duckdb.DuckDBPyConnection], None], out: Path, *, name: str, say: Say = lambda words: None
) -> Batch:
    """Run what the models make of staged payments: `stage` is given the new file to put them in (`stage_rows`).

    name: of what they come from. Raises RiskwaveError when they cannot be read, and when `out` is there already.
    """
    with _new_file(out):
        connection = connect(out)
        try:
            say("copying staged payments")
            try:
                stage(connection)
            except duckdb.Error as error:
                text = str(error).splitlines()[0]
                raise RiskwaveError(f"{name}: its staged payments cannot be read ({text})") from error
            received = int(connection.execute("select count(*) from stg_payments").fetchall()[0][0])
        finally:
            connection.close()
        run_models(out, "--exclude", "stg_payments", "rejected_events", tell=_telling(say, received))
        return _count(out, received)


def stage_rows(connection: duckdb.DuckDBPyConnection, payments: str, side: Mapping[str, str]) -> None:
    """Put staged payments and the side tables where the models read them: queries, of SIDE those that there are."""
    create_landing(connection, SIDE)
    # An event that was being moved to the archive when the process ended may be in both.
    connection.execute(
        f"create table stg_payments as select * from ({payments}) "
        "qualify row_number() over (partition by event_id order by source, source_partition, source_offset) = 1"
    ).fetchall()
    for table, query in side.items():
        connection.execute(f"insert into {table} by name {query}").fetchall()


def _staged(connection: duckdb.DuckDBPyConnection, state: Path) -> str:
    query = whole(connection, STATE, state, "stg_payments")
    if query is None:
        raise RiskwaveError(f"{state}: has no table stg_payments; expected a state made by `riskwave run` or `batch`")
    return query


def _land_payments(connection: duckdb.DuckDBPyConnection, source: Source, say: Say) -> int:
    received = 0
    source.seek({})
    try:
        while (rows := source.poll(ROWS, 1.0)) is not None:
            if rows.num_rows:
                _insert(connection, "payments", rows)
                received += rows.num_rows
                say(f"reading: {received:,} payments")
    except DamagedError as damage:
        raise damage.unused() from damage
    return received


def _leave_out_payments(out: Path) -> None:
    """Make the file anew without the payments as they landed: their bytes may have card numbers in them.

    Dropping the table would leave them in the file's free blocks.
    """
    landed = _landed(out)
    out.rename(landed)
    connection = connect(out)
    try:
        connection.execute(f"attach {literal(landed)} as landed (read_only)")
        names = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'landed' and table_name <> 'payments'"
        ).fetchall()
        for (name,) in names:
            connection.execute(f'create table "{name}" as select * from landed.main."{name}"').fetchall()
        connection.execute("detach landed")
        connection.execute("checkpoint")
    finally:
        connection.close()
    landed.unlink()


def _landed(out: Path) -> Path:
    return Path(f"{out}.landed")


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    connection.register("arrived", rows)
    connection.execute(f"insert into {table} by name select * from arrived").fetchall()
    connection.unregister("arrived")


def _telling(say: Say, payments: int) -> Callable[[int, int], None]:
    def tell(done: int, of: int) -> None:
        say(f"models over {payments:,} payments: {done} of {of}" if of else f"models over {payments:,} payments")

    return tell


def _count(out: Path, received: int) -> Batch:
    with duckdb.connect() as connection:
        attach_state(connection, out, "made")

        def count(table: str) -> int:
            there = columns_of(connection, "made", table)
            return int(connection.execute(f"select count(*) from made.{table}").fetchall()[0][0]) if there else 0

        accepted, rejected = count("stg_payments"), count("rejected_events")
        actions = dict(
            connection.execute(
                "select action, count(*) from made.decisions group by action order by count(*) desc, action"
            ).fetchall()
        )
    return Batch(received, accepted, received - accepted - rejected, rejected, actions)


@contextmanager
def _new_file(out: Path) -> Iterator[None]:
    """A file that is not there before, and not after a failure either."""
    if out.exists():
        raise RiskwaveError(f"{out}: is there already; choose another file, or remove it first")
    if not out.parent.is_dir():
        raise RiskwaveError(f"{out}: there is no folder {out.parent} to put it in; make it first")
    try:
        yield
    except BaseException:
        for left in (out, Path(f"{out}.wal"), _landed(out)):
            left.unlink(missing_ok=True)
        raise
