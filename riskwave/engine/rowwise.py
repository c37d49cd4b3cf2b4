"""What one payment adds to a tile by itself, read from the tile model's SQL.

A tile of counts and sums over payments adds up payment by payment, so a batch needs no GROUP BY of DuckDB's, which for
a small batch costs more than the adding up: its measures are taken a row each and summed where the tiles are.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp

PAYMENTS = "stg_payments"
#: When a payment counts, as the macro counted_ts has it.
COUNTED = "coalesce({0}transmitted_ts, {0}event_ts)"
_COUNTED = sqlglot.parse_one(COUNTED.format(""), read="duckdb")


def rowwise(statement: exp.Select, entity: str, member: str | None) -> tuple[str, ...] | None:
    """A tile model's measures as SQL over one staged payment; None when the model has another form.

    The form: SELECT entity, date_trunc(unit, COUNTED) as tile[, member][, measures] FROM stg_payments WHERE entity IS
    NOT NULL GROUP BY the key; a measure is a count or a sum. Or sums over a CTE that is the UNION ALL of payments with
    what else adds.
    """
    if statement.ctes:
        return _beside(statement, entity)
    if not _plain(statement, entity):
        return None
    measures = []
    for item in statement.expressions:
        name, inner = item.alias_or_name, item.unalias()
        if name == "tile":
            if not _is_tile(inner):
                return None
        elif item.find(exp.AggFunc) is None:
            if inner != exp.column(name) or name not in (entity, member):
                return None
        else:
            measures.append(_of_one(inner).sql("duckdb"))
    return tuple(measures)


def _plain(statement: exp.Select, entity: str) -> bool:
    """Whether it reads payments that have the entity, and nothing else."""
    if any(statement.args.get(part) for part in ("joins", "having", "qualify", "distinct", "limit")):
        return False
    source, where = statement.args.get("from_"), statement.args.get("where")
    if source is None or not isinstance(source.this, exp.Table) or source.this.name != PAYMENTS or where is None:
        return False
    return bool(where.this == exp.Not(this=exp.Is(this=exp.column(entity), expression=exp.Null())))


def _beside(statement: exp.Select, entity: str) -> tuple[str, ...] | None:
    """The measures of `with made as (… from stg_payments …), other as (…), both as (made union all other) …`."""
    if len(statement.ctes) != 3:
        return None
    made, other, both = statement.ctes
    every = exp.select("*")
    union = exp.union(every.from_(made.alias), every.from_(other.alias), distinct=False)
    reads_payments = any(table.name == PAYMENTS for table in other.find_all(exp.Table))
    if both.this != union or reads_payments or not isinstance(made.this, exp.Select) or not _plain(made.this, entity):
        return None
    given = {item.alias_or_name: item.unalias() for item in made.this.expressions}
    tile = given.get("tile")
    if statement.args["from_"].this.name != both.alias or statement.args.get("where") or not _is_tile(tile):
        return None
    measures = [_bare(item.unalias()) for item in statement.expressions if item.find(exp.AggFunc) is not None]
    if not all(
        isinstance(one, exp.Sum) and isinstance(one.this, exp.Column) and one.this.name in given for one in measures
    ):
        return None
    return tuple(_of_one(exp.Sum(this=given[each.this.name])).sql("duckdb") for each in measures)


def _is_tile(inner: exp.Expr | None) -> bool:
    return isinstance(inner, exp.TimestampTrunc) and bool(inner.this == _COUNTED)


def _bare(measure: exp.Expr) -> exp.Expr:
    while isinstance(measure, exp.Cast | exp.Paren):
        measure = measure.this
    return measure


def _of_one(measure: exp.Expr) -> exp.Expr:
    measure = _bare(measure)
    if isinstance(measure, exp.Sum):
        return exp.func("coalesce", measure.this.copy(), exp.Literal.number(0))
    counted = measure.this
    if counted is None or isinstance(counted, exp.Star):
        return exp.Literal.number(1)
    return exp.case().when(exp.Is(this=counted.copy(), expression=exp.Null()), "0").else_("1")
