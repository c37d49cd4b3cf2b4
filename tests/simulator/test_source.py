import pyarrow as pa
import pytest

from riskwave.errors import RiskwaveError
from riskwave.simulator import simulate
from riskwave.simulator.source import SimulatorSource
from riskwave.sources.base import Source
from riskwave.sources.batch import FIELDS, RAW_SCHEMA, utc_now

URI = "sim:?events=1500&seed=3&malformed=0.01&duplicates=0.01&late=0.02&out-of-order=0.1"


def drain(source: Source, size: int) -> pa.Table:
    parts = []
    while (part := source.poll(size, 0.0)) is not None:
        assert 0 < len(part) <= size
        parts.append(part)
    return pa.concat_tables(parts)


def test_source_yields_what_arrived_and_ends() -> None:
    source = SimulatorSource(URI)
    rows = drain(source, 400)
    arrivals = simulate(1500, 3, malformed=0.01, duplicates=0.01, late=0.02, out_of_order=0.1).arrivals
    assert rows.schema == RAW_SCHEMA
    assert source.bounded
    assert rows.select([*FIELDS, "raw"]).equals(arrivals.rows(0, len(arrivals)).select([*FIELDS, "raw"]))
    assert rows["source"].unique().to_pylist() == [URI]
    assert source.lag() == 0


def test_source_goes_on_where_it_is_told() -> None:
    source = SimulatorSource(URI)
    source.seek({0: 1000})
    rows = drain(source, 100)
    assert rows["source_offset"][0].as_py() == 1000
    assert rows["raw"].to_pylist() == drain(SimulatorSource(URI), 5000)["raw"].to_pylist()[1000:]


def test_lag_is_what_is_left() -> None:
    source = SimulatorSource("sim:?events=500&seed=1")
    assert source.lag() is None
    source.poll(200, 0.0)
    assert source.lag() == 300


def test_rows_are_received_when_they_are_read() -> None:
    before = utc_now()
    part = SimulatorSource("sim:?events=10&seed=1").poll(10, 0.0)
    assert part is not None
    assert before <= part["received_at"][0].as_py() <= utc_now()


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("sim:?evnts=5", "unknown option 'evnts'; known are events, seed, days"),
        ("sim:?events=many", "events='many' is not a whole number"),
        ("sim:?late=much", "late='much' is not a number"),
        ("sim://host?events=5", "expected sim:"),
        ("file:x", "expected sim:"),
    ],
)
def test_bad_uris_are_explained(uri: str, message: str) -> None:
    with pytest.raises(RiskwaveError, match=message):
        SimulatorSource(uri)


def test_numbers_out_of_range_are_explained() -> None:
    with pytest.raises(RiskwaveError, match="events: 0 is out of range"):
        SimulatorSource("sim:?events=0").poll(1, 0.0)
