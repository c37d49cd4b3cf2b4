from pathlib import Path
from typing import Any

import pytest

from riskwave.errors import RiskwaveError
from riskwave.sources import Mapping, load_mapping, open_source, read_labels
from riskwave.sources.batch import FIELDS
from tests.sources.tables import column, json_lines, read_all, write

REQUIRED = """
fields:
  event_id: id
  event_ts: at
  card_id: {from: card, prefix: card-}
  amount_minor: {from: amount, unit: major}
  currency: currency
"""
CSV_HEADER = "id,at,card,amount,currency,chip\n"


def mapping(tmp_path: Path, text: str = REQUIRED) -> Mapping:
    path = tmp_path / "bank.mapping.yml"
    path.write_text(text)
    return load_mapping(path)


def mapped(tmp_path: Path, more: str, *rows: str) -> dict[str, list[str | None]]:
    file = write(tmp_path / "bank.csv", (CSV_HEADER + "\n".join(rows)).encode())
    table = read_all(open_source(file, mapping=mapping(tmp_path, REQUIRED + more)))
    return {name: column(table, name) for name in (*FIELDS, "decode_error")}


def test_rename_constant_prefix_and_values(tmp_path: Path) -> None:
    got = mapped(
        tmp_path,
        """
  message_type: {constant: 0100}
  entry_mode: {from: chip, values: {True: chip, False: ecommerce}}
""",
        "1,2026-03-01T10:00:00Z,77,1.5,EUR,True",
        "2,2026-03-01T10:00:00Z,,1.5,EUR,false",
        "3,2026-03-01T10:00:00Z,78,1.5,EUR,other",
    )
    assert got["event_id"] == ["1", "2", "3"]
    assert got["card_id"] == ["card-77", None, "card-78"]
    assert got["message_type"] == ["0100"] * 3
    assert got["entry_mode"] == ["chip", "ecommerce", "other"]
    assert got["merchant_id"] == [None] * 3


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", "EUR", "1234"),
        ("0.1", "USD", "10"),
        ("1.10", "USD", "110"),
        ("4.35", "GBP", "435"),  # 434.99999999999994 as a float
        ("90071992547409.93", "EUR", "9007199254740993"),  # beyond what a float holds
        ("500", "JPY", "500"),
        ("1.2345", "BHD", None),
        ("1.234", "BHD", "1234"),
        ("-3", "EUR", "-300"),
        ("1e2", "EUR", "10000"),
    ],
)
def test_major_units_become_minor_exactly(amount: str, currency: str, minor: str | None, tmp_path: Path) -> None:
    got = mapped(tmp_path, "", f"1,2026-03-01,7,{amount},{currency},")
    assert got["amount_minor"] == [minor]
    assert (got["decode_error"] == [None]) == (minor is not None)


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [
        ("12.345", "EUR", "amount_minor: '12.345': more than the 2 decimals of EUR"),
        ("NaN", "EUR", "amount_minor: 'NaN': not an amount"),
        ("1e999999999", "EUR", "amount_minor: '1e999999999': not an amount"),
        ("twelve", "EUR", "amount_minor: 'twelve': not an amount"),
        ("12", "XXZ", "amount_minor: '12': currency XXZ has no number of decimals in ISO 4217"),
        ("12", "", "amount_minor: '12': currency None has no number of decimals in ISO 4217"),
    ],
)
def test_an_amount_that_is_none_is_a_rejected_row(amount: str, currency: str, reason: str, tmp_path: Path) -> None:
    got = mapped(tmp_path, "", f"1,2026-03-01,7,{amount},{currency},", "2,2026-03-01,7,1,EUR,")
    assert got["decode_error"] == [reason, None]
    assert got["amount_minor"] == [None, "100"]


@pytest.mark.parametrize(
    ("given", "written", "expected"),
    [
        ("{from: at, time_format: '%d/%m/%Y %H:%M'}", "01/03/2026 10:05", "2026-03-01T10:05:00"),
        ("{from: at, timezone: Europe/Madrid}", "2026-07-01 10:05:00", "2026-07-01T08:05:00"),
        ("{from: at, timezone: Europe/Madrid}", "2026-07-01T10:05:00Z", "2026-07-01T10:05:00"),
        (
            "{from: at, time_format: '%Y%m%d%H%M%S', timezone: Asia/Tokyo}",
            "20260301000000",
            "2026-02-28T15:00:00",
        ),
        ("{from: at, time_format: '%Y-%m-%d %H:%M %z'}", "2026-03-01 10:05 +0200", "2026-03-01T08:05:00"),
        ("{from: at, time_format: epoch_seconds}", "1772359200.5", "2026-03-01T10:00:00.500000"),
        ("{from: at, time_format: epoch_milliseconds}", "1772359200001", "2026-03-01T10:00:00.001000"),
        ("{from: at, time_format: '%d/%m/%Y'}", "31/02/2026", None),
        ("{from: at, time_format: epoch_seconds}", "1e30", None),
        ("{from: at, time_format: epoch_seconds}", "soon", None),
    ],
)
def test_times(given: str, written: str, expected: str | None, tmp_path: Path) -> None:
    text = REQUIRED.replace("event_ts: at", f"event_ts: {given}")
    file = write(tmp_path / "bank.csv", f"{CSV_HEADER}1,{written},7,1,EUR,\n".encode())
    table = read_all(open_source(file, mapping=mapping(tmp_path, text)))
    assert column(table, "event_ts") == [expected]
    assert (column(table, "decode_error")[0] is None) == (expected is not None)


def test_an_expiry_date_becomes_yymm(tmp_path: Path) -> None:
    more = "  card_expiry: {from: chip, time_format: '%m/%y'}\n"
    assert mapped(tmp_path, more, "1,2026-03-01,7,1,EUR,08/24")["card_expiry"] == ["2408"]


def test_json_messages_are_mapped_too(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "at": "2026-03-01", "card": 7, "amount": 12.5, "currency": "EUR"},
        {"id": 2},
    ]
    file = write(tmp_path / "bank.jsonl", json_lines(rows) + b"not json\n")
    table = read_all(open_source(file, mapping=mapping(tmp_path)))
    assert column(table, "amount_minor") == ["1250", None, None]
    assert column(table, "card_id") == ["card-7", None, None]
    assert [error is None for error in column(table, "decode_error")] == [True, True, False]


@pytest.mark.parametrize("name", ["bank.csv", "bank.parquet"])
def test_a_column_the_file_lacks(name: str, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if name.endswith("csv"):
        write(tmp_path / name, b"id,at,card_no,amount,currency\n1,2026,3,4,EUR\n")
    else:
        pq.write_table(pa.table({n: ["1"] for n in ("id", "at", "card_no", "amount", "currency")}), tmp_path / name)
    with pytest.raises(RiskwaveError) as error:
        open_source(str(tmp_path / name), mapping=mapping(tmp_path))
    assert str(error.value) == (
        f"{tmp_path / name}: no column 'card', from which {tmp_path / 'bank.mapping.yml'} takes card_id"
        "; nearest: 'card_no'"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            REQUIRED + "  merchant: shop\n",
            "fields.merchant is no field of the contract; nearest: 'merchant_id'",
        ),
        (REQUIRED + "  mcc: {form: x}\n", "fields.mcc.form: unknown key; nearest: 'from'"),
        (
            REQUIRED + "  mcc: {prefix: x}\n",
            "fields.mcc: expected either `from: column` or `constant: value`",
        ),
        (REQUIRED + "  mcc: {from: a, constant: b}\n", "fields.mcc: expected either"),
        (REQUIRED + "  mcc: {from: a, unit: major}\n", "fields.mcc.unit: only for amounts"),
        (REQUIRED + "  mcc: {from: a, unit: minro}\n", "fields.mcc.unit: Input should be 'minor' or 'major'"),
        (REQUIRED + "  mcc: {from: a, time_format: '%Y'}\n", "fields.mcc.time_format: only for times"),
        (
            REQUIRED + "  local_ts: {from: a, timezone: Europe/Madrid}\n",
            "timezone and delay are only for instants",
        ),
        (
            REQUIRED.replace("  event_ts: at", "  event_ts: {from: at, timezone: Mars}"),
            "unknown time zone 'Mars'",
        ),
        (
            REQUIRED.replace("  currency: currency\n", ""),
            "fields.currency is missing: the contract requires it",
        ),
        (REQUIRED + "  mcc: a\n  mcc: b\n", "mcc is given twice"),
        (REQUIRED + "labels:\n  verdict: x\n", "labels: unknown key; nearest: 'label'"),
        (REQUIRED + "label:\n  verdict: x\n", "label.arrived_at is missing: the contract requires it"),
        (REQUIRED + "label:\n  verdict: x\n  arrived_at: {from: at, delay: soon}\n", "'soon' is not a delay"),
        ("fields: [a]\n", "fields: Input should be a valid dictionary"),
        ("- a\n", "expected `fields:`"),
        ("fields: {a: [\n", "not valid YAML"),
        ("", "expected `fields:`"),
    ],
)
def test_a_fault_in_the_mapping_names_file_and_key(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError) as error:
        mapping(tmp_path, text)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "bank.mapping.yml"))
    assert "\n" not in str(error.value)


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match=r"none\.yml: the mapping cannot be read"):
        load_mapping(tmp_path / "none.yml")


LABEL = """
label:
  verdict: {from: chip, values: {True: fraud, False: legitimate}}
  arrived_at: {from: at, delay: 7 days}
  source: {constant: chargeback}
"""


def test_labels_are_read_from_the_same_file(tmp_path: Path) -> None:
    rows = [
        "1,2026-03-01T10:00:00Z,7,1,EUR,True",
        "bad",
        ",2026-03-01,7,1,EUR,True",
        "2,2026-03-02,7,1,EUR,False",
    ]
    file = write(tmp_path / "bank.csv", (CSV_HEADER + "\n".join(rows)).encode())
    labels = read_labels(file, mapping(tmp_path, REQUIRED + LABEL))
    assert [(r["event_id"], r["verdict"], str(r["arrived_at"]), r["source"]) for r in labels.to_pylist()] == [
        ("1", "fraud", "2026-03-08 10:00:00", "chargeback"),
        ("2", "legitimate", "2026-03-09 00:00:00", "chargeback"),
    ]


def test_a_verdict_that_is_none_names_the_row(tmp_path: Path) -> None:
    rows = ["1,2026-03-01,7,1,EUR,True", "2,2026-03-01,7,1,EUR,perhaps"]
    file = write(tmp_path / "bank.csv", (CSV_HEADER + "\n".join(rows)).encode())
    with pytest.raises(RiskwaveError, match=r"bank\.csv: row 2: verdict: 'perhaps': .*'fraud' or 'legitimate'"):
        read_labels(file, mapping(tmp_path, REQUIRED + LABEL))


def test_a_mapping_without_labels_gives_none(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match="no `label:` section"):
        read_labels("bank.csv", mapping(tmp_path))


def test_the_sample_mapping_reads_the_sample(sample_transactions: Path) -> None:
    sample = load_mapping(Path(__file__).parents[2] / "examples" / "fraud_transactions.mapping.yml")
    table = read_all(open_source(str(sample_transactions), mapping=sample), max_rows=20_000)
    assert table.num_rows == 99_992
    assert table.column("decode_error").null_count == 99_992
    for name in ("event_id", "event_ts", "card_id", "amount_minor", "currency", "card_expiry"):
        assert table.column(name).null_count == 0
    assert set(table.column("card_scheme").unique().to_pylist()) == {
        "amex",
        "diners",
        "discover",
        "jcb",
        "maestro",
        "mastercard",
        "visa",
    }
    assert set(table.column("entry_mode").unique().to_pylist()) == {"chip", "ecommerce"}
    labels = read_labels(str(sample_transactions), sample)
    assert column(labels, "verdict").count("fraud") == 15_179
    assert labels.column("event_id").equals(table.column("event_id"))
