"""Whether a model's features are those of the catalogue still: same names, types, units, and the same SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

import sqlglot

from riskwave.catalogue import MODEL, load_catalogue
from riskwave.project import compiled_project
from riskwave.scoring.scorer import Card

#: Name, type and unit of a feature.
Said = tuple[str, str, str]


def said_of(names: Sequence[str]) -> tuple[Said, ...]:
    """What the catalogue says of features now; those it lacks are left out."""
    known = {feature.name: feature for feature in load_catalogue()}
    return tuple((name, known[name].type, known[name].unit) for name in names if name in known)


@cache
def sql_hash() -> str:
    """Hash of the SQL that makes decision_input: all models it is made of, without comments or layout."""
    models = compiled_project("duckdb").models
    needed: set[str] = set()
    waiting = [MODEL]
    while waiting:
        name = waiting.pop()
        if name in models and name not in needed:
            needed.add(name)
            waiting += models[name].reads
    digest = hashlib.sha256()
    for name in sorted(needed):
        plain = sqlglot.parse_one(models[name].sql, read="duckdb").sql(dialect="duckdb", comments=False)
        digest.update(f"{name}\n{plain}\n".encode())
    return digest.hexdigest()[:16]


def mismatches(card: Card) -> list[str]:
    """What differs between the features a model learned and those there are now, in words; nothing when all match."""
    now = {name: (kind, unit) for name, kind, unit in said_of(card.encoder.features)}
    found = []
    for name, kind, unit in card.features:
        if name not in now:
            found.append(f"{name} is no longer a feature")
        elif now[name] != (kind, unit):
            found.append(f"{name} was {kind} in {unit} and is {now[name][0]} in {now[name][1]}")
    if not found and card.sql_hash != sql_hash():
        found.append(f"the SQL of decision_input has changed (hash {card.sql_hash}, now {sql_hash()})")
    return found
