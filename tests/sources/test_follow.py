from contextlib import closing
from pathlib import Path

import pytest

from riskwave.errors import RiskwaveError
from riskwave.sources import Source, open_source
from tests.sources.tables import column, json_lines, payment

ROWS = [payment(i) for i in range(6)]
LINES = json_lines(ROWS).splitlines(keepends=True)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def ids(source: Source, max_rows: int = 100) -> list[str | None]:
    table = source.poll(max_rows, 0)
    assert table is not None
    return column(table, "event_id")


def test_lines_come_as_they_are_appended_and_half_a_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "payments.log"
    path.write_bytes(b"")
    with closing(open_source(str(path), follow=True)) as source:
        assert not source.bounded
        source.seek({})
        assert ids(source) == []
        append(path, LINES[0] + LINES[1] + LINES[2][:10])
        assert ids(source) == ["e0", "e1"]
        assert ids(source) == []
        append(path, LINES[2][10:] + b"not json\n")
        table = source.poll(100, 0)
        assert table is not None
        assert column(table, "event_id") == ["e2", None]
        assert column(table, "source_offset") == [2, 3]


def test_no_more_rows_than_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "payments.jsonl"
    path.write_bytes(b"".join(LINES))
    with closing(open_source(str(path), follow=True)) as source:
        assert [ids(source, 4), ids(source, 4), ids(source, 4)] == [["e0", "e1", "e2", "e3"], ["e4", "e5"], []]


def test_a_csv_log_waits_for_its_header_and_for_open_quotes(tmp_path: Path) -> None:
    path = tmp_path / "payments.csv"
    path.write_bytes(b"event_id,event_ts,card_id,amount_min")
    with closing(open_source(str(path), follow=True)) as source:
        source.seek({})
        assert ids(source) == []
        append(path, b'or,currency\ne1,2026-03-01,c,1,EUR\n"e2,')
        assert ids(source) == ["e1"]
        append(path, b'\nmore",2026-03-01,c,1,EUR\n')
        assert ids(source) == ["e2,\nmore"]


def test_reading_goes_on_at_the_line_the_state_says(tmp_path: Path) -> None:
    path = tmp_path / "payments.log"
    path.write_bytes(b"".join(LINES[:4]))
    with closing(open_source(str(path), follow=True)) as source:
        source.seek({0: 3})
        append(path, LINES[4])
        assert ids(source) == ["e3", "e4"]


@pytest.mark.parametrize("held", [b"", LINES[0]])
def test_a_log_shorter_than_the_state_says(held: bytes, tmp_path: Path) -> None:
    path = tmp_path / "payments.log"
    path.write_bytes(held)
    with (
        closing(open_source(str(path), follow=True)) as source,
        pytest.raises(RiskwaveError, match=r"has \d lines, but the state has read 3; was the log cut or replaced"),
    ):
        source.seek({0: 3})


def test_a_rotated_log_is_read_to_its_end_and_then_told(tmp_path: Path) -> None:
    path = tmp_path / "payments.log"
    path.write_bytes(LINES[0])
    with closing(open_source(str(path), follow=True)) as source:
        assert ids(source) == ["e0"]
        append(path, LINES[1])
        path.rename(tmp_path / "payments.log.1")
        path.write_bytes(LINES[2])
        assert ids(source) == ["e1"]
        with pytest.raises(RiskwaveError, match=r"payments\.log: the file was replaced by another \(rotated\)"):
            source.poll(10, 0)


@pytest.mark.parametrize("after", [b"", LINES[3], b"".join(LINES[3:]) * 9])
def test_a_log_that_is_cut_is_told_however_much_it_holds_then(after: bytes, tmp_path: Path) -> None:
    path = tmp_path / "payments.log"
    path.write_bytes(b"".join(LINES[:3]))
    with closing(open_source(str(path), follow=True)) as source:
        assert ids(source) == ["e0", "e1", "e2"]
        path.write_bytes(after)
        with pytest.raises(RiskwaveError, match=r"was cut \(truncated\) while it was followed"):
            for _ in range(2):
                source.poll(10, 0)


def test_a_log_that_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "payments.log"
    path.write_bytes(LINES[0])
    with closing(open_source(str(path), follow=True)) as source:
        assert ids(source) == ["e0"]
        path.unlink()
        with pytest.raises(RiskwaveError, match="the file was removed while it was followed"):
            source.poll(10, 0)


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl.gz", "a.xlsx", "."])
def test_what_cannot_be_followed(name: str, tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match="only a plain JSON lines or CSV file can be followed"):
        open_source(str(tmp_path / name), follow=True)


def test_a_log_with_foreign_columns(tmp_path: Path) -> None:
    path = tmp_path / "payments.csv"
    path.write_bytes(b"id,card\n")
    with closing(open_source(str(path), follow=True)) as source, pytest.raises(RiskwaveError, match="no column"):
        source.poll(1, 0)
