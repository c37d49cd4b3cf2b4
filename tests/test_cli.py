"""What the command says of faults that are nobody's code's."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from riskwave.cli import told
from riskwave.engine.state import check_memory, connect
from riskwave.errors import RiskwaveError, printable


def test_a_disk_that_is_full_and_memory_that_is_too_little_are_told_in_a_line() -> None:
    full = told(OSError(errno.ENOSPC, "No space left on device"))
    assert "free some room and start again" in str(full)
    wal = told(duckdb.TransactionException('Could not write file "s.duckdb.wal": File too large'))
    assert "free some room and start again" in str(wal)
    assert "give more by --memory" in str(told(duckdb.OutOfMemoryException("360.0 KiB/976.5 KiB used")))
    assert told(duckdb.BinderException("a fault of ours")) is None


def test_a_file_that_may_not_grow_ends_a_run_without_a_stack_trace(tmp_path: Path) -> None:
    command = f"ulimit -f 3000; {sys.executable} -m riskwave run --source 'sim:?events=30000' --state s.duckdb"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "leaked" not in done.stderr
    assert "free some room and start again" in done.stderr


@pytest.mark.parametrize("memory", ["-1GB", "20MB", "much", "1", "0.1GB"])
def test_memory_that_is_none_or_too_little_is_refused(memory: str) -> None:
    with pytest.raises(RiskwaveError, match="memory"):
        check_memory(memory)


def test_a_folder_and_a_place_that_cannot_be_written_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match="is a folder"):
        connect(tmp_path)
    with pytest.raises(RiskwaveError, match="cannot be made"):
        connect(tmp_path / "none" / "s.duckdb")


def test_what_would_steer_a_terminal_is_shown_as_what_it_is() -> None:
    assert printable("c\x1b]0;x\x07 é\x00\n") == "c\\x1b]0;x\\x07 é\\x00\n"
