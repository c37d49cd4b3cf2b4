"""Cores, memory and disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from riskwave.allocator import LIBRARIES, TUNED, in_use
from riskwave.doctor.finding import Finding
from riskwave.engine.room import SHARE, history_room

GB = 1 << 30
UNKNOWN = 1 << 60
LEAST_MEMORY = 2 * GB
LEAST_DISK = 2 * GB


def cores() -> Finding:
    """Cores this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("Machine", "cores", str(count), True, False, "reading, deciding and writing side by side")


def memory() -> Finding:
    """Memory this process may use, and what of it the keys' history may take."""
    room = history_room()
    total = room / SHARE
    ok = total >= LEAST_MEMORY
    found = f"{total / GB:.1f} GB, {room / GB:.1f} GB of it for history" if room < UNKNOWN else "not known here"
    hint = "" if ok else "a million payments of history want 2 GB: keep less, or use RisingWave (docs/operations.md)"
    return Finding("Machine", "memory", found, ok, False, "the keys' history of the embedded engine", hint)


def allocator() -> Finding:
    """What this process allocates memory with."""
    used = in_use(os.environ)
    ok = used != TUNED
    hint = "" if ok else f"{' or '.join(LIBRARIES)} takes less: apt-get install libjemalloc2 (docs/operations.md)"
    return Finding("Machine", "allocator", used, ok, False, "small batches, a third of whose work it is", hint)


def disk(folder: Path) -> Finding:
    """Room where states are written."""
    free = shutil.disk_usage(folder).free
    ok = free >= LEAST_DISK
    hint = "" if ok else "states, archives and test servers want room: free some, or work elsewhere"
    return Finding("Machine", "free disk", f"{free / GB:.1f} GB", ok, False, "state files and their archives", hint)
