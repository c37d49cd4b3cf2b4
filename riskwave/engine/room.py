"""How much memory the keys' history may take."""

from __future__ import annotations

from pathlib import Path

SHARE = 0.6


def history_room() -> int:
    """Bytes: a share of the memory this process may have, by its control group or else the machine."""
    limits = [_number(Path("/sys/fs/cgroup/memory.max")), _total()]
    known = [limit for limit in limits if limit]
    return int(min(known) * SHARE) if known else 1 << 62


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _total() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None
