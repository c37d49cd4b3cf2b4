"""Field types and the one helper with which every contract declares a field."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

#: Where a field without a standard of its own comes from.
OWN = "riskwave"


def _utc_naive(value: datetime) -> datetime:
    """Instants are kept as UTC without an offset; a value without an offset is taken as UTC."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def _drop_offset(value: datetime) -> datetime:
    return value.replace(tzinfo=None)


UtcTimestamp = Annotated[datetime, AfterValidator(_utc_naive)]
LocalTimestamp = Annotated[datetime, AfterValidator(_drop_offset)]


class Contract(BaseModel):
    """A row of one stream: frozen, and without fields the contract does not name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def required(description: str, *, unit: str = "", standard: str = OWN, **constraints: Any) -> Any:
    """A field every row must have; `standard` names the data element it comes from."""
    return Field(description=description, json_schema_extra=_extra(unit, standard), **constraints)


def optional(description: str, *, unit: str = "", standard: str = OWN, **constraints: Any) -> Any:
    """A field that may be missing or null."""
    return Field(None, description=description, json_schema_extra=_extra(unit, standard), **constraints)


def _extra(unit: str, standard: str) -> dict[str, Any]:
    return {"unit": unit, "standard": standard}


# Constraints that several contracts share. Patterns are anchored: pydantic searches.
COUNTRY: dict[str, Any] = {"pattern": r"^[A-Z]{2}$"}
CURRENCY: dict[str, Any] = {"pattern": r"^[A-Z]{3}$"}
LATITUDE: dict[str, Any] = {"ge": -90, "le": 90, "allow_inf_nan": False}
LONGITUDE: dict[str, Any] = {"ge": -180, "le": 180, "allow_inf_nan": False}
IDENTIFIER: dict[str, Any] = {"min_length": 1, "max_length": 128}
COUNTED: dict[str, Any] = {"ge": 0}
