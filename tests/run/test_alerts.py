"""`riskwave run --alerts`: alerts of what is decided, while it is being decided."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb

from riskwave.alerts.store import AlertStore, alerts_path
from riskwave.simulator.bank import simulate
from riskwave.simulator.write import write
from tests.support.processes import wait_until

LIMIT_S = 120.0


def _raised(state: Path) -> set[str]:
    store = AlertStore(alerts_path(state))
    try:
        return {row["event_id"] for row in store.rows("select event_id from alerts")}
    finally:
        store.close()


def test_alerts_are_there_while_the_run_goes_on(tmp_path: Path) -> None:
    write(simulate(3_000, 5), tmp_path, "jsonl")
    state = tmp_path / "s.duckdb"
    command = [sys.executable, "-m", "riskwave", "run", "--alerts", "--follow", "--state", str(state)]
    command += ["--source", str(tmp_path / "transactions.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        try:
            wait_until(lambda: alerts_path(state).exists() and bool(_raised(state)), limit_s=LIMIT_S, what="an alert")
            assert run.poll() is None
        finally:
            run.terminate()
            said = run.communicate(timeout=LIMIT_S)[0].decode()
    assert run.returncode == 0, said
    with duckdb.connect(str(state), read_only=True) as connection:
        flagged = connection.execute("select event_id from decisions where action <> 'allow'").fetchall()
    assert _raised(state) == {row[0] for row in flagged}


def test_without_the_option_there_are_none(tmp_path: Path) -> None:
    state = tmp_path / "s.duckdb"
    command = [sys.executable, "-m", "riskwave", "run", "--state", str(state), "--source", "sim:?events=500&seed=2"]
    subprocess.run(command, check=True, capture_output=True)
    assert not alerts_path(state).exists()
