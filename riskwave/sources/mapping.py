"""A mapping file: how a foreign file's columns become the contract's fields."""

from __future__ import annotations

import re
import zoneinfo
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from riskwave.contracts import Label, Transaction
from riskwave.errors import RiskwaveError
from riskwave.sources.shape import nearest

#: Fields that hold a time, and the form they have in the contract.
TIMES = {"event_ts": "utc", "arrived_at": "utc", "local_ts": "local", "card_expiry": "YYMM"}
#: Amounts, and the fields in which their currency is looked for.
AMOUNTS = {"amount_minor": ("currency",), "billing_amount_minor": ("billing_currency", "currency")}

_DELAY = re.compile(r"(\d+) *(second|minute|hour|day)s?")


class FieldMapping(BaseModel):
    """Where one field comes from, and what is done to it: values, then unit or time_format, then prefix."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    column: str | None = Field(None, alias="from")
    constant: str | None = None
    values: dict[str, str] = {}
    unit: Literal["minor", "major"] = "minor"
    time_format: str | None = None
    timezone: str | None = None
    delay: timedelta = timedelta(0)
    prefix: str = ""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        """`card_id: card` is short for `card_id: {from: card}`."""
        return {"from": given} if isinstance(given, str) else given

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            if name is not None:
                zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {name!r}; expected one like Europe/Madrid") from error
        return name

    @field_validator("delay", mode="before")
    @classmethod
    def _as_delay(cls, text: Any) -> Any:
        if not isinstance(text, str):
            return text
        found = _DELAY.fullmatch(text.strip())
        if not found:
            raise ValueError(f"{text!r} is not a delay; expected one like 7 days")
        return timedelta(**{f"{found[2]}s": int(found[1])})

    @model_validator(mode="after")
    def _one_origin(self) -> FieldMapping:
        if (self.column is None) == (self.constant is None):
            raise ValueError("expected either `from: column` or `constant: value`")
        return self


class Mapping(BaseModel):
    """A mapping file: `fields` of a payment and, when the file holds verdicts too, those of its `label`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: dict[str, FieldMapping]
    label: dict[str, FieldMapping] | None = None
    where: str = Field("mapping", exclude=True)

    @field_validator("fields")
    @classmethod
    def _payment(cls, fields: dict[str, FieldMapping]) -> dict[str, FieldMapping]:
        return _checked(fields, Transaction)

    @model_validator(mode="after")
    def _label(self) -> Mapping:
        if self.label is not None:
            # The label is of the same event unless it says otherwise.
            self.label.setdefault("event_id", self.fields["event_id"])
            _checked(self.label, Label, "label.")
        return self


def load_mapping(path: str | Path) -> Mapping:
    """The mapping in a YAML file. RiskwaveError naming file, key and nearest valid name for a fault in it."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        # All scalars stay the texts they are written as: True, 0012 and 1.50 are what the file's rows say.
        given = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a BaseLoader makes texts only
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RiskwaveError(f"{path}: the mapping cannot be read: {reason}") from error
    except yaml.YAMLError as error:
        raise RiskwaveError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(given, dict):
        raise RiskwaveError(f"{path}: expected `fields:` with a line for each field of the contract")
    try:
        return Mapping.model_validate({**given, "where": str(path)})
    except ValidationError as error:
        raise RiskwaveError(f"{path}: {_explain(error)}") from error


class _UniqueKeys(yaml.BaseLoader):
    """A loader that does not let a second key replace the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.MarkedYAMLError(problem=f"{key.value} is given twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def _checked(
    fields: dict[str, FieldMapping], contract: type[BaseModel], prefix: str = "fields."
) -> dict[str, FieldMapping]:
    known = contract.model_fields
    for name, field in fields.items():
        key = f"{prefix}{name}"
        if name not in known:
            raise ValueError(f"{key} is no field of the contract{nearest(name, tuple(known))}")
        if field.time_format is not None and name not in TIMES:
            raise ValueError(f"{key}.time_format: only for times ({', '.join(TIMES)})")
        if (field.timezone is not None or field.delay) and TIMES.get(name) != "utc":
            raise ValueError(f"{key}: timezone and delay are only for instants (event_ts, arrived_at)")
        if field.unit == "major" and name not in AMOUNTS:
            raise ValueError(f"{key}.unit: only for amounts ({', '.join(AMOUNTS)})")
    missing = [name for name, info in known.items() if info.is_required() and name not in fields]
    if missing:
        raise ValueError(f"{prefix}{missing[0]} is missing: the contract requires it")
    for name, currencies in AMOUNTS.items():
        if name in fields and fields[name].unit == "major" and not set(currencies) & set(fields):
            raise ValueError(f"{prefix}{currencies[0]} is missing: {name} is in major units of it")
    return fields


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        names = ["fields", "label"] if len(first["loc"]) == 1 else _KEYS
        return f"{where}: unknown key{nearest(str(first['loc'][-1]), names)}"
    if first["type"] == "missing":
        return f"{where}: is missing"
    message = first["msg"].removeprefix("Value error, ")
    return message if message.startswith(("fields.", "label.")) else f"{where}: {message}"


_KEYS = [info.alias or name for name, info in FieldMapping.model_fields.items()]
