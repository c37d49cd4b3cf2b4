"""Batches as they came, in files beside the state, until there are enough of them to be written as rows.

Writing into tables of two hundred columns costs by the column, however few the rows, and now and then DuckDB writes the
whole file anew. No payment should wait for either. So a small batch is committed when its bytes are in the journal;
many are moved into the tables at once, by a thread that keeps nobody waiting. Every entry has a number, and the state
remembers, in the transaction that moves it, the last one that its tables hold: what the journal has beyond that is
read at the next start. An entry cut short by a kill was never committed, and is not read.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import duckdb
import orjson
import pyarrow as pa

from riskwave.durable import sync
from riskwave.engine.state import connect, read_meta, write_meta, write_offsets
from riskwave.errors import RiskwaveError

_HEAD = struct.Struct("<QII")  # an entry's number, its bytes, their CRC-32
_MOVED = "journal_moved"

Offsets = Mapping[str, Mapping[int, int]]


@dataclass(frozen=True)
class Entry:
    """A committed batch: its state's id, rows by table, and the next offset to read by source and partition."""

    state: str
    number: int
    rows: Mapping[str, pa.Table]
    offsets: Offsets


def journal_folder(state: Path | str) -> Path:
    """Where a state's journal is: <state>.journal/<first number>.entries."""
    return Path(f"{state}.journal")


class Journal:
    """Appends entries to files, of which those before the last are closed. Not for several threads at once."""

    def __init__(self, folder: Path | None, *, state: str, after: int) -> None:
        """state: the state's id; after: the number of the last entry there was. Without a folder nothing is kept."""
        self._folder = folder
        self._state = state
        self._number = after
        self._file: int | None = None
        self._files: list[Path] = []

    def append(self, rows: Mapping[str, pa.Table], offsets: Offsets) -> int:
        """Add an entry, which is on the disk when this returns; gives its number."""
        self._number += 1
        if self._folder is not None:
            body = _encode(self._state, rows, offsets)
            file = self._open(self._folder)
            _write(file, _HEAD.pack(self._number, len(body), zlib.crc32(body)) + body)
            os.fdatasync(file)
        return self._number

    def skip(self) -> int:
        """The number of a batch that goes into the tables itself."""
        self._number += 1
        return self._number

    def turn(self) -> tuple[int, list[Path]]:
        """Go on in a new file; gives the number of the last entry, and the files before."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        before, self._files = self._files, []
        return self._number, before

    def close(self) -> None:
        """Leave the files as they are, the folder only if it has any."""
        self.turn()
        if self._folder is not None and self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _open(self, folder: Path) -> int:
        """The file to append to, made if need be."""
        if self._file is None:
            folder.mkdir(exist_ok=True)
            path = folder / f"{self._number:020}.entries"
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
            self._files.append(path)
            sync(folder)
        return self._file


def remove(files: list[Path]) -> None:
    """Delete files whose entries the tables hold."""
    for path in files:
        path.unlink()


def state_id(connection: duckdb.DuckDBPyConnection) -> str:
    """What tells this state's journal from another's; made when it is first asked for."""
    kept = read_meta(connection, "state_id")
    if kept is None:
        kept = uuid4().hex
        write_meta(connection, "state_id", kept)
    return kept


def moved(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of the last entry that the state's tables hold."""
    return int(read_meta(connection, _MOVED) or 0)


def note_moved(connection: duckdb.DuckDBPyConnection, number: int, offsets: Offsets) -> None:
    """Remember that the tables hold the entries up to a number, and their offsets; in the caller's transaction."""
    write_meta(connection, _MOVED, str(number))
    for source, of_partitions in offsets.items():
        write_offsets(connection, source, of_partitions)


def fold(connection: duckdb.DuckDBPyConnection, state: Path | str) -> None:
    """Move what a killed process left in the journal into the tables. Raises RiskwaveError when it is damaged."""
    folder = journal_folder(state)
    if not folder.is_dir():
        return
    files = sorted(folder.glob("*.entries"))
    own, last = state_id(connection), moved(connection)
    for path in files:
        new: list[Entry] = []
        for entry in _entries(path, newest=path == files[-1]):
            if entry.state != own:
                raise RiskwaveError(f"{path}: is of another state than {state}; move the folder {folder} away")
            if entry.number <= last:
                continue
            if entry.number != last + 1:
                raise RiskwaveError(
                    f"{path}: entry {entry.number} follows {last}; expected {last + 1}: a file of the journal is "
                    "missing, copy the state again with its whole .journal folder"
                )
            new.append(entry)
            last = entry.number
        if new:
            rows, offsets = together((entry.rows, entry.offsets) for entry in new)
            connection.begin()
            for name, table in rows.items():
                connection.register("journalled", table)
                connection.execute(f"insert into {name} by name select * from journalled").fetchall()
                connection.unregister("journalled")
            note_moved(connection, last, offsets)
            connection.commit()
    remove(files)
    folder.rmdir()


def together(batches: Iterable[tuple[Mapping[str, pa.Table], Offsets]]) -> tuple[dict[str, pa.Table], Offsets]:
    """Batches' rows and offsets, in order, as one batch's: writing costs by the table, hardly by the row."""
    parts: dict[str, list[pa.Table]] = {}
    offsets: dict[str, dict[int, int]] = {}
    for rows, of_sources in batches:
        for name, table in rows.items():
            parts.setdefault(name, []).append(table)
        for source, of_partitions in of_sources.items():
            offsets.setdefault(source, {}).update(of_partitions)
    return {name: pa.concat_tables(tables) for name, tables in parts.items()}, offsets


def waits(state: Path | str) -> bool:
    """Whether a state has a journal that nobody has moved yet."""
    return any(journal_folder(state).glob("*.entries"))


def settle(state: Path) -> None:
    """Move what a killed process left in a state's journal into its tables, for those who read the tables.

    Raises RiskwaveError when another process has the state open.
    """
    with connect(state) as connection:
        fold(connection, state)


def _entries(path: Path, *, newest: bool) -> Iterator[Entry]:
    """The entries of a file; newest: its end may be cut short."""
    data = path.read_bytes()
    place = 0
    while place < len(data):
        number, size, check = _HEAD.unpack_from(data, place) if len(data) - place >= _HEAD.size else (0, 0, 0)
        body = data[place + _HEAD.size : place + _HEAD.size + size]
        whole = number > 0 and len(body) == size and zlib.crc32(body) == check
        if not whole:
            if newest:
                return
            raise RiskwaveError(f"{path}: damaged at byte {place}; copy the state again with its whole .journal folder")
        yield _decode(number, body)
        place += _HEAD.size + size


def _encode(state: str, rows: Mapping[str, pa.Table], offsets: Offsets) -> bytes:
    parts = []
    for table in rows.values():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        parts.append(sink.getvalue().to_pybytes())
    listed = [[source, list(of_partitions.items())] for source, of_partitions in offsets.items()]
    tables = [[name, len(part)] for name, part in zip(rows, parts, strict=True)]
    head = orjson.dumps({"state": state, "tables": tables, "offsets": listed})
    return b"".join([struct.pack("<I", len(head)), head, *parts])


def _decode(number: int, body: bytes) -> Entry:
    (size,) = struct.unpack_from("<I", body)
    head = orjson.loads(body[4 : 4 + size])
    place = 4 + size
    rows = {}
    for name, length in head["tables"]:
        rows[name] = pa.ipc.open_stream(body[place : place + length]).read_all()
        place += length
    return Entry(
        head["state"], number, rows, {source: dict(of_partitions) for source, of_partitions in head["offsets"]}
    )


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
