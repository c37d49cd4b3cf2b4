"""History older than any window moved out of the state, into Parquet by day beside it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from riskwave.engine.memory import since_1970
from riskwave.engine.state import read_meta, write_meta

TABLES = ("stg_payments", "decision_input", "decisions")
LATENESS = timedelta(days=7)
SHARE = 0.25  # of the kept rows must be old before they are moved: memory is rebuilt afterwards


def archive_folder(state: Path | str) -> Path:
    """Where a state's old history is: <state>.archive/<table>/day=YYYY-MM-DD/part-0.parquet."""
    return Path(f"{state}.archive")


def relation(state: Path | str, table: str) -> str:
    """SQL for all of a table, kept and archived, over an open state."""
    folder = archive_folder(state) / table
    if not folder.is_dir():
        return table
    files = str(folder / "*" / "*.parquet").replace("'", "''")
    return (
        f"(select * from {table} union all by name "
        f"select * exclude (day) from read_parquet('{files}', hive_partitioning = true))"
    )


def archived_until(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Microseconds since 1970 before which payments are archived, or None."""
    kept = read_meta(connection, "archived_until")
    return None if kept is None else since_1970(datetime.fromisoformat(kept))


def horizon(newest: int, longest: int, lateness: timedelta) -> datetime:
    """The start of the day before which no window of a payment that may still come reaches.

    newest: microseconds since 1970 of the latest payment; longest: seconds that a window reaches back; lateness: how
    late a payment may be.
    """
    moment = datetime.fromtimestamp(newest / 1_000_000, UTC).replace(tzinfo=None)
    reached = moment - timedelta(seconds=longest) - lateness
    return reached.replace(hour=0, minute=0, second=0, microsecond=0)


def move(connection: duckdb.DuckDBPyConnection, state: Path | str, until: datetime) -> int:
    """Move payments before `until` (a midnight) and all that was decided of them to the archive; gives the payments.

    Files are complete before rows are deleted, and a day's file has one name: interrupted, it is done again.
    """
    for table in TABLES:
        for day in _days(connection, table, until):
            folder = archive_folder(state) / table / f"day={day:%Y-%m-%d}"
            folder.mkdir(parents=True, exist_ok=True)
            partial = folder / "part-0.partial"
            name = str(partial).replace("'", "''")
            connection.execute(
                f"copy (select * from {table} where event_ts >= timestamp '{day:%Y-%m-%d}' "
                f"and event_ts < timestamp '{day + timedelta(days=1):%Y-%m-%d}' order by event_ts, event_id) "
                f"to '{name}' (format parquet, compression zstd)"
            ).fetchall()
            partial.replace(folder / "part-0.parquet")
    connection.begin()
    counts = [
        connection.execute(f"delete from {table} where event_ts < $1", [until]).fetchall()[0][0] for table in TABLES
    ]
    write_meta(connection, "archived_until", until.isoformat())
    connection.commit()
    connection.execute("checkpoint").fetchall()
    return int(counts[0])


def bring_back(connection: duckdb.DuckDBPyConnection, state: Path | str, longest: int) -> int:
    """Move days back that a window of a payment to come reaches, because the models look back further than they did.

    longest: seconds that a window reaches back now. Gives the payments moved. Interrupted, it is done again.
    """
    kept = read_meta(connection, "archived_until")
    if kept is None:
        return 0
    until = datetime.fromisoformat(kept)
    [(newest,)] = connection.execute("select epoch_us(max(event_ts)) from stg_payments").fetchall()
    since = until if newest is None else min(horizon(int(newest), longest, LATENESS), until)
    moved = 0
    connection.begin()
    for table in TABLES:
        for file in _files(state, table, since, until):
            name = str(file).replace("'", "''")
            rows = f"read_parquet('{name}', hive_partitioning = false)"
            count = connection.execute(f"insert into {table} by name select * from {rows}").fetchall()[0][0]
            moved += count if table == TABLES[0] else 0
    write_meta(connection, "archived_until", since.isoformat())
    connection.commit()
    # What is left here when the process ends is in both places, and goes at the next start.
    for table in TABLES:
        for file in _files(state, table, since, None):
            file.unlink()
            file.parent.rmdir()
    return moved


def _files(state: Path | str, table: str, since: datetime, until: datetime | None) -> list[Path]:
    """The files of archived days from `since` up to, not including, `until`."""
    found = []
    for file in sorted((archive_folder(state) / table).glob("day=*/part-0.parquet")):
        day = datetime.fromisoformat(file.parent.name.removeprefix("day="))
        if since <= day and (until is None or day < until):
            found.append(file)
    return found


def _days(connection: duckdb.DuckDBPyConnection, table: str, until: datetime) -> Iterable[datetime]:
    sql = f"select distinct date_trunc('day', event_ts) from {table} where event_ts < $1 order by 1"
    return [row[0] for row in connection.execute(sql, [until]).fetchall()]
