import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskwave.errors import RiskwaveError
from riskwave.sources.batch import MAX_ROW_BYTES
from riskwave.sources.csv_rows import MAX_ROW_LINES, CsvRows
from riskwave.sources.lines import LineReader
from tests.sources.test_lines import Pieces

Row = tuple[list[str | None], str | None]


def reader(data: bytes, columns: list[str]) -> CsvRows:
    pieces = [data[i : i + 4096] for i in range(0, len(data), 4096)]
    return CsvRows(LineReader(Pieces(pieces)), columns, "payments.csv")


def rows_of(data: bytes, columns: list[str], max_rows: int = 100) -> tuple[list[Row], list[bytes]]:
    source = reader(data, columns)
    rows: list[Row] = []
    raw: list[bytes] = []
    while (block := source.read(max_rows)) is not None:
        assert list(block.offsets) == list(range(len(rows), len(rows) + len(block)))
        errors = block.errors or [None] * len(block)
        values = [block.columns[name].to_pylist() for name in columns]
        rows += [([v[i] for v in values], errors[i]) for i in range(len(block))]
        raw += list(block.raw)
    return rows, raw


def test_columns_by_name_and_the_lines_themselves() -> None:
    rows, raw = rows_of(b"b,a,c\r\n1,2,3\r\n4,,6\n", ["a", "b", "d"])
    assert rows == [(["2", "1", None], None), (["", "4", None], None)]
    assert raw == [b"1,2,3\r", b"4,,6"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_headers(delimiter: str) -> None:
    data = f"a{delimiter}b\n1{delimiter}2\n".encode()
    assert rows_of(data, ["a", "b"])[0] == [(["1", "2"], None)]


def test_quoted_values_may_hold_delimiters_quotes_and_lines() -> None:
    data = b'a,b\n"x, y","say ""no"""\n1,"two\nlines"\n3,4\n'
    rows, raw = rows_of(data, ["a", "b"])
    assert [values for values, _ in rows] == [["x, y", 'say "no"'], ["1", "two\nlines"], ["3", "4"]]
    assert raw[1] == b'1,"two\nlines"'


@given(
    st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=6)] * 3)),
    st.integers(1, 4),
)
def test_what_the_csv_module_writes_comes_back(table: list[tuple[str, str, str]], max_rows: int) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b", "c"])
    writer.writerows(table)
    rows, _ = rows_of(out.getvalue().encode(), ["a", "b", "c"], max_rows)
    assert rows == [(list(row), None) for row in table]


@given(st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"a", b'"').replace(b"b", b","))))
def test_any_lines_are_read_and_none_is_lost(lines: list[bytes]) -> None:
    data = b"a,b\n" + b"\n".join(lines)
    _, raw = rows_of(data, ["a", "b"], 3)
    kept = [line for part in raw for line in part.split(b"\n") if line.strip()]
    assert kept == [line for line in b"\n".join(lines).split(b"\n") if line.strip()]


def test_a_quote_left_open_spoils_its_own_line_only() -> None:
    lines = [b"%d,ok" % i for i in range(MAX_ROW_LINES * 2)]
    rows, raw = rows_of(b'a,b\n1,"open\n' + b"\n".join(lines), ["a", "b"])
    assert len(rows) == len(lines) + 1
    assert raw[0] == b'1,"open'
    assert rows[0][1] is not None
    assert rows[0][1].startswith("not valid CSV")
    assert all(error is None for _, error in rows[1:])


def test_bad_rows_say_why_and_keep_their_bytes() -> None:
    data = b'a,b\n1\n1,2,3\n\xff,2\n"x"y,2\n3,4\n'
    rows, raw = rows_of(data, ["a", "b"])
    assert [error for _, error in rows] == [
        "wrong number of columns: 1, expected 2 as in the header",
        "wrong number of columns: 3, expected 2 as in the header",
        "not valid UTF-8",
        "not valid CSV: ',' expected after '\"'",
        None,
    ]
    assert raw == [b"1", b"1,2,3", b"\xff,2", b'"x"y,2', b"3,4"]
    assert rows[-1][0] == ["3", "4"]


def test_a_line_too_long_is_one_bad_row() -> None:
    data = b"a,b\n1,2\n" + b"z" * (MAX_ROW_BYTES + 10) + b"\n3,4\n"
    rows, raw = rows_of(data, ["a", "b"])
    assert [error is None for _, error in rows] == [True, False, True]
    assert len(raw[1]) == MAX_ROW_BYTES


def test_skipping_passes_over_rows_not_lines() -> None:
    source = reader(b'a,b\n1,"two\nlines"\n\n3,4\n5,6\n', ["a"])
    assert source.skip(2) == 2
    block = source.read(10)
    assert block is not None
    assert (block.columns["a"].to_pylist(), list(block.offsets)) == (["5"], [2])


def test_an_empty_file_has_no_header_and_no_rows() -> None:
    source = reader(b"", ["a"])
    assert source.names is None
    assert source.read(10) is None


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"a,b,a\n1,2,3\n", "names 'a' twice"),
        (b"a,\xff\n", "not valid UTF-8"),
        (b"a" * (MAX_ROW_BYTES + 1), "the header line is longer"),
    ],
)
def test_a_header_that_cannot_be_used_is_told(header: bytes, message: str) -> None:
    with pytest.raises(RiskwaveError, match=message):
        _ = reader(header, ["a"]).names
