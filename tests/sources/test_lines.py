import hashlib
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from riskwave.sources import lines
from riskwave.sources.batch import MAX_ROW_BYTES
from riskwave.sources.lines import LineReader


class Pieces:
    """A stream that gives what it holds in pieces of its own choice."""

    growing = False

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    def read(self, size: int) -> bytes:
        piece = next(self._pieces, b"")
        assert len(piece) <= size
        return piece

    def fail_if_damaged(self, line: int) -> None:
        pass

    def close(self) -> None:
        pass


def all_lines(reader: LineReader, max_lines: int) -> list[bytes]:
    found: list[bytes] = []
    while (block := reader.take(max_lines)) is not None:
        assert block.first == len(found)
        assert len(block.lines) <= max_lines
        found += block.lines
    return found


@given(st.lists(st.binary(min_size=1, max_size=12).map(lambda b: b.replace(b"a", b"\n"))), st.integers(1, 5))
def test_lines_do_not_depend_on_how_the_bytes_come(pieces: list[bytes], max_lines: int) -> None:
    data = b"".join(pieces).removeprefix(b"\xef\xbb\xbf")
    expected = data.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert all_lines(LineReader(Pieces(pieces)), max_lines) == expected


def test_a_line_too_long_keeps_its_start_length_and_hash() -> None:
    long = b"x" * (MAX_ROW_BYTES * 3 + 5)
    data = b"one\n" + long + b"\ntwo\nthree"
    pieces = [data[i : i + lines.CHUNK] for i in range(0, len(data), lines.CHUNK)]
    reader = LineReader(Pieces(pieces))
    first = reader.take(100)
    assert first is not None
    assert first.lines == [b"one", long[:MAX_ROW_BYTES]]
    assert first.too_long is not None
    assert f"{len(long)} bytes, sha256 {hashlib.sha256(long).hexdigest()}" in first.too_long
    rest = []
    while (block := reader.take(100)) is not None:
        assert block.too_long is None
        rest += block.lines
    assert rest == [b"two", b"three"]
    assert reader.number == 4


def test_a_line_of_exactly_the_limit_is_whole() -> None:
    line = b"x" * MAX_ROW_BYTES
    data = line + b"\n" + line + b"y"
    reader = LineReader(Pieces([data[i : i + lines.CHUNK] for i in range(0, len(data), lines.CHUNK)]))
    block = reader.take(1)
    assert block is not None
    assert (block.lines, block.too_long) == ([line], None)
    block = reader.take(1)
    assert block is not None
    assert block.lines == [line]
    assert block.too_long is not None


def test_skipping_counts_lines() -> None:
    reader = LineReader(Pieces([b"a\nb\nc\nd"]))
    assert reader.skip(2) == 2
    block = reader.take(1)
    assert block is not None
    assert (block.first, block.lines) == (2, [b"c"])
    assert reader.skip(9) == 1
