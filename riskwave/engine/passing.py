"""What a query passes along as it was: rows and columns of the relation it reads, beside columns of its own making."""

from __future__ import annotations

from functools import cache

import sqlglot
from sqlglot import exp

from riskwave.errors import RiskwaveError

DIALECT = "duckdb"
MORE = ("joins", "where", "group", "having", "distinct", "qualify", "laterals", "limit", "offset", "order", "sample")


def parse(sql: str) -> exp.Query:
    """The tree of a compiled model. Raises RiskwaveError for SQL that is no query."""
    statement = sqlglot.parse_one(sql, read=DIALECT)
    if not isinstance(statement, exp.Query):
        raise RiskwaveError(f"a model is a query, not: {sql.strip()[:80]}")
    return statement


def mentioned(*queries: str) -> set[str]:
    """The column names that queries spell out."""
    return {name for query in queries for name in _mentioned(query)}


@cache
def _mentioned(query: str) -> frozenset[str]:
    return frozenset(column.name for column in parse(query).find_all(exp.Column))


def whole_relations(query: exp.Expr, relation: str, *, more: bool = True) -> set[str]:
    """The relation and those of the query's CTEs that have all its rows and columns.

    more: also those that add columns to it.
    """
    whole = {relation}
    for cte in query.find_all(exp.CTE):
        if _is_whole(cte.this, whole) and (more or (len(cte.this.expressions) == 1 and not cte.this.args.get("joins"))):
            whole.add(cte.alias)
    return whole


def keeps_columns(query: exp.Expr, relation: str) -> bool:
    """Whether the relation's rows and columns come out of a query as they went in, beside new columns."""
    return _is_whole(query, whole_relations(query, relation))


def passed_along(query: exp.Expr, relation: str, columns: set[str]) -> dict[str, str]:
    """By the query's columns, those of the relation that they are as they went in; `columns` are the relation's."""
    if not isinstance(query, exp.Select) or any(query.args.get(part) for part in MORE):
        return {}
    source = query.args["from_"].this if query.args.get("from_") else None
    if not isinstance(source, exp.Table) or source.name not in whole_relations(query, relation):
        return {}
    return {
        item.alias_or_name: item.unalias().name
        for item in query.expressions
        if isinstance(item.unalias(), exp.Column) and item.unalias().name in columns
    }


def _is_whole(query: exp.Expr, relations: set[str]) -> bool:
    """Whether a query selects all of one of the relations, to which at most left joins are made."""
    if not isinstance(query, exp.Select) or any(query.args.get(part) for part in MORE if part != "joins"):
        return False
    source = query.args["from_"].this if query.args.get("from_") else None
    if not isinstance(source, exp.Table) or source.name not in relations:
        return False
    joins = query.args.get("joins") or []
    if any(join.side != "LEFT" for join in joins):
        return False
    for item in query.expressions:
        star = item.this if isinstance(item, exp.Column) else item
        if isinstance(star, exp.Star) and not any(star.args.values()):
            return not joins if item is star else bool(item.table == source.alias_or_name)
    return False
