"""The sender as a process: killed at any moment, its receiver away and back, nothing is lost and nothing told twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from riskwave.alerts import moments
from riskwave.alerts.intake import take
from riskwave.alerts.store import AlertStore, alerts_path
from tests.alerts.made import decision
from tests.alerts.receiving import SECRET, receiving
from tests.support.processes import free_port, wait_until

LIMIT_S = 120.0
#: So many times; RISKWAVE_KILLS=10 for more.
KILLS = int(os.environ.get("RISKWAVE_KILLS", "4"))
ROUTES = """\
receivers:
  hook: {{webhook: "http://127.0.0.1:{port}/alerts", secret: "${{HOOK_SECRET}}"}}
routes:
  - {{name: all, to: [hook], wait: 0s, every: 0s, most: 100000}}
retry: {{first: 100ms, longest: 200ms}}
"""


@contextmanager
def sending(state: Path, port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A running `riskwave alerts run`, once it has said that it does."""
    routes = state.with_name("routes.yml")
    routes.write_text(ROUTES.format(port=port))
    process = subprocess.Popen(
        [sys.executable, "-m", "riskwave", "alerts", "run", "--routes", str(routes), "--state", str(state), *more],
        env={**os.environ, "HOOK_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline()
        assert said.startswith("telling of "), said + process.stderr.read()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_killed_at_any_moment_and_with_a_receiver_that_goes_away_every_alert_is_told_once(tmp_path: Path) -> None:
    state, port, count = tmp_path / "bank.duckdb", free_port(), 0
    store = AlertStore(alerts_path(state))
    random.seed(4)

    def raise_some() -> None:
        nonlocal count
        for _ in range(20):
            take(store, "test", [decision(f"e{count}")], str(count), moments.now())
            count += 1

    raise_some()
    keys: list[str] = []
    events: list[str] = []
    for turn in range(KILLS):
        with sending(state, port) as process:
            if turn % 2:
                raise_some()
            with receiving(port) as hook:
                # From before the first is taken to when all are.
                enough = random.randrange(21)
                wait_until(lambda hook=hook, enough=enough: hook.calls >= enough, limit_s=LIMIT_S, what="calls")
                process.kill()
                process.wait()
                keys += hook.keys
                events += hook.events
            raise_some()
    with sending(state, port) as process:
        wait_until(
            lambda: bool(store.rows("select 1 from deliveries where state = 'waiting' and attempts > 0")),
            limit_s=LIMIT_S,
            what="a call that nobody answers",
        )
        with receiving(port) as hook:
            waits = "select 1 from alerts where waits_since is not null"
            undelivered = "select 1 from deliveries where state <> 'delivered'"
            wait_until(lambda: not store.rows(waits), limit_s=LIMIT_S, what="notifications of all")
            wait_until(lambda: not store.rows(undelivered), limit_s=LIMIT_S, what="deliveries of all")
            keys += hook.keys
            events += hook.events
            process.send_signal(signal.SIGTERM)
            assert process.wait(LIMIT_S) == 0
    told = dict(zip(keys, events, strict=True))
    assert Counter(told.values()) == Counter(f"e{number}" for number in range(count))
    # One that was taken and not noted when the process was killed comes again, under the key that it had.
    assert len(keys) - len(told) <= KILLS
    store.close()


def test_two_do_not_send_the_same_alerts(tmp_path: Path) -> None:
    state = tmp_path / "bank.duckdb"
    with sending(state, 1), pytest.raises(AssertionError, match="another process sends its alerts"), sending(state, 1):
        pass
