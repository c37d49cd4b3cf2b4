"""An archive's commits: all of one or none of it, whenever the process dies; each row once."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskwave.archive.folder import Archive
from riskwave.errors import RiskwaveError

#: Forks a process for each step, which is ended at its n-th change of files or names while it commits to a copy of
#: the first folder. Prints, step by step, whether it was ended.
DYING = """
import os, shutil, sys
from pathlib import Path
import pyarrow.dataset  # what DuckDB would import once a process
from riskwave.archive.folder import Archive
from tests.archive.test_folder import decisions, labels

def commit(folder, last):
    left = [10**9]

    def count(event, arguments):
        if event in ("os.rename", "os.mkdir", "os.remove") or event == "open" and str(folder) in str(arguments[0]):
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)

    sys.addaudithook(count)
    with Archive(folder, "topic") as archive:
        left[0] = last
        archive.commit({"decisions": decisions(10, 40), "labels": labels(3)}, {"0": 40})
    os._exit(0)

first, code, step = Path(sys.argv[1]), 9, 0
while code == 9:
    step += 1
    folder = first.parent / str(step)
    shutil.copytree(first, folder)
    child = os.fork()
    if child == 0:
        commit(folder, step)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(code)
"""


def decisions(start: int, end: int) -> pa.Table:
    """Rows of two days."""
    rows = [
        {"event_id": f"e{n}", "event_ts": datetime(2026, 1, 1 + n % 2, 12), "revision": n, "action": "allow"}
        for n in range(start, end)
    ]
    return pa.Table.from_pylist(rows)


def labels(count: int) -> pa.Table:
    """Rows of one day, known by all their columns."""
    return pa.Table.from_pylist([{"event_id": f"e{n}", "arrived_at": datetime(2026, 2, 1)} for n in range(count)])


def stored(folder: Path, table: str = "decisions") -> list[Any]:
    """The event_ids in an archive, sorted."""
    files = folder / table
    return sorted(
        name for file in files.rglob("*.parquet") for name in pq.ParquetFile(file).read()["event_id"].to_pylist()
    )


def test_rows_lie_under_their_day_and_the_token_beside_them(tmp_path: Path) -> None:
    with Archive(tmp_path, "topic") as archive:
        assert archive.token is None
        assert archive.commit({"decisions": decisions(0, 6)}, {"0": 6}) == {"decisions": 6}
    assert sorted(path.name for path in (tmp_path / "decisions").iterdir()) == [f"day=2026-01-0{day}" for day in (1, 2)]
    assert json.loads((tmp_path / "archive.json").read_text())["token"] == {"0": 6}
    with Archive(tmp_path, "topic") as archive:
        assert archive.token == {"0": 6}
    assert stored(tmp_path) == sorted(f"e{n}" for n in range(6))


def test_a_row_that_comes_again_is_the_same_row(tmp_path: Path) -> None:
    with Archive(tmp_path, "topic") as archive:
        archive.commit({"decisions": decisions(0, 6), "labels": labels(2)}, 1)
        again = pa.concat_tables([decisions(3, 9), decisions(7, 9)])
        assert archive.commit({"decisions": again, "labels": labels(3)}, 2) == {"decisions": 3, "labels": 1}
        assert archive.commit({"decisions": again}, 3) == {"decisions": 0}
    assert stored(tmp_path) == sorted(f"e{n}" for n in range(9))
    assert stored(tmp_path, "labels") == ["e0", "e1", "e2"]


def test_a_later_revision_of_an_event_is_another_row(tmp_path: Path) -> None:
    later = decisions(0, 1).set_column(2, "revision", pa.array([7]))
    with Archive(tmp_path, "topic") as archive:
        archive.commit({"decisions": decisions(0, 1)}, 1)
        assert archive.commit({"decisions": later}, 2) == {"decisions": 1}


def test_killed_at_any_step_a_commit_is_whole_or_not_there(tmp_path: Path) -> None:
    """A process is killed one step later each time, until one gets through; the next one makes it good."""
    before, after = (sorted(f"e{n}" for n in range(end)) for end in (10, 40))
    with Archive(tmp_path / "0", "topic") as archive:
        archive.commit({"decisions": decisions(0, 10)}, {"0": 10})
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(tmp_path / "0")], check=True, timeout=120, capture_output=True, text=True
    )
    codes = [int(line) for line in done.stdout.split()]
    assert codes == [9] * (len(codes) - 1) + [0]
    outcomes = []
    for step in range(1, len(codes) + 1):
        folder = tmp_path / str(step)
        # What is read beside a dying writer is never there twice, and opening the folder finishes what counts.
        assert len(set(stored(folder))) == len(stored(folder))
        with Archive(folder, "topic") as archive:
            whole = archive.token == {"0": 40}
            assert whole or archive.token == {"0": 10}
            assert stored(folder) == (after if whole else before)
            assert stored(folder, "labels") == (["e0", "e1", "e2"] if whole else [])
            archive.commit({"decisions": decisions(10, 40), "labels": labels(3)}, {"0": 40})
        assert stored(folder) == after
        assert [path.name for path in (folder / ".pending").iterdir()] == ["lock"]
        outcomes.append(whole)
    assert outcomes == sorted(outcomes)
    assert {True, False} == set(outcomes)


def test_one_process_and_one_source_have_a_folder(tmp_path: Path) -> None:
    with Archive(tmp_path, "topic") as archive:
        archive.commit({"decisions": decisions(0, 1)}, 1)
        with pytest.raises(RiskwaveError, match="another process"):
            Archive(tmp_path, "topic")
    with pytest.raises(RiskwaveError, match="is the archive of topic, not of other"):
        Archive(tmp_path, "other")
    (tmp_path / "archive.json").write_text("{}")
    with pytest.raises(RiskwaveError, match="not the journal"):
        Archive(tmp_path, "topic")
