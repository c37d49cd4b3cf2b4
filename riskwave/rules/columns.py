"""What a rule may name: the columns of decision_input, and what the scoring step adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

import yaml

from riskwave.contracts import CardProfile, Device, Transaction
from riskwave.errors import RiskwaveError
from riskwave.project import project_dir

Kind = Literal["text", "integer", "number", "boolean", "timestamp"]

_KINDS: dict[str, Kind] = {
    "varchar": "text",
    "bigint": "integer",
    "integer": "integer",
    "double": "number",
    "boolean": "boolean",
    "timestamp": "timestamp",
}
#: What values of a unit lie between; amounts and differences are not bounded.
_BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("payments", "merchants", "categories", "countries", "cards", "km", "km/h"), (0.0, float("inf"))),
    "payments a day": (0.0, float("inf")),
    "share": (0.0, 1.0),
    "score": (0.0, 1.0),
    "hours": (0.0, 23.0),
    "degrees": (-180.0, 180.0),
}


@dataclass(frozen=True)
class RuleColumn:
    """A column of the relation that rules read.

    type: DuckDB's, in lower case; kind: what the language makes of it; low, high: what its values lie between;
    values: all that a text may be, where the contract lists them.
    """

    name: str
    type: str
    unit: str
    description: str
    low: float = float("-inf")
    high: float = float("inf")
    values: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """The type in the language of rules."""
        return _KINDS[self.type]


#: Written by the scoring step; NULL without a model.
MODEL_COLUMNS = (
    RuleColumn("model_score", "double", "score", "Score of the model, 0 to 1; NULL without one", 0.0, 1.0),
    RuleColumn("model_version", "varchar", "id", "Model and version behind model_score"),
    RuleColumn("degraded", "boolean", "flag", "Whether a model was to score the event and could not"),
)


@cache
def rule_columns() -> Mapping[str, RuleColumn]:
    """The columns by name, in the order of decision_input. Raises RiskwaveError when its .yml cannot be read."""
    file = project_dir() / "models" / "decisions" / "decision_input.yml"
    try:
        described = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader, in C
    except (OSError, yaml.YAMLError) as fault:
        raise RiskwaveError(f"{file.name}: cannot read the columns that rules may name: {fault}") from fault
    found: dict[str, RuleColumn] = {}
    for model in described["models"]:
        if model["name"] == "decision_input":
            for column in model["columns"]:
                meta = column.get("config", {}).get("meta", {})
                if meta.get("feature"):
                    found[column["name"]] = _column(column["name"], meta, str(column.get("description", "")))
    return MappingProxyType(found | {column.name: column for column in MODEL_COLUMNS})


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _column(name: str, meta: Mapping[str, Any], description: str) -> RuleColumn:
    kind, unit = str(meta["type"]), str(meta["unit"])
    if kind not in _KINDS:
        raise RiskwaveError(f"decision_input.yml: {name} is of type {kind}; expected one of {', '.join(_KINDS)}")
    low, high = _BOUNDS.get(unit, (float("-inf"), float("inf")))
    return RuleColumn(name, kind, unit, " ".join(description.split()), low, high, _values(name))


def _values(name: str) -> tuple[str, ...]:
    for contract, prefix in ((Transaction, ""), (Device, ""), (Device, "device_"), (CardProfile, "profile_")):
        field = contract.model_fields.get(name.removeprefix(prefix)) if name.startswith(prefix) else None
        for part in get_args(field.annotation) if field else ():
            if get_origin(part) is Literal:
                return get_args(part)
    return ()
