import pytest

from riskwave.errors import RiskwaveError
from riskwave.sources import RAW_SCHEMA, open_source
from riskwave.sources.stdin import StdinSource


@pytest.mark.parametrize("uri", ["http://host/x.csv", "s3://bucket/x", "kafkaa://a:1/t"])
def test_an_unknown_scheme_says_what_there_is(uri: str) -> None:
    with pytest.raises(RiskwaveError, match=r"expected a file, a folder, - .* or sim:"):
        open_source(uri)


def test_the_simulator_is_a_source() -> None:
    source = open_source("sim:?events=500&seed=3")
    source.seek({})
    table = source.poll(10, 1)
    assert table is not None
    assert (table.schema, table.num_rows) == (RAW_SCHEMA, 10)
    source.close()


def test_a_dash_is_standard_input() -> None:
    import os

    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading) as empty, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", empty)
        source = open_source("-")
        assert isinstance(source, StdinSource)
        assert source.poll(1, 1) is None
