"""Every feature, made from the models themselves: what it is, its unit, its window, and from what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from riskwave.contracts import CardProfile, Device, Label, arrow_schema
from riskwave.errors import RiskwaveError
from riskwave.lineage import trace
from riskwave.project import Model, compiled_project, project_dir
from riskwave.sources.batch import RAW_SCHEMA

#: The model whose columns are the features.
MODEL = "decision_input"

#: What each entity's features are about, in the order of the docs page.
ENTITIES = {
    "event": "the payment itself",
    "card": "the card that pays, over exact windows",
    "profile": "what the issuer knew of the card at the time",
    "device": "the device it pays from, over exact windows and as known at the time",
    "ip": "the address it pays from, over complete tiles",
    "merchant": "the merchant it pays, over complete tiles",
    "bin": "the issuer's range the card is from, over complete tiles",
}


_HEAD = """\
# Features

<!-- Made by `riskwave features --docs docs/features.md` from models/decisions/decision_input.yml. -->

What is known of every payment when it is decided: the columns of `decision_input`, read by rules and models.

- An **exact window** (card, device) of length L holds the payment itself and everything of its key from
  `event_ts - L` on, that bound included, by event time; ties count.
- A **tiled window** (merchant, ip, BIN) is made of the complete minutes, hours or days before the
  payment's own. One whose message was sent later than it was made (`transmitted_ts`) counts there, and looks back,
  from when it was sent, a day after it was made at most.
- Amounts are in minor units of the cardholder's currency: `billing_amount_minor`, else `amount_minor`.
- NULL is "not known". A rule never fires on it.
"""

_COLUMNS = """\
| feature | type | unit | window | what it says | made of |
| --- | --- | --- | --- | --- | --- |"""


@dataclass(frozen=True)
class Feature:
    """One feature: a column of decision_input.

    `type` is DuckDB's, in lower case; `window` is None for what holds at the event; `lineage` names the
    source columns as `table.column`, sorted.
    """

    name: str
    type: str
    unit: str
    entity: str
    window: str | None
    description: str
    lineage: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The feature as JSON has it."""
        return {**asdict(self), "lineage": list(self.lineage)}


@cache
def load_catalogue() -> list[Feature]:
    """All features in the order of decision_input, from its .yml and the compiled models.

    Raises RiskwaveError for one that lacks a description, type, unit, entity or lineage.
    """
    file = project_dir() / "models" / "decisions" / f"{MODEL}.yml"
    lineage = trace(_behind(compiled_project("duckdb").models), _sources())[MODEL].columns
    features = []
    for column in _columns(file):
        meta = column.get("config", {}).get("meta", {})
        if not meta.get("feature"):
            continue
        name = column["name"]
        if name not in lineage:
            raise RiskwaveError(f"{file.name}: {MODEL} has no column {name}; correct the name or remove it")
        made_of = tuple(sorted(lineage[name]))
        said = {**meta, "description": column.get("description"), "lineage": made_of}
        for what in ("entity", "unit", "type", "description", "lineage"):
            if not said.get(what):
                raise RiskwaveError(f"{file.name}: feature {name} has no {what}; write it beside the column")
        if meta["entity"] not in ENTITIES:
            raise RiskwaveError(
                f"{file.name}: feature {name} is of entity {meta['entity']}; expected {', '.join(ENTITIES)}"
            )
        features.append(
            Feature(
                name=name,
                type=str(meta["type"]),
                unit=str(meta["unit"]),
                entity=str(meta["entity"]),
                window=meta.get("window"),
                description=" ".join(str(column["description"]).split()),
                lineage=made_of,
            )
        )
    return features


def of_entity(features: Iterable[Feature], entity: str) -> list[Feature]:
    """The features of one entity. Raises RiskwaveError for an entity there is none of."""
    if entity not in ENTITIES:
        raise RiskwaveError(f"no entity {entity}; expected one of {', '.join(ENTITIES)}")
    return [feature for feature in features if feature.entity == entity]


def docs_page(features: list[Feature]) -> str:
    """The docs page of the features, in Markdown, grouped by entity."""
    own = len(of_entity(features, "event"))
    lines = [_HEAD, f"{len(features)} features, {own} of them the payment's own fields."]
    for entity, about in ENTITIES.items():
        lines += ["", f"## {entity}: {about}", "", _COLUMNS]
        for f in of_entity(features, entity):
            cells = [f"`{f.name}`", f.type, f.unit, f.window or "", f.description, ", ".join(f.lineage)]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def write_docs(features: list[Feature], path: Path) -> None:
    """Write the docs page. Raises RiskwaveError where the path cannot be written."""
    try:
        path.write_text(docs_page(features), encoding="utf-8")
    except OSError as fault:
        raise RiskwaveError(f"{path}: cannot write the docs page: {fault.strerror}") from fault


def _columns(file: Path) -> list[dict[str, Any]]:
    try:
        described = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as fault:
        raise RiskwaveError(f"{file.name}: cannot read the features' descriptions: {fault}") from fault
    return [column for model in described["models"] if model["name"] == MODEL for column in model["columns"]]


def _behind(models: Mapping[str, Model]) -> dict[str, Model]:
    """What MODEL is made of, itself last."""
    needed = {MODEL}
    for name in reversed(list(models)):
        needed |= set(models[name].reads) if name in needed else set()
    return {name: model for name, model in models.items() if name in needed}


def _sources() -> dict[str, list[str]]:
    contracts: dict[str, type[BaseModel]] = {"labels": Label, "card_profiles": CardProfile, "devices": Device}
    return {
        "payments": list(RAW_SCHEMA.names),
        **{table: list(arrow_schema(contract).names) for table, contract in contracts.items()},
    }
