"""The state file: one DuckDB database with what was received, what was known, what was decided and how far was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from riskwave.contracts import CardProfile, Device, Label, arrow_schema
from riskwave.errors import RiskwaveError
from riskwave.sources.batch import RAW_SCHEMA

FORMAT = "3"
LANDING = {
    "payments": RAW_SCHEMA,
    "labels": arrow_schema(Label),
    "card_profiles": arrow_schema(CardProfile),
    "devices": arrow_schema(Device),
}

LEAST_MEMORY = 128 * 10**6  # bytes that DuckDB may take
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B)", re.IGNORECASE)

_CONTROL = """
create table if not exists meta (name varchar primary key, value varchar);
create table if not exists offsets (
    source varchar, source_partition integer, next_offset bigint, primary key (source, source_partition)
);
"""


def connect(
    path: Path | str, *, threads: int = 2, memory: str = "1GB", read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file with the settings every Riskwave state has: UTC, bounded memory, no extensions from outside.

    Raises RiskwaveError when the file is not a DuckDB database or another process holds it.
    """
    check_memory(memory)
    try:
        connection = duckdb.connect(
            str(path),
            read_only=read_only,
            config={
                "threads": threads,
                "memory_limit": memory,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
    except duckdb.IOException as error:
        raise unopened(path, error) from error
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set preserve_insertion_order = true")
    if not read_only:
        connection.execute("set wal_autocheckpoint = '512MB'")
    return connection


def is_database(path: Path) -> bool:
    """Whether a file begins as DuckDB's do: a checksum, then these letters."""
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def check_memory(memory: str) -> None:
    """Raise RiskwaveError for what is no amount of memory, or one that the models cannot work in."""
    found = _SIZE.fullmatch(memory.strip())
    if found is None:
        raise RiskwaveError(f"memory {memory!r}: not a size; expected one such as 1GB")
    if float(found[1]) * _UNITS[found[2].upper()] < LEAST_MEMORY:
        raise RiskwaveError(f"memory {memory!r}: too little for the models; expected {LEAST_MEMORY // 10**6}MB or more")


def unopened(path: Path | str, error: duckdb.Error) -> RiskwaveError:
    """What to say of a state that DuckDB does not open."""
    text = str(error).splitlines()[0]
    if Path(path).is_dir():
        return RiskwaveError(f"{path}: is a folder; expected a file, such as {Path(path) / 'bank.duckdb'}")
    if not Path(path).exists():
        return RiskwaveError(f"{path}: cannot be made ({text}); choose a folder that you may write to")
    if "lock" in text.lower():
        return RiskwaveError(f"{path}: another process has this state open; stop it first, or copy the file")
    return RiskwaveError(f"{path}: not a DuckDB database that can be read ({text})")


@cache
def arrow_columns(schema: pa.Schema) -> str:
    """A schema as the column list of a CREATE TABLE."""
    with duckdb.connect() as scratch:
        scratch.register("shape", schema.empty_table())
        rows = scratch.execute("describe select * from shape").fetchall()
    return ", ".join(f'"{name}" {kind}' for name, kind, *_ in rows)


def create_landing(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...] = tuple(LANDING)) -> None:
    """Create the landing tables that the models' sources name, if they are not there."""
    for name in names:
        connection.execute(f"create table if not exists {name} ({arrow_columns(LANDING[name])})")


def prepare_state(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what a state has besides the models' tables. Raises RiskwaveError for a state of another format."""
    connection.execute(_CONTROL)
    create_landing(connection, ("labels", "card_profiles", "devices"))
    kept = read_meta(connection, "format")
    if kept is None:
        write_meta(connection, "format", FORMAT)
    elif kept != FORMAT:
        raise RiskwaveError(f"the state has format {kept}, this Riskwave reads {FORMAT}; replay it from its sources")


def read_offsets(connection: duckdb.DuckDBPyConnection, source: str) -> dict[int, int]:
    """The next offset to read of a source, by partition."""
    rows = connection.execute("select source_partition, next_offset from offsets where source = ?", [source])
    return dict(rows.fetchall())


def write_offsets(connection: duckdb.DuckDBPyConnection, source: str, offsets: Mapping[int, int]) -> None:
    """Remember the next offsets of a source; part of the batch's transaction."""
    for partition, offset in offsets.items():
        connection.execute(
            "insert into offsets values (?, ?, ?) on conflict do update set next_offset = excluded.next_offset",
            [source, partition, offset],
        )


def read_meta(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """A remembered setting, or None."""
    rows = connection.execute("select value from meta where name = ?", [name]).fetchall()
    return str(rows[0][0]) if rows else None


def write_meta(connection: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    """Remember a setting."""
    connection.execute("insert into meta values (?, ?) on conflict do update set value = excluded.value", [name, value])
