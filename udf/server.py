"""`risk_score` over Arrow Flight, as RisingWave calls functions: one exchange a function, one batch a chunk of rows.

The protocol is arrow-udf's, version 2: the functions' signatures by GetFlightInfo, calls by DoExchange. Its own server
(the package arrow-udf 0.3) is not used: it does not go with the pyarrow that Riskwave runs on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyarrow import flight

from riskwave.errors import RiskwaveError
from riskwave.scoring.function import FUNCTION, MODEL, Scoring
from riskwave.scoring.given import Listed
from riskwave.scoring.layout import layout
from riskwave.scoring.remote import ANSWER, ARGUMENTS
from udf.access import admits
from udf.metrics import Metrics

log = logging.getLogger("riskwave")

PROTOCOL = b"\x02"


class ScoringServer(flight.FlightServerBase):  # type: ignore[misc] # pyarrow.flight has no types
    """Answers calls of risk_score by the models online; what was published is taken up between two calls."""

    def __init__(
        self, address: str, scoring: Scoring, metrics: Metrics | None = None, *, key: str | None = None
    ) -> None:
        """address: host:port to listen on; port 0 takes a free one (`port`); key: what callers must have."""
        super().__init__(f"grpc://{address}", middleware={"key": _Keyed(key)})
        self._scoring = scoring
        self._metrics = metrics or Metrics()
        self._order = layout()

    def get_flight_info(self, context: Any, descriptor: flight.FlightDescriptor) -> flight.FlightInfo:
        """Arguments, then results; total_records says how many are arguments."""
        del context
        _known(descriptor)
        schema = pa.schema([*ARGUMENTS, *ANSWER])
        return flight.FlightInfo(schema, flight.FlightDescriptor.for_path(FUNCTION), [], len(ARGUMENTS), 0)

    def list_flights(self, context: Any, criteria: bytes) -> Iterator[flight.FlightInfo]:
        """The one function there is."""
        del criteria
        yield self.get_flight_info(context, flight.FlightDescriptor.for_path(FUNCTION))

    def do_action(self, context: Any, action: flight.Action) -> Iterator[bytes]:
        """Which version of the protocol this is."""
        del context
        if action.type != "protocol_version":
            raise NotImplementedError(f"no action {action.type}")
        yield PROTOCOL

    def do_exchange(
        self,
        context: Any,
        descriptor: flight.FlightDescriptor,
        reader: flight.MetadataRecordBatchReader,
        writer: flight.MetadataRecordBatchWriter,
    ) -> None:
        """Score chunk after chunk."""
        del context
        _known(descriptor)
        writer.begin(ANSWER)
        for chunk in reader:
            with self._metrics.request(chunk.data.num_rows):
                writer.write_batch(self._answer(chunk.data))

    def _answer(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        model, cards, numbers, texts = rows.columns
        other = set(model.unique().to_pylist()) - {MODEL}
        if other:
            raise RiskwaveError(f"risk_score: no model {', '.join(map(str, other))} here, only {MODEL}")
        self._scoring.refresh()
        given = Listed(
            cards.cast(pa.string()),
            numbers.cast(pa.list_(pa.float64())),
            texts.cast(pa.list_(pa.string())),
            self._order,
        )
        return pa.RecordBatch.from_arrays([self._scoring(given)], schema=ANSWER)


class _Keyed(flight.ServerMiddlewareFactory):  # type: ignore[misc] # likewise
    """Lets those in who have the key. RisingWave's client cannot carry one."""

    def __init__(self, key: str | None) -> None:
        super().__init__()
        self._key = key

    def start_call(self, info: Any, headers: dict[str, list[str]]) -> None:
        """Refuse before anything is read."""
        del info
        given = next((values[0] for name, values in headers.items() if name.lower() == "authorization"), None)
        if not admits(given, self._key):
            raise flight.FlightUnauthenticatedError("send the server's key: authorization: Bearer …")


def _known(descriptor: flight.FlightDescriptor) -> None:
    named = descriptor.path[0].decode() if descriptor.path else ""
    if named != FUNCTION:
        raise KeyError(f"no function {named} here, only {FUNCTION}")
