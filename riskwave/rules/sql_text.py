"""The text of a predicate as sqlglot reads it, and what is said of what the language has not."""

from __future__ import annotations

from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from riskwave.errors import RiskwaveError
from riskwave.rules.reading import nearest

DEEPEST = 40
FUNCTIONS = (
    *("abs", "coalesce", "greatest", "least", "round", "floor", "ceil", "nullif", "lower", "upper", "length"),
    *("hour", "minute", "sequence", "in_list"),
)
_REFUSED: tuple[tuple[type[exp.Expr], str], ...] = (
    (exp.Block, "several statements; a rule is one predicate, without ;"),
    (exp.Subquery, "a subquery is not allowed; a rule sees its own event's columns"),
    (exp.Query, "a query is not allowed; a rule is a predicate over its own event's columns"),
    (exp.Exists, "a subquery is not allowed; a rule sees its own event's columns"),
    (exp.Any, "a subquery or array is not allowed; write in ('a', 'b')"),
    (exp.Window, "a window function is not allowed; use a column such as card_txn_count_10m"),
    (exp.AggFunc, "an aggregate is not allowed; use a column such as card_txn_count_10m"),
    (exp.Escape, "like … escape is not allowed; use ~ with a pattern"),
    (exp.ILike, "ilike is not allowed; write lower(column) like 'pattern'"),
    (exp.Mod, "% is not allowed; compare with bounds"),
    (exp.DPipe, "|| is not allowed; compare each text by itself"),
    (exp.Interval, "an interval is not allowed; use a column in seconds"),
    (exp.NullSafeEQ, "is (not) distinct from is not allowed; write = or <> and is null"),
    (exp.NullSafeNEQ, "is (not) distinct from is not allowed; write = or <> and is null"),
    (exp.Star, "* is not allowed; name a column"),
    (exp.Tuple, "a list of values stands only after in"),
    (exp.Null, "NULL is compared with is null; it equals nothing"),
)


def parsed(text: str) -> exp.Expr:
    """The expression that a text is. Raises RiskwaveError for what is no single expression."""
    try:
        tokens = sqlglot.tokenize(text, read="postgres")
    except SqlglotError as fault:
        raise RiskwaveError(f"{text[:60]!r} cannot be read: close its quotes, and use plain SQL") from fault
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            raise RiskwaveError("; is not allowed: a rule is one predicate; remove it and what follows")
        if token.comments:
            raise RiskwaveError("a comment is not allowed in a predicate; use a YAML comment (#)")
    if any(mark in text for mark in ("--", "/*")) and len(tokens) == 0:
        raise RiskwaveError("a comment is not allowed in a predicate; use a YAML comment (#)")
    _depth(text)
    try:
        tree = sqlglot.parse_one(text, read="postgres")
    except SqlglotError as fault:
        found: dict[str, Any] = next(iter(getattr(fault, "errors", [])), {})
        near = f" near {found['highlight']!r}" if found.get("highlight") else ""
        raise RiskwaveError(f"is no predicate{near}; write for example card_txn_count_10m >= :max_count") from fault
    except RecursionError as fault:
        raise RiskwaveError("is nested too deeply; split it into several rules") from fault
    if tree is None:
        raise RiskwaveError("is empty; write for example card_txn_count_10m >= :max_count")
    return tree


def _depth(text: str) -> None:
    open_now = 0
    for mark in text:
        open_now += (mark == "(") - (mark == ")")
        if open_now > DEEPEST:
            raise RiskwaveError(f"has more than {DEEPEST} brackets within each other; split it into several rules")


def refusal(e: exp.Expr) -> str:
    """Why an expression is refused, and what to write."""
    for kind, said in _REFUSED:
        if isinstance(e, kind):
            return f"{shown(e)}: {said}"
    if isinstance(e, exp.Func):
        return no_function(e.sql_name().lower())
    if isinstance(e, exp.Parameter):
        return f"{e.name}: no parameter is known; name a threshold, as :max_count"
    if isinstance(e, exp.Command | exp.DDL | exp.DML | exp.Drop):
        return "is a statement, no predicate; write for example card_txn_count_10m >= :max_count"
    return f"{shown(e)}: is not part of the language; see docs/rules.md for what is"


def no_function(name: str) -> str:
    """That there is no such function."""
    if name == "array_overlaps":
        return "&& is none of the language's signs; write and"
    near = nearest(name, FUNCTIONS, alike=0.72)
    return f"{name}(): no such function; {near or 'allowed are ' + ', '.join(FUNCTIONS)}"


def shown(e: exp.Expr) -> str:
    """An expression in a message."""
    return short(e.sql(comments=False), quoted=False)


def short(said: str, *, quoted: bool = True) -> str:
    """A text in a message: one line of at most 60 characters."""
    said = " ".join(said.split())
    said = said if len(said) <= 60 else said[:57] + "…"
    return repr(said) if quoted else said
