"""`riskwave run` killed in mid-work and started again ends where an undisturbed run ends, row for row."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from riskwave.engine.journal import journal_folder
from riskwave.parity import compare
from riskwave.simulator import simulate
from riskwave.simulator.write import write

EVENTS = 16_000
#: So many times; RISKWAVE_KILLS=10 for more.
KILLS = int(os.environ.get("RISKWAVE_KILLS", "4"))
LIMIT_S = 300.0


class Runs:
    """`riskwave run` over one bank's files, as often as asked, into any state."""

    def __init__(self, bank: Path) -> None:
        self._bank = bank

    def start(self, state: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "riskwave", "run", "--state", str(state), "--json"]
        command += ["--source", str(self._bank / "transactions.jsonl")]
        for side in ("labels", "profiles", "devices"):
            command += [f"--{side}", str(self._bank / f"{side}.jsonl")]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, state: Path) -> None:
        out, err = self.start(state).communicate(timeout=LIMIT_S)
        assert b'"decided"' in out, (out + err).decode()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("bank")
    bank = simulate(EVENTS, 3, late=0.02, out_of_order=0.05, duplicates=0.01, malformed=0.005)
    write(bank, folder, "jsonl")
    return Runs(folder)


@pytest.fixture(scope="module")
def undisturbed(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("undisturbed") / "state.duckdb"
    runs.finish(state)
    return state


@pytest.fixture(scope="module")
def killed(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state whose runs were killed: the first while it starts, the others some time after they wrote something."""
    state = tmp_path_factory.mktemp("killed") / "state.duckdb"
    dice = random.Random(11)
    for number in range(KILLS):
        run = runs.start(state)
        if number:
            wait_for_a_write(state, run)
        try:
            run.wait(timeout=dice.uniform(0.0, 0.4 if number else 2.0))
        except subprocess.TimeoutExpired:
            run.kill()
        run.communicate()
        assert run.returncode == -9, "it ended before it was killed: too few events"
    runs.finish(state)
    return state


def wait_for_a_write(state: Path, run: subprocess.Popen[bytes]) -> None:
    """Return once the run has committed something."""
    end = time.monotonic() + LIMIT_S
    opened = size_of(state)
    while time.monotonic() < end:
        size = size_of(state)
        opened = min(opened, size)
        if size > opened + 500_000:
            return
        try:
            run.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        break
    assert run.poll() is None, run.communicate()
    pytest.fail(f"nothing written in {LIMIT_S:.0f} s")


def size_of(state: Path) -> int:
    """Bytes in the state's journal and in DuckDB's log."""
    size = 0
    for file in (Path(f"{state}.wal"), *journal_folder(state).glob("*")):
        with suppress(FileNotFoundError):  # it was moved meanwhile
            size += file.stat().st_size
    return size


def rows(state: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(state), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_last_decisions_are_those_of_the_undisturbed_run(undisturbed: Path, killed: Path) -> None:
    report = compare(undisturbed, killed)
    assert report.equal, report.as_dict()
    assert report.events == EVENTS
    assert not report.skipped


@pytest.mark.parametrize(
    "query",
    [
        "select * from offsets order by all",
        "select * exclude (received_at) from stg_payments order by event_id",
        "select * exclude (received_at) from rejected_events order by source_offset",
        "select * from labels order by all",
        "select * from card_profiles order by all",
        "select * from devices order by all",
        "select * from int_confirmed_frauds order by all",
    ],
)
def test_every_table_has_the_same_rows(undisturbed: Path, killed: Path, query: str) -> None:
    found = rows(killed, query)
    assert found == rows(undisturbed, query)
    assert found


@pytest.mark.parametrize("table", ["decision_input", "decisions"])
def test_versions_follow_one_another(killed: Path, table: str) -> None:
    numbered = f"select *, row_number() over (partition by event_id order by version) as place from {table}"
    broken = f"select * from ({numbered}) where version <> place or supersedes is distinct from nullif(place - 1, 0)"
    assert rows(killed, broken) == []
    assert rows(killed, f"select count(distinct event_id) from {table}") == [(EVENTS,)]
