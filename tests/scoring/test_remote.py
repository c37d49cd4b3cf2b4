"""Scores from a real scoring server, and decisions that go on without it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import httpx2
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import flight

from riskwave.errors import RiskwaveError
from riskwave.project import compiled_project, project_dir
from riskwave.scoring.breaker import Breaker
from riskwave.scoring.function import open_scorer, register, unregister
from riskwave.scoring.given import Listed, listed
from riskwave.scoring.history import History
from riskwave.scoring.layout import degraded, unscored
from riskwave.scoring.local import LocalScorer
from riskwave.scoring.remote import Guarded, RemoteScorer, flight_address
from tests.scoring.served import serve, serving, started
from tests.support.processes import free_port, wait_until

EVENTS = 700


@pytest.fixture(scope="module")
def given(history: History) -> Listed:
    return listed(history.events.slice(0, EVENTS))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:8815", "grpc://127.0.0.1:8815"),
        ("http://127.0.0.1:8815", "grpc://127.0.0.1:8815"),
        ("http://scoring:8815/", "grpc://scoring:8815"),
        ("grpc://[::1]:8815", "grpc://[::1]:8815"),
        ("grpc+tls://scoring:443", "grpc+tls://scoring:443"),
    ],
)
def test_addresses_are_taken_as_people_write_them(address: str, expected: str) -> None:
    assert flight_address(address) == expected


@pytest.mark.parametrize(
    "address",
    ["https://scoring:8815", "ftp://scoring:1", "scoring", "http://scoring", ":8815", "scoring:x", "a:1/b"],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(RiskwaveError, match=rf"^{re.escape(address)}: no address of a scoring server; expected host"):
        RemoteScorer(address, "card")


@pytest.fixture(scope="module")
def online(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("online")
    serve(folder, files, online=("1.1.0",), canary="1.0.0", share=0.3, shadows=("1.0.1",))
    return folder


def test_a_server_that_cannot_say_what_it_measures_does_not_start(online: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "udf", "--listen", "127.0.0.1:0", "--models", str(online)]
        done = subprocess.run(
            [*command, "--metrics", f"127.0.0.1:{port}"], cwd=project_dir(), capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"--metrics 127.0.0.1:{port}: cannot listen")


def test_a_server_says_what_the_function_says_and_takes_up_what_is_published(
    tmp_path: Path, files: dict[str, bytes], given: Listed, history: History
) -> None:
    serve(tmp_path, files, online=("1.1.0",), canary="1.0.0", share=0.3, shadows=("1.0.1",))
    measured = f"127.0.0.1:{free_port()}"
    with serving(tmp_path, 0, "--metrics", measured) as (_, address):
        remote = RemoteScorer(address, "card", timeout_s=30)
        assert remote(given).equals(LocalScorer(tmp_path, "card")(given))
        figures = httpx2.get(f"http://{measured}/metrics").text
        assert f"riskwave_scoring_rows_total {EVENTS}.0" in figures
        assert "riskwave_scoring_requests_total 1.0" in figures
        assert len(remote(given.some(np.zeros(EVENTS, bool)))) == 0
        # The same through SQL, in chunks of the engine's own.
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.register("decision_input", history.events)
            found = []
            for scoring in (open_scorer(tmp_path), open_scorer(server=address)):
                register(connection, scoring)
                sql = f"select * from ({compiled_project().models['int_scored'].sql}) order by event_id"
                found.append(connection.sql(sql).to_arrow_table())
                unregister(connection)
        assert found[0].equals(found[1])
        assert found[0].num_rows == len(history)
        serve(tmp_path, files, online=("1.0.0",))
        wait_until(
            lambda: remote(given).field("version").unique().to_pylist() == ["card 1.0.0"], limit_s=30, what="1.0.0"
        )
        remote.close()


def test_who_has_not_the_key_is_told_where_it_goes(
    online: Path, given: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RISKWAVE_SCORING_KEY", raising=False)
    with started(online, "--listen", "127.0.0.1:0", key="a key of the server's") as (_, (address,)):
        for key, said in ((None, "asks for a key: set RISKWAVE_SCORING_KEY"), ("another", "does not take the key in")):
            remote = RemoteScorer(address, "card", key=key, timeout_s=30)
            with pytest.raises(pa.ArrowException, match=rf"{address} {said}"):
                remote(given)
            remote.close()


@pytest.mark.parametrize("option", ["--listen", "--grpc"])
def test_a_place_to_listen_at_is_host_and_port(option: str, online: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "udf", "--models", str(online), option, "nonsense"],
        cwd=project_dir(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, f"{option} nonsense: expected host:port, such as 127.0.0.1:8815\n")


def test_the_function_s_signature_is_said_as_risingwave_asks_for_it(online: Path) -> None:
    with serving(online) as (_, address):
        client = flight.FlightClient(f"grpc://{address}")
        info = client.get_flight_info(flight.FlightDescriptor.for_path(b"risk_score"))
        assert info.total_records == 4
        assert [field.type for field in info.schema][1:4] == [
            pa.string(),
            pa.list_(pa.float64()),
            pa.list_(pa.string()),
        ]
        assert [bytes(result.body) for result in client.do_action("protocol_version")] == [b"\x02"]
        with pytest.raises(pa.ArrowException, match="no function other here"):
            client.get_flight_info(flight.FlightDescriptor.for_path(b"other"))
        client.close()


def test_a_killed_server_degrades_and_scores_again_within_5_s_of_its_return(online: Path, given: Listed) -> None:
    port = free_port()
    scoring = open_scorer(server=f"127.0.0.1:{port}")
    few = given.some(np.arange(EVENTS) < 50)

    def is_degraded() -> bool:
        return bool(scoring(few).field("degraded").unique().to_pylist() == [True])

    with serving(online, port) as (process, _):
        wait_until(lambda: not is_degraded(), limit_s=30, what="scores")
        process.kill()
        process.wait(30)
        began = time.monotonic()
        assert is_degraded()
        first = time.monotonic() - began
        # Then the circuit is open: nobody waits for what is gone.
        began = time.monotonic()
        assert is_degraded()
        assert time.monotonic() - began < max(first, 0.5)
    with serving(online, port):
        came_back = time.monotonic()
        wait_until(lambda: not is_degraded(), limit_s=5, what="scores after the server's return")
        assert time.monotonic() - came_back < 5


def test_a_server_that_does_not_answer_is_not_waited_for(given: Listed) -> None:
    """A port that takes connections and says nothing."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        remote = RemoteScorer(f"127.0.0.1:{deaf.getsockname()[1]}", "card", timeout_s=0.2)
        guarded = Guarded(remote, retries=1, backoff_s=0.01)
        began = time.monotonic()
        assert guarded(given).equals(degraded(EVENTS))
        assert time.monotonic() - began < 10
        remote.close()


class Flaky:
    """Fails a number of times, then answers."""

    def __init__(self, failures: int) -> None:
        self.failures, self.calls = failures, 0

    def __call__(self, given: Listed) -> pa.StructArray:
        self.calls += 1
        if self.calls <= self.failures:
            raise pa.ArrowInvalid("gone")
        return unscored(given.rows)


def test_retries_wait_twice_as_long_each_time(given: Listed) -> None:
    waited: list[float] = []
    flaky = Flaky(3)
    guarded = Guarded(flaky, retries=3, backoff_s=0.05, breaker=Breaker(failures=10), sleep=waited.append)
    assert guarded(given).equals(unscored(EVENTS))
    assert waited == [0.05, 0.1, 0.2]
    assert flaky.calls == 4


def test_an_open_circuit_lets_one_call_through_after_its_rest(given: Listed) -> None:
    now = [0.0]
    flaky = Flaky(6)
    breaker = Breaker(rest_s=1.0, clock=lambda: now[0])
    guarded = Guarded(flaky, retries=3, breaker=breaker, sleep=lambda seconds: None)
    assert guarded(given).equals(degraded(EVENTS))
    assert flaky.calls == 4
    assert guarded(given).equals(degraded(EVENTS))
    assert flaky.calls == 4
    for calls in (5, 6):
        now[0] += 1.5
        assert guarded(given).equals(degraded(EVENTS))
        assert guarded(given).equals(degraded(EVENTS))
        assert flaky.calls == calls
    now[0] += 1.5
    assert guarded(given).equals(unscored(EVENTS))
    assert breaker.is_closed
