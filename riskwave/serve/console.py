"""SQL from people, read only: parsed, allowed word by word, and written anew before it is run."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from riskwave.serve.problems import ProblemError
from riskwave.serve.reading import TABLES, VERSIONED, Reading

RELATIONS = frozenset((*TABLES, *(f"current_{name}" for name in VERSIONED)))

#: What a statement may be made of, besides scalar expressions: no command, no write, no setting.
_REFUSED = (
    exp.Command,
    exp.DDL,
    exp.DML,
    exp.Copy,
    exp.Into,
    exp.Lock,
    exp.Set,
    exp.Use,
    exp.Pragma,
    exp.Attach,
    exp.Detach,
    exp.Placeholder,
    exp.Parameter,
    exp.SessionParameter,
    exp.ReadCSV,
    exp.ReadParquet,
    exp.TableFromRows,
)
#: Functions that the parser does not know by itself, and that only compute. What is not here is refused.
_PLAIN = frozenset(
    re.findall(
        r"\w+",
        """
    abs array_agg array_to_string ceil ceiling chr coalesce concat concat_ws contains count_if date_diff
    date_part date_trunc dayname dayofweek dayofyear ends_with entropy epoch epoch_ms epoch_us even exp extract
    favg first flatten floor fsum gcd greatest grid hamming hash
    histogram hour instr isfinite isinf isnan isodow json_array_length json_extract json_extract_string
    json_keys json_type json_valid kahan_sum kurtosis last lcm least left len length levenshtein list
    list_aggregate list_any_value list_avg list_contains list_count list_distinct list_has list_has_all
    list_has_any list_max list_min list_position list_reverse list_slice list_sort list_sum list_unique ln log
    log10 log2 lower ltrim mad make_date make_timestamp map map_keys map_values max_by mean median
    microsecond millisecond min_by minute mod mode month monthname nullif pi pow power prefix product
    quantile quantile_cont quantile_disc quarter radians regexp_extract regexp_extract_all regexp_full_match
    regexp_matches regexp_replace replace reservoir_quantile reverse right round row rtrim second
    sem sign skewness split_part sqrt starts_with stddev stddev_pop stddev_samp str_split strftime string_agg
    string_split strip_accents strlen strpos strptime struct_extract struct_pack substr substring suffix sum
    sum_no_overflow time_bucket to_days to_hours to_json to_milliseconds to_minutes to_seconds to_timestamp trim
    trunc try_strptime typeof unnest upper var_pop var_samp week weekday year yearweek
    """,
    )
)
_TYPED_REFUSED = (
    exp.Rand,
    exp.CurrentUser,
    exp.CurrentSchema,
    exp.CurrentCatalog,
    exp.CurrentDatabase,
    exp.Uuid,
    # What makes much of nothing: one call could take all the memory there is.
    exp.Repeat,
    exp.Pad,
    exp.Space,
    exp.GenerateSeries,
    exp.Format,
)
LONGEST = 20_000  # characters of a statement


def checked_sql(text: str) -> str:
    """One SELECT over RELATIONS, written anew from its parsed form, so that what runs is what was looked at.

    Raises ProblemError 422 for anything else: another statement, several, another relation, a file, a function that
    does more than compute.
    """
    if len(text) > LONGEST:
        raise ProblemError(422, f"sql: {len(text):,} characters; at most {LONGEST:,} are read")
    try:
        statements = [each for each in sqlglot.parse(text, read="duckdb") if each is not None]
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise ProblemError(422, f"sql: {str(error).splitlines()[0][:300]}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Select | exp.SetOperation | exp.Subquery):
        raise ProblemError(422, "sql: expected one SELECT")
    statement = statements[0]
    try:
        _visit(statement, frozenset())
    except RecursionError:
        raise ProblemError(422, "sql: nested too deeply") from None
    try:
        return statement.sql(dialect="duckdb", comments=False)
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as error:
        raise ProblemError(422, f"sql: {str(error).splitlines()[0][:300]}") from None


def _visit(node: exp.Expr, visible: frozenset[str]) -> None:
    """Check a part of a statement; visible: names of the CTEs that it can mean by a table's name.

    A CTE does not see itself: `with "/etc/passwd" as (select * from "/etc/passwd") …` names the file.
    """
    head = node.args.get("with_")
    if head is not None:
        if head.args.get("recursive"):
            raise ProblemError(422, "sql: with recursive: may not be used here")
        for cte in head.expressions:
            _visit(cte.this, visible)
            visible |= {cte.alias.lower()}
    _check(node, visible)
    for part in node.iter_expressions():
        if part is not head:
            _visit(part, visible)


def _check(node: exp.Expr, ctes: frozenset[str]) -> None:
    """Raises ProblemError 422 for a part that is not allowed."""
    if isinstance(node, (*_REFUSED, *_TYPED_REFUSED)):
        raise ProblemError(422, f"sql: {node.sql(dialect='duckdb')[:100]}: only what reads and computes is allowed")
    if isinstance(node, exp.Table):
        _check_table(node, ctes)
    elif isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        name = str(node.this).lower()
        if name not in _PLAIN:
            raise ProblemError(422, f"sql: {name[:100]}: no function that may be used here")
    elif isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
        raise ProblemError(422, f"sql: {node.sql(dialect='duckdb')[:100]}: write functions as f(x)")


def _check_table(node: exp.Table, ctes: frozenset[str]) -> None:
    name = node.name.lower()
    plain = isinstance(node.this, exp.Identifier)
    if not plain or node.args.get("db") is not None or node.args.get("catalog") is not None:
        raise ProblemError(422, f"sql: {node.sql(dialect='duckdb')[:100]}: expected the plain name of a relation")
    if name not in ctes and name not in RELATIONS:
        raise ProblemError(
            422, f"sql: {name[:100]}: no relation that may be read; there are {', '.join(sorted(RELATIONS))}"
        )


def ask(reading: Reading, text: str, *, most: int, limit_s: float, memory_mb: int) -> dict[str, Any]:
    """Columns and at most `most` rows of a person's SELECT. Raises ProblemError for what may not or cannot run."""
    sql = checked_sql(text)
    try:
        names, rows = reading.ask(sql, most + 1, memory_mb=memory_mb, limit_s=limit_s)
    except duckdb.OutOfMemoryException:
        raise ProblemError(422, f"sql: takes more than {memory_mb} MB of memory; ask for less at a time") from None
    except duckdb.Error as error:
        raise ProblemError(422, f"sql: {' '.join(str(error).split())[:500]}") from None
    return {"columns": names, "rows": rows[:most], "more": len(rows) > most}
