import hashlib
import json
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from riskwave.contracts import Label, Transaction, arrow_schema
from riskwave.errors import RiskwaveError
from riskwave.simulator import SimulatedBank, simulate
from riskwave.simulator.write import write
from riskwave.sources.batch import FIELDS


@pytest.fixture(scope="module")
def small() -> SimulatedBank:
    return simulate(3000, 2, malformed=0.02, duplicates=0.01)


def test_four_files_of_the_format(tmp_path: Path) -> None:
    bank = simulate(500, 1)
    for format_ in ("parquet", "jsonl", "csv"):
        paths = write(bank, tmp_path / "deep" / format_, format_)
        names = [path.name for path in paths]
        assert names == [f"{name}.{format_}" for name in ("transactions", "profiles", "devices", "labels")]
        assert all(path.stat().st_size > 0 for path in paths)


def test_parquet_is_typed(tmp_path: Path) -> None:
    bank = simulate(500, 1)
    write(bank, tmp_path)
    assert pq.read_table(tmp_path / "transactions.parquet").equals(bank.transactions)
    assert pq.read_schema(tmp_path / "transactions.parquet") == arrow_schema(Transaction)
    assert pq.read_schema(tmp_path / "labels.parquet") == arrow_schema(Label)


def test_parquet_with_malformed_rows_is_text_and_bytes(small: SimulatedBank, tmp_path: Path) -> None:
    write(small, tmp_path)
    table = pq.read_table(tmp_path / "transactions.parquet")
    assert table.column_names == [*FIELDS, "raw"]
    assert {str(kind) for kind in table.schema.types} == {"string", "binary"}
    assert len(table) == len(small.arrivals)
    assert "NaN" in table["amount_minor"].to_pylist()


def test_json_lines_are_the_bytes_that_arrived(small: SimulatedBank, tmp_path: Path) -> None:
    write(small, tmp_path, "jsonl")
    lines = (tmp_path / "transactions.jsonl").read_bytes().splitlines()
    assert lines == small.arrivals.rows(0, len(small.arrivals))["raw"].to_pylist()
    first = json.loads(lines[0])
    assert isinstance(first["amount_minor"], int)
    assert Transaction.model_validate(first).event_id == first["event_id"]


def test_csv_reads_back(tmp_path: Path) -> None:
    bank = simulate(500, 1)
    write(bank, tmp_path, "csv")
    back = pa_csv.read_csv(tmp_path / "transactions.csv")
    assert back.column_names == list(FIELDS)
    assert back["amount_minor"].to_pylist() == bank.transactions["amount_minor"].to_pylist()


def test_malformed_csv_has_a_line_a_row(small: SimulatedBank, tmp_path: Path) -> None:
    write(small, tmp_path, "csv")
    lines = (tmp_path / "transactions.csv").read_bytes().splitlines()
    assert len(lines) == 1 + len(small.arrivals)
    assert b"502 Bad Gateway" in lines
    assert b"\xff\xfe" in lines


@pytest.mark.parametrize("format_", ["parquet", "jsonl", "csv"])
def test_same_bank_same_files(format_: str, tmp_path: Path) -> None:
    sums = []
    for folder in ("a", "b"):
        bank = simulate(2000, 4, late=0.02, duplicates=0.01, out_of_order=0.05, malformed=0.01)
        paths = write(bank, tmp_path / folder, format_)  # type: ignore[arg-type]
        sums.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
    assert sums[0] == sums[1]


def test_unknown_format_is_named(small: SimulatedBank, tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match="'xml' is unknown; give one of parquet, jsonl, csv"):
        write(small, tmp_path, "xml")  # type: ignore[arg-type]


def test_folder_that_cannot_be_written_is_named(small: SimulatedBank, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RiskwaveError, match=r"file.*cannot write"):
        write(small, tmp_path / "file")
