"""The page docs/contracts.md, made from the contracts: `python -m riskwave.contracts.docs` writes it anew."""

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from riskwave.contracts import CONTRACTS, arrow_schema, json_schema
from riskwave.contracts.fields import OWN

#: Where the page is kept.
PAGE = Path(__file__).parents[2] / "docs" / "contracts.md"

_HEAD = """# Contracts

What each stream carries. Made from `riskwave/contracts/` by `python -m riskwave.contracts.docs`: edit those,
not this page.

Every contract gives its rows three more forms: `arrow_schema(contract)` is the typed Arrow schema,
`json_schema(contract)` the JSON Schema, and `contract.model_validate(row)` checks one row. Field names are
taken from ISO 8583, ISO 20022 and EMV 3-D Secure where those have one. Instants are UTC; without an offset
they are taken as UTC. Money is in whole minor units of its currency (cents), never in fractions.

A payment is rejected for what no decision can be made of: a field that is needed and missing, an amount that is no
whole number from 0 to 1,000,000,000,000, a time that is none, before 2000 or more than a day after it was received, a
number where a place is on no map, a card number in place of a token. Any other value is kept as it came, whatever the
column *values* says, for somebody waits for the decision: rules cannot name it, and
`riskwave query sql/unknown_values.sql` lists what came so. Values of profiles, devices and labels are checked.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_section(name, contract) for name, contract in CONTRACTS.items())])


def _section(name: str, contract: type[BaseModel]) -> str:
    properties: dict[str, Any] = json_schema(contract)["properties"]
    types = arrow_schema(contract)
    about = re.sub(r"\s+", " ", contract.__doc__ or "").strip()
    lines = [
        f"## {name}",
        "",
        f"{about}",
        "",
        "| field | type | needed | unit | values | from | what it is |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for field, schema in properties.items():
        arrow = types.field(field)
        cells = (
            f"`{field}`",
            str(arrow.type).replace("<item: ", "<"),
            "" if arrow.nullable else "yes",
            schema.get("unit", ""),
            _values(schema),
            "" if schema["standard"] == OWN else schema["standard"],
            schema["description"],
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _values(schema: dict[str, Any]) -> str:
    """The constraints of a field in a few words."""
    kinds = [s for s in schema.get("anyOf", [schema]) if s.get("type") != "null"]
    told = kinds[0]
    if "enum" in told:
        return ", ".join(f"`{value}`" for value in told["enum"])
    if "pattern" in told:
        return f"`{told['pattern']}`"
    low, high = told.get("minimum"), told.get("maximum")
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"{low:g} or more"
    if "maxLength" in told:
        return f"at most {told['maxLength']} characters"
    return ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
