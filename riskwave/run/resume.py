"""Going on with a source where a state left it."""

from __future__ import annotations

import json

import duckdb

from riskwave.engine.state import read_meta, read_offsets, write_meta
from riskwave.errors import RiskwaveError
from riskwave.sources import Source
from riskwave.sources.files import FileSource


def resume(connection: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Have a source go on after what a state has read of it.

    Of a folder the state remembers the files' names in their order: offsets are kept by place. Raises RiskwaveError
    when another file now stands where one was read, such as one that came late and sorts before it.
    """
    try:
        _resume(connection, source)
    except BaseException:
        source.close()
        raise


def _resume(connection: duckdb.DuckDBPyConnection, source: Source) -> None:
    offsets = read_offsets(connection, source.name)
    if isinstance(source, FileSource) and source.is_folder:
        key = f"files:{source.name}"
        kept: list[str] = json.loads(read_meta(connection, key) or "[]")
        read = max(offsets, default=-1) + 1
        for before, now in zip(kept[:read], source.files, strict=False):
            if before != now:
                fault = "comes before" if now not in kept else "stands where this was read:"
                raise RiskwaveError(
                    f"{source.name}: {now} {fault} {before}, which is read already; files are read in order of their "
                    f"names: give {now} a name after {kept[read - 1]}, or a folder of its own"
                )
        write_meta(connection, key, json.dumps(source.files))
    source.seek(offsets)
