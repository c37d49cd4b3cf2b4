"""Reading a state that a run holds: DuckDB locks the file against every other process, so that a copy of it is read."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

import duckdb

from riskwave.engine.journal import journal_folder
from riskwave.errors import RiskwaveError

#: DuckDB's file header and its two database headers: a checkpoint writes one of them when its blocks are there.
HEADERS = 3 * 4096
TRIES, PAUSE_S = 20, 0.25


def is_held(error: duckdb.Error) -> bool:
    """Whether another process has the file open. (To copy a file that this one has open would take its lock away.)"""
    holder = re.search(r"lock.*PID ([0-9]+)", str(error))
    return holder is not None and int(holder[1]) != os.getpid()


@contextmanager
def copied(state: Path) -> Iterator[Path]:
    """A copy of a state that is in use, with all that was committed when it was begun; gone at the end.

    The journal comes first: what is moved out of it meanwhile is in the tables by then. Between two checkpoints the
    file stays as it is, and what is committed is appended to its log. A copy during which a checkpoint ended is made
    again. Raises RiskwaveError when there is no moment, or no room, for one.
    """
    with tempfile.TemporaryDirectory(prefix="riskwave-read-") as folder:
        copy = Path(folder) / state.name
        try:
            for _ in range(TRIES):
                _copy_journal(state, copy)
                before = _headers(state)
                shutil.copyfile(state, copy)
                for log in state.parent.glob(f"{escape(state.name)}*.wal"):
                    shutil.copyfile(log, copy.with_name(log.name))
                if _headers(state) == before:
                    yield copy
                    return
                shutil.rmtree(folder)
                Path(folder).mkdir()
                time.sleep(PAUSE_S)
        except OSError as fault:
            raise RiskwaveError(
                f"{state}: is in use by another process, and cannot be copied to {folder} to be read ({fault}); make "
                "room there, name another folder by TMPDIR, or stop the run"
            ) from fault
    raise RiskwaveError(f"{state}: is in use by another process that writes all the time; try again, or stop the run")


def _copy_journal(state: Path, copy: Path) -> None:
    for file in sorted(journal_folder(state).glob("*.entries")):
        journal_folder(copy).mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.copyfile(file, journal_folder(copy) / file.name)


def _headers(state: Path) -> bytes:
    with state.open("rb") as file:
        return file.read(HEADERS)
