"""Cores, memory and disk."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from riskwave.doctor.finding import Finding

GB = 1 << 30
LEAST_MEMORY = 2 * GB
LEAST_DISK = 2 * GB


def cores() -> Finding:
    """Cores this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("Machine", "cores", str(count), True, False, "threads of DuckDB: riskwave run --threads")


def memory() -> Finding:
    """Memory this process may use: the machine's, or its container's limit."""
    total = _memory()
    if total is None:
        return Finding("Machine", "memory", "not known here", True, False, "the keys' history of the embedded engine")
    ok = total >= LEAST_MEMORY
    hint = "" if ok else "a million payments of history want 2 GB: keep less, or use RisingWave (docs/operations.md)"
    enables = "the keys' history of the embedded engine"
    return Finding("Machine", "memory", f"{total / GB:.1f} GB", ok, False, enables, hint)


def disk(folder: Path) -> Finding:
    """Room where states are written."""
    free = shutil.disk_usage(folder).free
    ok = free >= LEAST_DISK
    hint = "" if ok else "states, archives and test servers want room: free some, or work elsewhere"
    return Finding("Machine", "free disk", f"{free / GB:.1f} GB", ok, False, "state files and their archives", hint)


def _memory() -> int | None:
    sizes = []
    with suppress(ValueError, OSError, AttributeError):
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = Path("/sys/fs/cgroup") / name
        if limit.is_file():
            text = limit.read_text().strip()
            sizes += [int(text)] if text.isdigit() else []
    return min(sizes, default=None)
