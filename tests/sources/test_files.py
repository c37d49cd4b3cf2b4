import csv
import gzip
import json
import zlib
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskwave.errors import RiskwaveError
from riskwave.sources import open_source
from riskwave.sources.batch import MAX_ROW_BYTES
from tests.sources.tables import column, csv_text, json_lines, payment, read_all, write

ROWS = [payment(i) for i in range(25)]
TEXTS = {name: [str(row[name]) for row in ROWS] for name in ROWS[0]}


def as_parquet(path: Path, rows: list[dict[str, Any]] = ROWS) -> str:
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=10)
    return str(path)


def make(kind: str, folder: Path) -> str:
    path = folder / f"payments.{kind}"
    zstd = pa.Codec("zstd")
    return {
        "jsonl": lambda: write(path, json_lines(ROWS)),
        "jsonl.gz": lambda: write(path, gzip.compress(json_lines(ROWS))),
        "ndjson.zst": lambda: write(path, zstd.compress(json_lines(ROWS), asbytes=True)),
        "csv": lambda: write(path, csv_text(ROWS)),
        "csv.gz": lambda: write(path, gzip.compress(csv_text(ROWS))),
        "log": lambda: write(path, json_lines(ROWS)),
        "txt": lambda: write(path, csv_text(ROWS)),
        "parquet": lambda: as_parquet(path),
    }[kind]()


KINDS = ["jsonl", "jsonl.gz", "ndjson.zst", "csv", "csv.gz", "log", "txt", "parquet"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("max_rows", [1, 7, 1000])
def test_every_format_gives_the_same_texts(kind: str, max_rows: int, tmp_path: Path) -> None:
    uri = make(kind, tmp_path)
    source = open_source(uri)
    assert source.bounded
    table = read_all(source, max_rows=max_rows)
    assert {name: column(table, name) for name in TEXTS} == TEXTS
    assert column(table, "source_offset") == list(range(25))
    assert set(column(table, "source")) == {uri}
    assert set(column(table, "source_partition")) == {0}
    assert table.column("decode_error").null_count == 25
    assert table.column("raw").null_count == 0
    assert table.column("received_at").null_count == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("offset", [1, 10, 13, 25])
def test_reading_goes_on_where_the_state_says(kind: str, offset: int, tmp_path: Path) -> None:
    source = open_source(make(kind, tmp_path))
    source.seek({0: offset})
    table = read_all(source, max_rows=4)
    assert column(table, "event_id") == TEXTS["event_id"][offset:]
    assert column(table, "source_offset") == list(range(offset, 25))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_shorter_than_the_state_says_is_not_the_same_file(kind: str, tmp_path: Path) -> None:
    with (
        closing(open_source(make(kind, tmp_path))) as source,
        pytest.raises(RiskwaveError, match="has 25 rows, but the state has read 26"),
    ):
        source.seek({0: 26})


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_the_bytes_of_each_line_are_kept(kind: str, tmp_path: Path) -> None:
    uri = make(kind, tmp_path)
    lines = Path(uri).read_bytes().splitlines()
    assert column(read_all(open_source(uri)), "raw") == (lines if kind == "jsonl" else lines[1:])


def test_a_parquet_row_is_kept_as_json(tmp_path: Path) -> None:
    rows = [payment(1, shop="A & B", nested={"x": [1, 2]}, note=None)]
    table = read_all(open_source(as_parquet(tmp_path / "p.parquet", rows)))
    kept = json.loads(column(table, "raw")[0])
    assert (kept["shop"], kept["nested"], kept["note"]) == ("A & B", '{"x":[1,2]}', None)


def test_a_parquet_file_with_raw_bytes_and_errors_of_its_own_keeps_them(tmp_path: Path) -> None:
    rows = [
        {**payment(1), "amount_minor": "5", "raw": b"\x00\xffone", "decode_error": None},
        {**payment(2), "amount_minor": "6", "raw": b"two", "decode_error": "not valid JSON: …"},
    ]
    table = read_all(open_source(as_parquet(tmp_path / "p.parquet", rows)))
    assert column(table, "raw") == [b"\x00\xffone", b"two"]
    assert column(table, "decode_error") == [None, "not valid JSON: …"]


def test_parquet_types_become_texts(tmp_path: Path) -> None:
    columns = {
        "event_id": pa.array([1], pa.int64()),
        "event_ts": pa.array([1_772_359_200_000_001], pa.timestamp("us", "Europe/Madrid")),
        "local_ts": pa.array([1_772_359_200], pa.timestamp("s")),
        "card_id": pa.array(["c"]).dictionary_encode(),
        "amount_minor": pa.array([Decimal(1250)], pa.decimal128(10, 0)),
        "currency": pa.array([b"EUR"], pa.binary()),
        "latitude": pa.array([float("nan")]),
        "is_recurring": pa.array([True]),
    }
    path = tmp_path / "typed.parquet"
    pq.write_table(pa.table(columns), path)
    row = read_all(open_source(str(path))).to_pylist()[0]
    assert row["event_ts"] == "2026-03-01T10:00:00.000001Z"
    assert row["local_ts"] == "2026-03-01T10:00:00.000"
    texts = [row[name] for name in ("event_id", "card_id", "amount_minor", "currency", "latitude", "is_recurring")]
    assert texts == ["1", "c", "1250", "EUR", "nan", "true"]


def test_a_parquet_text_that_is_not_utf8_is_a_bad_row(tmp_path: Path) -> None:
    good = pa.Table.from_pylist([payment(1), payment(2)])
    names = pa.array([b"caf\xc3\xa9", b"caf\xe9"], pa.binary()).view(pa.string())
    path = tmp_path / "p.parquet"
    pq.write_table(good.append_column("merchant_name", names), path)
    table = read_all(open_source(str(path)))
    assert column(table, "decode_error") == [None, "merchant_name: not valid UTF-8"]
    assert column(table, "merchant_name")[0] == "café"


def test_a_folder_is_read_in_order_of_names_a_partition_each(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "later").mkdir(parents=True)
    write(folder / "b.jsonl", json_lines(ROWS[10:15]))
    write(folder / "a.csv", csv_text(ROWS[:10]))
    as_parquet(folder / "later" / "c.parquet", ROWS[15:20])
    write(folder / "_SUCCESS", b"")
    write(folder / ".a.csv.crc", b"x")
    table = read_all(open_source(str(folder)), max_rows=4)
    assert column(table, "event_id") == TEXTS["event_id"][:20]
    assert column(table, "source_partition") == [0] * 10 + [1] * 5 + [2] * 5
    assert column(table, "source_offset") == [*range(10), *range(5), *range(5)]
    # A file that comes later, by name, leaves the offsets of the others as they are.
    write(folder / "later" / "d.jsonl", json_lines(ROWS[20:]))
    again = open_source(str(folder))
    again.seek({0: 10, 1: 5, 2: 3})
    assert column(read_all(again), "event_id") == TEXTS["event_id"][18:]


def test_a_folder_with_fewer_files_than_the_state_knows(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", json_lines(ROWS))
    with (
        closing(open_source(str(tmp_path))) as source,
        pytest.raises(RiskwaveError, match="has 1 files, but the state has read 3"),
    ):
        source.seek({0: 25, 2: 1})


def test_bad_lines_are_rows_between_the_good_ones(tmp_path: Path) -> None:
    long = b'{"event_id": "' + b"x" * (3 * MAX_ROW_BYTES) + b'"}'
    good = json_lines(ROWS[:2]).splitlines()
    lines = [
        good[0],
        b"not json",
        b"[1]",
        b'{"event_id": "\xff"}',
        b'{"amount_minor": NaN}',
        long,
        b"",
        good[1],
    ]
    table = read_all(open_source(write(tmp_path / "bad.jsonl", b"\n".join(lines))), max_rows=3)
    errors = column(table, "decode_error")
    assert [e and e.split(":")[0] for e in errors] == [
        None,
        "not valid JSON",
        "not a JSON object",
        "not valid UTF-8",
        "not valid JSON",
        f"longer than {MAX_ROW_BYTES} bytes",
        None,
    ]
    # A blank line is no row, but it has a number.
    assert column(table, "source_offset") == [0, 1, 2, 3, 4, 5, 7]
    assert column(table, "raw") == [*lines[:5], long[:MAX_ROW_BYTES], lines[7]]
    assert f"{len(long)} bytes" in errors[5]


def test_a_huge_line_is_passed_over_in_little_memory(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "huge.jsonl"
    with path.open("wb") as file:
        file.write(json_lines(ROWS[:1]))
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\n" + json_lines(ROWS[1:2]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table = read_all(open_source(str(path)))
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert column(table, "event_id") == ["e0", None, "e1"]
    assert "100000000 bytes, sha256 " in column(table, "decode_error")[1]
    assert grown_mb < 30


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_cut_off_gzip_gives_the_rows_before_and_names_the_line(kind: str, tmp_path: Path) -> None:
    rows = [payment(i, merchant_name=str(hash(str(i)))) for i in range(20_000)]
    data = json_lines(rows) if kind == "jsonl" else csv_text(rows)
    packed = gzip.compress(data)
    path = tmp_path / f"cut.{kind}.gz"
    whole = zlib.decompressobj(31).decompress(packed[: len(packed) // 2]).count(b"\n")
    expected = whole - (kind == "csv")
    seen = 0
    message = rf"cut\.{kind}\.gz: damaged after line {whole}: .*cut off"
    with (
        closing(open_source(write(path, packed[: len(packed) // 2]))) as source,
        pytest.raises(RiskwaveError, match=message),
    ):
        while (table := source.poll(3000, 1)) is not None:
            seen += table.num_rows
    assert seen == expected
    # The file made whole is read on from there, nothing twice and nothing missed.
    path.write_bytes(packed)
    source = open_source(str(path))
    source.seek({0: seen})
    assert column(read_all(source), "event_id") == [f"e{i}" for i in range(seen, 20_000)]


def test_a_gzip_damaged_inside_names_the_file(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(json_lines(ROWS * 400)))
    packed[len(packed) // 2 : len(packed) // 2 + 20] = b"\0" * 20
    message = r"bad\.jsonl\.gz: damaged after line \d+: not valid gzip"
    with (
        closing(open_source(write(tmp_path / "bad.jsonl.gz", bytes(packed)))) as source,
        pytest.raises(RiskwaveError, match=message),
    ):
        read_all(source)


def test_gzip_members_one_after_the_other_are_one_file(tmp_path: Path) -> None:
    packed = gzip.compress(json_lines(ROWS[:10])) + gzip.compress(json_lines(ROWS[10:]))
    table = read_all(open_source(write(tmp_path / "two.jsonl.gz", packed)))
    assert column(table, "event_id") == TEXTS["event_id"]


def test_a_byte_order_mark_is_no_part_of_the_first_value(tmp_path: Path) -> None:
    for name, data in (("a.jsonl", json_lines(ROWS)), ("a.csv", csv_text(ROWS))):
        table = read_all(open_source(write(tmp_path / name, b"\xef\xbb\xbf" + data)))
        assert column(table, "event_id") == TEXTS["event_id"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz"])
def test_an_empty_file_has_no_rows(name: str, tmp_path: Path) -> None:
    assert read_all(open_source(write(tmp_path / name, b""))).num_rows == 0


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.xlsx", b"x", "cannot tell what the file holds; expected a name ending in .jsonl"),
        ("a", b"x", "cannot tell what the file holds"),
        ("a.parquet.gz", b"x", "cannot tell what the file holds"),
        ("a.parquet", b"not parquet at all", "damaged or not Parquet"),
        ("a.json", b'\n [{"event_id": 1}]', "one JSON array; expected an object a line"),
        (
            "a.csv",
            b"id,card\n1,2\n",
            "no column 'event_id'; nearest: 'id'|no column 'event_id'; it has id, card",
        ),
        (
            "a.csv",
            b"event_id,event_ts,card,amount_minor,currency\n",
            "no column 'card_id'; nearest: 'card'; map",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_told_at_once(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match=message) as error:
        open_source(write(tmp_path / name, data))
    assert str(tmp_path / name) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match=r"nothing\.csv: no such file or folder"):
        open_source(str(tmp_path / "nothing.csv"))
    with pytest.raises(RiskwaveError, match="the folder has no files"):
        open_source(str(tmp_path))


def test_a_parquet_file_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "cut.parquet"
    data = Path(as_parquet(tmp_path / "whole.parquet")).read_bytes()
    with pytest.raises(RiskwaveError, match=r"cut\.parquet: damaged or not Parquet, at row 0"):
        open_source(write(path, data[:-20]))


def test_the_field_size_limit_fits_the_longest_row() -> None:
    assert csv.field_size_limit() == MAX_ROW_BYTES
