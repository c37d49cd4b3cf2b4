"""Scores by a scoring server (udf/) over Arrow Flight, and decisions that go on without it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import flight

from riskwave.errors import RiskwaveError
from riskwave.scoring.breaker import Breaker
from riskwave.scoring.given import Listed
from riskwave.scoring.layout import RESULT, degraded

log = logging.getLogger("riskwave")

FUNCTION = "risk_score"
#: The variable with the key that a scoring server asks for.
KEY = "RISKWAVE_SCORING_KEY"
#: The columns of a call, as the SQL function's arguments.
ARGUMENTS = pa.schema(
    [
        ("model", pa.string()),
        ("card_id", pa.string()),
        ("numbers", pa.list_(pa.float64())),
        ("texts", pa.list_(pa.string())),
    ]
)
ANSWER = pa.schema([(FUNCTION, RESULT)])
#: Seconds a call may take, calls after a failed one, and seconds before the first of them; each waits twice as long.
TIMEOUT_S, RETRIES, BACKOFF_S = 0.5, 3, 0.05
#: Events a call carries.
ROWS = 4_096

#: What an address may begin with, and what Flight calls it.
SCHEMES = {"": "grpc", "http": "grpc", "grpc": "grpc", "grpc+tcp": "grpc+tcp", "grpc+tls": "grpc+tls"}
EXPECTED = "expected host:port or http://host:port, as in RISKWAVE_SCORING_SERVER=127.0.0.1:8815"

Call = Callable[[Listed], pa.StructArray]


def bearer(key: str) -> str:
    """The authorization header of who has a key."""
    return f"Bearer {key}"


def flight_address(address: str) -> str:
    """host:port, grpc://host:port or, as dbt's variable scoring_server has it, http://host:port, as Flight has it.

    Raises RiskwaveError for another scheme, and without a host or a port.
    """
    scheme, _, place = address.rpartition("://")
    try:
        read = urlsplit(f"//{place}")
        whole = bool(read.hostname and read.port) and read.path in ("", "/")
    except ValueError:
        whole = False
    if scheme not in SCHEMES or not whole:
        raise RiskwaveError(f"{address}: no address of a scoring server; {EXPECTED}")
    return f"{SCHEMES[scheme]}://{read.netloc}"


class RemoteScorer:
    """Calls a scoring server. Threads may share it. An answer, or an exception: see Guarded for who wants none."""

    def __init__(self, address: str, name: str, *, key: str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        """address: see flight_address; key: of a server that asks for one, else RISKWAVE_SCORING_KEY.

        Raises RiskwaveError for what is no address.
        """
        self._name = name
        key = key or os.environ.get(KEY, "").strip()
        headers = [(b"authorization", bearer(key).encode())] if key else []
        self._options = flight.FlightCallOptions(timeout=timeout_s, headers=headers)
        self._keyed = bool(key)
        self._address = flight_address(address)
        self._lock = threading.Lock()
        self._client: flight.FlightClient | None = None
        try:
            self._connected()
        except (pa.ArrowInvalid, pa.ArrowKeyError, flight.FlightError) as error:
            raise RiskwaveError(f"{address}: no address of a scoring server ({error}); {EXPECTED}") from error

    def __call__(self, given: Listed) -> pa.StructArray:
        """Results of events (RESULT). Raises pa.ArrowException when the server does not answer in time."""
        arguments = [
            pa.repeat(pa.scalar(self._name), given.rows),
            given.cards,
            given.number_lists,
            given.text_lists,
        ]
        batch = pa.RecordBatch.from_arrays(
            [array.cast(field.type) for array, field in zip(arguments, ARGUMENTS, strict=True)], schema=ARGUMENTS
        )
        parts = [self._call(batch.slice(start, ROWS)) for start in range(0, given.rows, ROWS)]
        return pa.concat_arrays(parts) if parts else degraded(0)

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _call(self, batch: pa.RecordBatch) -> pa.StructArray:
        try:
            writer, reader = self._connected().do_exchange(
                flight.FlightDescriptor.for_path(FUNCTION.encode()), self._options
            )
            with writer:
                writer.begin(ARGUMENTS)
                writer.write_batch(batch)
                writer.done_writing()
                answer = reader.read_all().column(0).combine_chunks()
        except flight.FlightUnauthenticatedError as error:
            self.close()
            wrong = f"does not take the key in {KEY}: set it to the server's"
            asked = wrong if self._keyed else f"asks for a key: set {KEY} to it"
            raise flight.FlightUnauthenticatedError(f"the scoring server {self._address} {asked}") from error
        except pa.ArrowException:
            # A connection to a server that went away waits before it tries again; a new one does not.
            self.close()
            raise
        if answer.type != RESULT or len(answer) != batch.num_rows:
            raise pa.ArrowInvalid(f"the scoring server answers {len(answer)} of {answer.type}")
        return answer

    def _connected(self) -> flight.FlightClient:
        with self._lock:
            if self._client is None:
                self._client = flight.FlightClient(self._address)
            return self._client


class Guarded:
    """A scorer that always answers: what cannot be scored is degraded. Retries with backoff, then a circuit breaker."""

    def __init__(
        self,
        call: Call,
        *,
        retries: int = RETRIES,
        backoff_s: float = BACKOFF_S,
        breaker: Breaker | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._call, self._retries, self._backoff_s, self._sleep = call, retries, backoff_s, sleep
        self.breaker = breaker or Breaker()

    def __call__(self, given: Listed) -> pa.StructArray:
        """Results of events (RESULT)."""
        # Once open, it is tried once at a time: a server that is gone holds no batch up.
        tries = 1 + self._retries if self.breaker.is_closed else 1
        for turn in range(tries):
            if not self.breaker.allows():
                break
            try:
                answer = self._call(given)
            except Exception as error:
                if self.breaker.is_closed:
                    log.warning("events cannot be scored, rules decide alone: %s", str(error).splitlines()[0])
                self.breaker.failed()
                if turn + 1 < tries and self.breaker.is_closed:
                    self._sleep(self._backoff_s * 2**turn)
            else:
                self.breaker.succeeded()
                return answer
        return degraded(given.rows)
