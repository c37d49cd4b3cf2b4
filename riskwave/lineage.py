"""From a model's column back to the columns of the sources it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from riskwave.errors import RiskwaveError
from riskwave.project import Model

Columns = frozenset[str]
NONE: Columns = frozenset()


@dataclass(frozen=True)
class Relation:
    """What a query's columns are made of, and which columns decide what rows it has."""

    #: By name, each as `table.column` of the sources.
    columns: Mapping[str, Columns]
    rows: Columns = NONE


def source(name: str, columns: Iterable[str]) -> Relation:
    """The relation of a source table: each column is made of itself."""
    return Relation({column: frozenset({f"{name}.{column}"}) for column in columns})


def trace(models: Mapping[str, Model], sources: Mapping[str, Iterable[str]]) -> dict[str, Relation]:
    """The relation of every model, given the models after those they read and the source tables' columns.

    A value is made of what stands in its expression, of the partition and order of its window, of the keys
    it is grouped by and of the condition under which it was joined. A count is made of what decides which
    rows there are, but for staging: which messages can be used is no part of a value. Raises RiskwaveError
    for a model that sqlglot cannot resolve.
    """
    known = {name: source(name, columns) for name, columns in sources.items()}
    for model in models.values():
        if model.name in sources:
            continue
        schema: dict[str, object] = {name: dict.fromkeys(known[name].columns, "unknown") for name in model.reads}
        try:
            query = qualify(sqlglot.parse_one(model.sql, read="duckdb"), schema=schema, dialect="duckdb")
        except sqlglot.errors.SqlglotError as fault:
            raise RiskwaveError(f"model {model.name}: cannot trace its columns: {fault}") from fault
        relation = _query(query, known)
        known[model.name] = Relation(relation.columns) if model.name.startswith("stg_") else relation
    return known


def _query(query: exp.Expr, known: Mapping[str, Relation]) -> Relation:
    scope = dict(known)
    head = query.args.get("with_")
    for cte in head.expressions if head else ():
        scope[cte.alias] = _query(cte.this, scope)
    if isinstance(query, exp.Subquery):
        return _query(query.this, scope)
    if isinstance(query, exp.SetOperation):
        left, right = _query(query.this, scope), _query(query.expression, scope)
        pairs = zip(left.columns.items(), right.columns.values(), strict=True)
        return Relation({name: ours | theirs for (name, ours), theirs in pairs}, left.rows | right.rows)
    if isinstance(query, exp.Select):
        return _select(query, scope)
    raise RiskwaveError(f"cannot trace the columns of {query.sql(dialect='duckdb')[:80]}")


def _select(query: exp.Select, known: Mapping[str, Relation]) -> Relation:
    joins: list[exp.Join] = query.args.get("joins") or []
    tables = [query.args["from_"].this, *(join.this for join in joins)]
    scope = {table.alias_or_name: _table(table, known) for table in tables}

    def made_of(*parts: exp.Expr | None) -> Columns:
        found = [column for part in parts if part is not None for column in part.find_all(exp.Column)]
        return NONE.union(*(scope[c.table].columns[c.name] for c in found if c.table in scope))

    conditions = {join.this.alias_or_name: made_of(join.args.get("on")) for join in joins}
    inner = [conditions[join.this.alias_or_name] for join in joins if not join.side]
    rows = made_of(query.args.get("where")).union(*(relation.rows for relation in scope.values()), *inner)
    group = query.args.get("group")
    windows = {window.name: window for window in query.args.get("windows") or []}

    columns = {}
    for item in query.selects:
        names = {column.table for column in item.find_all(exp.Column)}
        made = made_of(item).union(*(conditions.get(name, NONE) for name in names))
        for window in item.find_all(exp.Window):
            made |= made_of(windows.get(window.alias))
        if group is not None and item.find(exp.AggFunc):
            made |= made_of(group) | rows
        columns[item.alias_or_name] = made or rows
    return Relation(columns, rows)


def _table(table: exp.Expr, known: Mapping[str, Relation]) -> Relation:
    return known[table.name] if isinstance(table, exp.Table) else _query(table, known)
