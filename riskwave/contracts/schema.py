"""The other forms of a contract: a typed Arrow schema and a JSON Schema."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel

from riskwave.errors import RiskwaveError

_ARROW: dict[Any, pa.DataType] = {
    str: pa.string(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    # UTC (or local time, where the contract says so) without a zone: both engines compare alike.
    datetime: pa.timestamp("us"),
}


def arrow_schema(contract: type[BaseModel]) -> pa.Schema:
    """Typed Arrow schema of a contract, fields in the contract's order.

    Text is string, whole numbers int64, degrees and scores float64, instants timestamp[us] in UTC without
    a zone, lists list<...>. Only required fields are not null. Raises RiskwaveError for a field type that
    has no Arrow form.
    """
    fields = [
        pa.field(name, _arrow_type(contract, name, info.annotation), nullable=not info.is_required())
        for name, info in contract.model_fields.items()
    ]
    return pa.schema(fields)


def json_schema(contract: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema (2020-12) of a contract's rows, with unit and standard beside each description."""
    schema = contract.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def write_json_schemas(contracts: Mapping[str, type[BaseModel]], folder: Path) -> list[Path]:
    """Writes `<name>.schema.json` for each contract into `folder`, made when missing; gives the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, contract in contracts.items():
        path = folder / f"{name}.schema.json"
        path.write_text(json.dumps(json_schema(contract), indent=2) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _arrow_type(contract: type[BaseModel], name: str, annotation: Any) -> pa.DataType:
    kind = _plain(annotation)
    if get_origin(kind) is list:
        return pa.list_(_arrow_type(contract, name, get_args(kind)[0]))
    if kind not in _ARROW:
        raise RiskwaveError(
            f"contract {contract.__name__}, field {name}: no Arrow type for {kind}; "
            f"use one of {', '.join(t.__name__ for t in _ARROW)} or a list of them"
        )
    return _ARROW[kind]


def _plain(annotation: Any) -> Any:
    """The Python type under Optional, Annotated and Literal."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return _plain(next(a for a in get_args(annotation) if a is not NoneType))
    if origin is Literal:
        return type(get_args(annotation)[0])
    if hasattr(annotation, "__metadata__"):
        return _plain(annotation.__origin__)
    return annotation
