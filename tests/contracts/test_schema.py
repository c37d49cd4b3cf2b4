import json
from datetime import date
from pathlib import Path

import jsonschema
import pyarrow as pa
import pytest
from pydantic import BaseModel

from riskwave.contracts import (
    CONTRACTS,
    Contract,
    Decision,
    Transaction,
    arrow_schema,
    json_schema,
    write_json_schemas,
)
from riskwave.errors import RiskwaveError


@pytest.mark.parametrize("contract", CONTRACTS.values())
def test_arrow_schema_keeps_the_contract_s_order(contract: type[Contract]) -> None:
    assert arrow_schema(contract).names == list(contract.model_fields)


def test_arrow_types_are_those_of_the_fields() -> None:
    schema = arrow_schema(Transaction)
    assert schema.field("event_id").type == pa.string()
    assert schema.field("event_ts").type == pa.timestamp("us")
    assert schema.field("local_ts").type == pa.timestamp("us")
    assert schema.field("amount_minor").type == pa.int64()
    assert schema.field("latitude").type == pa.float64()
    assert schema.field("is_recurring").type == pa.bool_()
    assert schema.field("entry_mode").type == pa.string()
    assert arrow_schema(Decision).field("rule_ids").type == pa.list_(pa.string())


def test_only_needed_fields_are_not_null() -> None:
    needed = {field.name for field in arrow_schema(Transaction) if not field.nullable}
    assert needed == {"event_id", "event_ts", "card_id", "amount_minor", "currency"}


def test_field_without_an_arrow_type_is_named() -> None:
    class Odd(BaseModel):
        day: date

    with pytest.raises(RiskwaveError, match="Odd, field day"):
        arrow_schema(Odd)


@pytest.mark.parametrize("contract", CONTRACTS.values())
def test_json_schema_is_one(contract: type[Contract]) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(contract))


def test_json_schema_takes_a_payment_and_refuses_a_negative_amount() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(Transaction))
    row = {
        "event_id": "e",
        "event_ts": "2026-01-01T00:00:00Z",
        "card_id": "c",
        "amount_minor": 1,
        "currency": "EUR",
    }
    assert validator.is_valid(row)
    assert not validator.is_valid({**row, "amount_minor": -1})
    assert not validator.is_valid({**row, "colour": "red"})


def test_json_schemas_are_written(tmp_path: Path) -> None:
    paths = write_json_schemas(CONTRACTS, tmp_path / "schemas")
    assert [path.name for path in paths] == [f"{name}.schema.json" for name in CONTRACTS]
    assert json.loads(paths[0].read_text(encoding="utf-8")) == json_schema(Transaction)
