import gzip
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskwave.contracts import CardProfile, Device, Label, arrow_schema
from riskwave.errors import RiskwaveError
from riskwave.sources import read_table
from tests.sources.tables import csv_text, json_lines, write

PROFILE = {
    "card_id": "card-1",
    "valid_from": "2026-01-01T00:00:00Z",
    "risk_class": "low",
    "home_country": "ES",
    "home_latitude": 40.4,
    "single_limit_minor": 50000,
    "travels_abroad": True,
}
LABELS: list[dict[str, Any]] = [
    {"event_id": "e1", "verdict": "fraud", "arrived_at": "2026-03-01T10:00:00+02:00"},
    {"event_id": "e2", "verdict": "legitimate", "arrived_at": "2026-03-01 10:00:00.1234567"},
]


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "csv", "parquet", "folder"])
def test_every_format_gives_the_contracts_types(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"profiles.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist([PROFILE]), path)
    elif kind == "folder":
        path.mkdir()
        write(path / "a.jsonl", json_lines([PROFILE]))
        write(path / "b.csv", csv_text([PROFILE]))
    else:
        data = csv_text([PROFILE]) if kind == "csv" else json_lines([PROFILE])
        write(path, gzip.compress(data) if kind.endswith("gz") else data)
    table = read_table(str(path), CardProfile)
    assert table.schema == arrow_schema(CardProfile)
    assert table.num_rows == (2 if kind == "folder" else 1)
    row = table.to_pylist()[0]
    assert {name: row[name] for name in PROFILE} == {**PROFILE, "valid_from": datetime(2026, 1, 1)}
    assert row["segment"] is None


def test_times_are_utc_whatever_their_offset(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "labels.jsonl", json_lines(LABELS)), Label)
    assert table.column("arrived_at").to_pylist() == [
        datetime(2026, 3, 1, 8),
        datetime(2026, 3, 1, 10, 0, 0, 123456),
    ]


def test_typed_parquet_keeps_its_times_and_numbers(tmp_path: Path) -> None:
    when = datetime(2026, 3, 1, 10, 0, 0, 5)
    typed = pa.table(
        {
            "device_id": ["d1"],
            "valid_from": pa.array([when], pa.timestamp("us")),
            "timezone_offset_minutes": pa.array([60], pa.int16()),
            "is_rooted": [False],
        }
    )
    pq.write_table(typed, tmp_path / "devices.parquet")
    row = read_table(str(tmp_path / "devices.parquet"), Device).to_pylist()[0]
    assert (row["valid_from"], row["timezone_offset_minutes"], row["is_rooted"]) == (when, 60, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"risk_class": "huge"}, "row 3: risk_class: 'huge': Input should be 'low', 'medium' or 'high'"),
        ({"valid_from": "yesterday"}, "row 3: valid_from: 'yesterday': "),
        ({"valid_from": ""}, "row 3: valid_from is missing, the contract requires it"),
        ({"card_id": None}, "row 3: card_id is missing, the contract requires it"),
        ({"single_limit_minor": "12.5"}, "row 3: single_limit_minor: '12.5': "),
        (
            {"single_limit_minor": -1},
            "row 3: single_limit_minor: '-1': Input should be greater than or equal to 0",
        ),
        ({"home_latitude": 91}, "row 3: home_latitude: '91': Input should be less than or equal to 90"),
        ({"home_latitude": "nan"}, "row 3: home_latitude: 'nan': Input should be a finite number"),
        ({"home_country": "Spain"}, "row 3: home_country: 'Spain': "),
        ({"travels_abroad": "perhaps"}, "row 3: travels_abroad: 'perhaps': "),
        ({"card_id": "c" * 129}, "String should have at most 128 characters"),
    ],
)
def test_a_value_the_contract_does_not_allow_names_row_and_column(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "profiles.jsonl", json_lines([PROFILE, PROFILE, {**PROFILE, **change}]))
    with pytest.raises(RiskwaveError) as error:
        read_table(file, CardProfile)
    assert message in str(error.value)
    assert str(error.value).startswith(file)
    assert "\n" not in str(error.value)


def test_a_required_column_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match="no column 'valid_from'; nearest: 'valid_form'"):
        read_table(write(tmp_path / "p.csv", b"card_id,valid_form\n1,2\n"), CardProfile)


def test_a_line_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match=r"p\.jsonl: row 2: not valid JSON"):
        read_table(write(tmp_path / "p.jsonl", json_lines([PROFILE]) + b"oops\n"), CardProfile)


def test_an_empty_file_is_an_empty_table(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "labels.jsonl", b""), Label)
    assert (table.num_rows, table.schema) == (0, arrow_schema(Label))


def test_a_postgresql_table(postgres_server: str) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute('create schema "risk data"')
        connection.execute(
            'create table "risk data".card_profiles (card_id text, valid_from timestamptz, risk_class text, '
            "home_latitude numeric, single_limit_minor int, travels_abroad bool, surplus jsonb)"
        )
        connection.execute(
            """insert into "risk data".card_profiles
            select 'card-' || i, '2026-01-01 01:00:00.000001+01', 'low', 40.25, i, i % 2 = 0, '{}'
            from generate_series(1, 20000) i"""
        )
    table = read_table(f"{postgres_server}?table=risk data.card_profiles", CardProfile)
    assert table.schema == arrow_schema(CardProfile)
    assert table.num_rows == 20_000
    rows = {row["card_id"]: row for row in table.to_pylist()}
    row = rows["card-2"]
    assert (row["valid_from"], row["home_latitude"]) == (datetime(2026, 1, 1, 0, 0, 0, 1), 40.25)
    assert (row["single_limit_minor"], row["travels_abroad"], row["segment"]) == (2, True, None)


def test_postgresql_faults_are_one_line(postgres_server: str) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("create table bad_labels (event_id text, verdict text, arrived_at text)")
        connection.execute("insert into bad_labels values ('e1', 'fraud', 'now'), ('e2', 'fraud', 'x')")
    for uri, message in (
        (postgres_server, r"which table\? Add \?table=schema\.name"),
        (
            f"{postgres_server}?table=nothing",
            'table nothing cannot be read: relation "nothing" does not exist',
        ),
        (f"{postgres_server}?table=bad_labels", r"table bad_labels: row 1: arrived_at: 'now'"),
        (
            "postgresql://me:secret@127.0.0.1:1/db?table=t",
            r"127\.0\.0\.1:1/db: table t cannot be read: .*refused",
        ),
    ):
        with pytest.raises(RiskwaveError, match=message) as error:
            read_table(uri, Label)
        assert "\n" not in str(error.value)
        assert "secret" not in str(error.value)
