import os
from collections.abc import Iterator

import pytest

from riskwave.errors import RiskwaveError
from riskwave.sources.shape import AsNamed
from riskwave.sources.stdin import StdinSource
from tests.sources.tables import column, csv_text, json_lines, payment

ROWS = [payment(i) for i in range(4)]
Pipe = tuple[StdinSource, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    yield StdinSource(AsNamed(), reading), writing
    os.close(reading)


def read_to_end(source: StdinSource) -> list[str | None]:
    found: list[str | None] = []
    while (table := source.poll(3, 5)) is not None:
        found += column(table, "event_id")
    return found


@pytest.mark.parametrize("data", [json_lines(ROWS), csv_text(ROWS), b"\n " + json_lines(ROWS).rstrip()])
def test_json_and_csv_are_told_apart_by_the_first_byte(data: bytes, pipe: Pipe) -> None:
    source, writing = pipe
    os.write(writing, data)
    os.close(writing)
    assert read_to_end(source) == ["e0", "e1", "e2", "e3"]


def test_what_has_come_is_given_without_waiting_for_the_end(pipe: Pipe) -> None:
    source, writing = pipe
    source.seek({})
    lines = json_lines(ROWS).splitlines(keepends=True)
    empty = source.poll(10, 0)
    assert empty is not None
    assert empty.num_rows == 0
    os.write(writing, lines[0] + lines[1][:7])
    table = source.poll(10, 5)
    assert table is not None
    assert column(table, "event_id") == ["e0"]
    os.write(writing, lines[1][7:] + lines[2])
    os.close(writing)
    assert read_to_end(source) == ["e1", "e2"]


def test_after_a_restart_nothing_is_passed_over_and_numbers_go_on(pipe: Pipe) -> None:
    source, writing = pipe
    source.seek({0: 100})
    os.write(writing, json_lines(ROWS[:2]))
    os.close(writing)
    table = source.poll(10, 5)
    assert table is not None
    assert column(table, "source_offset") == [100, 101]
    assert column(table, "event_id") == ["e0", "e1"]


def test_nothing_at_all_is_an_end(pipe: Pipe) -> None:
    source, writing = pipe
    os.close(writing)
    assert source.poll(10, 5) is None


def test_csv_without_the_contracts_columns(pipe: Pipe) -> None:
    source, writing = pipe
    os.write(writing, b"a,b\n1,2\n")
    os.close(writing)
    with pytest.raises(RiskwaveError, match="standard input: no column 'event_id'"):
        source.poll(10, 5)
