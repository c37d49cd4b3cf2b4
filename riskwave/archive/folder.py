"""An archive's folder: <table>/day=YYYY-MM-DD/part-<commit>.parquet, and archive.json, where its reading goes on.

A commit writes its files under .pending, then replaces archive.json, which names both the files and how far the source
has been read: that replacement is the moment at which all of it counts. Then the files are moved to their places. A
process killed before that moment has done nothing; killed after it, the next one to open the folder moves the rest.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from riskwave.archive.tables import REJECTED, TABLES, Table
from riskwave.batch.history import literal
from riskwave.durable import sync
from riskwave.errors import RiskwaveError

JOURNAL = "archive.json"
PENDING = ".pending"
UNDATED = date(1970, 1, 1)


class Archive:
    """An open archive: one process has it at a time.

    token: where the reading of its source goes on, as the last commit left it; None before the first.
    """

    def __init__(self, folder: Path, source: str) -> None:
        """Open or begin the archive of a source (its name, without passwords).

        Raises RiskwaveError when the folder cannot be used, another process has it, or it is another source's.
        """
        self.folder = folder
        self.source = source
        self.token: Any = None
        self._commits = 0
        self._duckdb = duckdb.connect(config={"autoinstall_known_extensions": False})
        self._duckdb.execute("set TimeZone = 'UTC'")
        try:
            (folder / PENDING).mkdir(parents=True, exist_ok=True)
            self._lock = (folder / PENDING / "lock").open("w")
        except OSError as error:
            raise RiskwaveError(f"{folder}: cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise RiskwaveError(f"{folder}: another process archives into it; stop that one first") from error
        try:
            self._recover()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder; what was not committed is as if it had not been read."""
        self._lock.close()
        self._duckdb.close()

    def commit(self, rows: Mapping[str, pa.Table], token: Any) -> dict[str, int]:
        """Add rows by table name, and where reading goes on, at once; gives the rows added.

        Rows whose key is there already, or comes twice, are added once.
        """
        number = self._commits + 1
        moves: list[tuple[str, str]] = []
        added: dict[str, int] = {}
        for name, given in rows.items():
            if given.num_rows:
                table = REJECTED if name == REJECTED.name else TABLES[name]
                added[name] = self._write(table, given, number, moves)
        self._say({"source": self.source, "commit": number, "token": token, "moves": moves})
        self._commits, self.token = number, token
        self._move(moves)
        return added

    def _write(self, table: Table, given: pa.Table, number: int, moves: list[tuple[str, str]]) -> int:
        """Write a table's new rows under .pending, a file a day; gives how many they are."""
        run = self._duckdb
        run.register("given", given)
        day = f"coalesce(cast({table.day} as date), date '{UNDATED}')"
        names = table.key_of(given.column_names)
        key = ", ".join(f'"{name}"' for name in names)
        run.execute(
            f"create or replace temp table fresh as select *, {day} as day__ from given "
            f"qualify row_number() over (partition by {key}) = 1"
        )
        run.unregister("given")
        added = 0
        for (found,) in run.execute("select distinct day__ from fresh order by 1").fetchall():
            place = f"{table.name}/day={found:%Y-%m-%d}"
            query = f"select * exclude (day__) from fresh where day__ = date '{found}'"
            if next((self.folder / place).glob("*.parquet"), None) is not None:
                files = literal(self.folder / place / "*.parquet")
                there = f"read_parquet({files}, hive_partitioning = false, union_by_name = true)"
                same = " and ".join(f'there."{name}" is not distinct from fresh."{name}"' for name in names)
                query += f" and not exists (select 1 from {there} as there where {same})"
            pending = self.folder / PENDING / f"{number}-{table.name}-{found:%Y-%m-%d}.parquet"
            copied = run.execute(
                f"copy ({query} order by {table.day}) to {literal(pending)} (format parquet, compression zstd)"
            ).fetchall()
            count = int(copied[0][0])
            if count == 0:
                pending.unlink()
                continue
            sync(pending)
            added += count
            moves.append((f"{PENDING}/{pending.name}", f"{place}/part-{number:08d}.parquet"))
        run.execute("drop table fresh")
        return added

    def _say(self, journal: dict[str, Any]) -> None:
        """Replace archive.json: the moment of a commit."""
        sync(self.folder / PENDING)
        partial = self.folder / PENDING / JOURNAL
        partial.write_text(json.dumps(journal) + "\n", encoding="utf-8")
        sync(partial)
        partial.replace(self.folder / JOURNAL)
        sync(self.folder)

    def _move(self, moves: list[tuple[str, str]]) -> None:
        for pending, place in moves:
            target = self.folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.folder / pending).replace(target)
            sync(target.parent)

    def _recover(self) -> None:
        """Finish the last commit, and remove what was begun of one after it."""
        file = self.folder / JOURNAL
        if file.is_file():
            try:
                journal = json.loads(file.read_text(encoding="utf-8"))
                source, self._commits, self.token = journal["source"], int(journal["commit"]), journal["token"]
                moves = [(pending, place) for pending, place in journal["moves"]]
            except (ValueError, KeyError, TypeError) as error:
                raise RiskwaveError(
                    f"{file}: is not the journal of an archive ({error}); choose another folder, or restore the file"
                ) from error
            if source != self.source:
                raise RiskwaveError(
                    f"{self.folder}: is the archive of {source}, not of {self.source}; choose another folder"
                )
            self._move([(pending, place) for pending, place in moves if (self.folder / pending).is_file()])
        for left in (self.folder / PENDING).glob("*.parquet"):
            left.unlink()
