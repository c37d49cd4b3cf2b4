"""The simulator as a source: `sim:?events=100000&seed=7`."""

import inspect
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.simulator.arrivals import Arrivals
from riskwave.simulator.bank import SimulatedBank, simulate
from riskwave.sources.batch import RAW_SCHEMA, utc_now

_DEFAULT_EVENTS, _DEFAULT_SEED = 100_000, 7


class SimulatorSource:
    """A bounded source of simulated payments, one partition, offsets numbered by row from 0.

    The same uri gives the same rows, so that a reader can seek to any offset and go on. Rows are made at the
    first poll. received_at is the time of reading. Raises RiskwaveError for an unknown option or value.
    """

    bounded = True

    def __init__(self, uri: str) -> None:
        self.name = uri
        self._options = _options(uri)
        self._next = 0
        self._rows: Arrivals | None = None
        self._bank: SimulatedBank | None = None

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Go on at this offset of partition 0."""
        self._next = offsets.get(0, 0)

    def poll(self, max_rows: int, timeout_s: float) -> pa.Table | None:  # noqa: ARG002
        """Up to `max_rows` rows of RAW_SCHEMA at once; None after the last."""
        rows = self._all()
        if self._next >= len(rows):
            return None
        part = rows.rows(self._next, max_rows)
        self._next += len(part)
        return _stamped(part, self.name)

    def lag(self) -> int | None:
        """Rows not read yet; None before the first poll."""
        return None if self._rows is None else max(len(self._rows) - self._next, 0)

    def close(self) -> None:
        """Let the bank and its rows go."""
        self._rows = None
        self._bank = None

    @property
    def bank(self) -> SimulatedBank:
        """The bank the payments are of, with its profiles, devices and labels."""
        if self._bank is None:
            self._bank = simulate(**self._options)
        return self._bank

    def _all(self) -> Arrivals:
        if self._rows is None:
            self._rows = self.bank.arrivals
        return self._rows


def _stamped(part: pa.Table, name: str) -> pa.Table:
    for field, value in (("source", name), ("received_at", utc_now())):
        place = RAW_SCHEMA.get_field_index(field)
        column = pa.repeat(pa.scalar(value, RAW_SCHEMA.field(place).type), len(part))
        part = part.set_column(place, RAW_SCHEMA.field(place), column)
    return part


def _options(uri: str) -> dict[str, Any]:
    """The arguments of `simulate` in a uri's query."""
    kinds: dict[str, type[int] | type[float] | type[str]] = {
        name: {"events": int, "seed": int, "days": int, "drift": str}.get(name, float)
        for name in inspect.signature(simulate).parameters
        if name != "progress"
    }
    options: dict[str, Any] = {"events": _DEFAULT_EVENTS, "seed": _DEFAULT_SEED}
    parts = urlsplit(uri)
    if parts.scheme != "sim" or parts.netloc or parts.path:
        raise RiskwaveError(f"source {uri}: expected sim:?events=100000&seed=7")
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        name = key.replace("-", "_")
        if name not in kinds:
            raise RiskwaveError(f"source {uri}: unknown option {key!r}; known are {', '.join(kinds)}")
        try:
            options[name] = kinds[name](value)
        except ValueError:
            wanted = "a whole number" if kinds[name] is int else "a number"
            raise RiskwaveError(f"source {uri}: {key}={value!r} is not {wanted}") from None
    return options
