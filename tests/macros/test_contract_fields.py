"""macros/risingwave/contract_fields.sql says what the contracts say."""

from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
import pytest

from riskwave.contracts import CONTRACTS, arrow_schema

MACRO = Path(__file__).parents[2] / "macros" / "risingwave" / "contract_fields.sql"
KINDS = {
    pa.string(): "text",
    pa.int64(): "integer",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.timestamp("us"): "timestamp",
}


def _said(contract: str) -> dict[str, Any]:
    returned: list[dict[str, Any]] = []
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - it renders SQL
    environment.globals["return"] = returned.append
    environment.from_string(MACRO.read_text()).module.contract_fields(contract)  # type: ignore[attr-defined]
    return returned[0]


@pytest.mark.parametrize("contract", ["label", "card_profile", "device"])
def test_fields_types_and_required_are_the_contract_s(contract: str) -> None:
    schema = arrow_schema(CONTRACTS[contract])
    said = _said(contract)
    assert said["types"] == {field.name: KINDS[field.type] for field in schema}
    assert said["required"] == [field.name for field in schema if not field.nullable]
