"""The memory allocator a process runs with.

A small batch is some thousand operators of DuckDB's, each made ready and thrown away: more than a third of it is malloc
and free. glibc's keeps seven blocks of a size at hand for a thread, and its heap is slower the longer such a process
runs. An allocator can only be chosen when a process starts, so the process starts itself again, once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ASKED = "RISKWAVE_ALLOCATOR"
SYSTEM = "system"
TUNED = "glibc, tuned"
#: As Linux distributions install them, the best first.
LIBRARIES = {"jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2"}
FOLDERS = ("usr/lib/*-linux-gnu", "usr/lib64", "usr/lib", "usr/local/lib")
#: Blocks of a size that glibc keeps at hand for a thread.
TUNING = "glibc.malloc.tcache_count=65000"


def start_with_allocator() -> None:
    """Start the process again with the best allocator there is, unless it was or RISKWAVE_ALLOCATOR says `system`.

    Nothing is done but on Linux, or where LD_PRELOAD or GLIBC_TUNABLES are set. To be called before anything else: it
    does not return when it starts the process again.
    """
    changed = preloaded(os.environ)
    if changed:
        # The same program with the same arguments.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **changed})  # noqa: S606


def preloaded(environment: Mapping[str, str]) -> dict[str, str]:
    """What to set in a process's environment so that it starts with an allocator; nothing where it has one."""
    if sys.platform != "linux" or any(environment.get(name) for name in (ASKED, "LD_PRELOAD", "GLIBC_TUNABLES")):
        return {}
    best = next(found(), None)
    return {ASKED: best[0], "LD_PRELOAD": str(best[1])} if best else {ASKED: TUNED, "GLIBC_TUNABLES": TUNING}


def found() -> Iterator[tuple[str, Path]]:
    """The allocators this machine has, by name, the best first."""
    for name, file in LIBRARIES.items():
        for pattern in FOLDERS:
            for library in sorted(Path("/").glob(f"{pattern}/{file}")):
                yield name, library


def in_use(environment: Mapping[str, str]) -> str:
    """What a process with this environment allocates with: a name, or what LD_PRELOAD names."""
    return environment.get(ASKED) or environment.get("LD_PRELOAD") or SYSTEM
