"""One predicate: parsed by sqlglot, refused unless it is pure, named and typed; as a tree."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from riskwave.errors import RiskwaveError
from riskwave.rules.columns import Kind, RuleColumn
from riskwave.rules.pack import NAME
from riskwave.rules.patterns import check_pattern
from riskwave.rules.reading import nearest
from riskwave.rules.sequence import regex_of
from riskwave.rules.tree import Node

MOST_NODES = 400
DEEPEST = 40
INTEGERS = range(-(2**63), 2**63)
FUNCTIONS = (
    *("abs", "coalesce", "greatest", "least", "round", "floor", "ceil", "nullif", "lower", "upper", "length"),
    *("hour", "minute", "sequence", "in_list"),
)
_COMPARE: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_ROUNDING: dict[type[exp.Expr], str] = {exp.Round: "round", exp.Floor: "floor", exp.Ceil: "ceil", exp.Abs: "abs"}
_OF_TEXT: dict[type[exp.Expr], str] = {exp.Lower: "lower", exp.Upper: "upper"}
_CHOOSE: dict[type[exp.Expr], str] = {exp.Coalesce: "coalesce", exp.Greatest: "greatest", exp.Least: "least"}
_NUMERIC = ("integer", "number")

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


@dataclass
class Uses:
    """What a predicate does with its thresholds: kinds that are wider than their defaults, units they stand beside."""

    widened: set[str] = field(default_factory=set)
    units: dict[str, str] = field(default_factory=dict)


def parse(
    text: str, columns: Mapping[str, RuleColumn], thresholds: Mapping[str, Node], *, constant: bool = False
) -> tuple[Node, Uses]:
    """The tree of a predicate, and how it uses its thresholds.

    thresholds: a node each (op `threshold`), with its kind and unit; constant: a bare true or false is one too.
    Raises RiskwaveError: `what: is wrong; what to do`.
    """
    tree = _parsed(text)
    uses = Uses()
    checker = _Checker(columns, dict(thresholds), uses)
    node = checker.node(tree)
    if uses.widened:
        # A whole default beside a column of fractions: edits may then be fractions too.
        wide = {name: Node("threshold", "number", value=name, unit=thresholds[name].unit) for name in uses.widened}
        checker = _Checker(columns, {**thresholds, **wide}, uses)
        node = checker.node(tree)
    if node.kind != "boolean":
        raise RiskwaveError(f"{_text(tree)} is {_a(node.kind)}, no condition; compare it with something")
    if not constant and not any(part.op in ("column", "in_list") for part in node.walk()):
        raise RiskwaveError(f"{_text(tree)} names no column, so it says nothing of the event; compare a column")
    if sum(1 for _ in node.walk()) > MOST_NODES:
        raise RiskwaveError(f"has more than {MOST_NODES} terms; split it into several rules")
    return node, uses


def _parsed(text: str) -> exp.Expr:
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


class _Checker:
    def __init__(self, columns: Mapping[str, RuleColumn], thresholds: dict[str, Node], uses: Uses) -> None:
        self.columns = columns
        self.thresholds = thresholds
        self.uses = uses
        self.depth = 0
        self.forms: dict[type[exp.Expr], Callable[[Any], Node]] = {
            exp.Paren: lambda e: self.node(e.this),
            exp.Column: self.column,
            exp.Placeholder: self.threshold,
            exp.Literal: self.literal,
            exp.Boolean: lambda e: Node("literal", "boolean", value=bool(e.this)),
            exp.Neg: self.negative,
            exp.Not: lambda e: Node("not", "boolean", (self.condition(e.this, "not"),)),
            exp.And: lambda e: self.junction(e, "and"),
            exp.Or: lambda e: self.junction(e, "or"),
            exp.Is: self.is_,
            exp.Between: self.between,
            exp.In: self.in_,
            exp.Like: self.like,
            exp.RegexpLike: self.regex,
            exp.Case: self.case,
            exp.Nullif: self.nullif,
            exp.Length: lambda e: Node("length", "integer", (self.of(e.this, "length", "text"),), unit="characters"),
            exp.Extract: lambda e: self.part(str(e.this.name).lower(), e.expression),
            exp.Hour: lambda e: self.part("hour", e.this),
            exp.Minute: lambda e: self.part("minute", e.this),
            exp.Cast: self.cast,
            exp.Anonymous: self.call,
            exp.Dot: self.foreign,
            **dict.fromkeys(_COMPARE, self.compare),
            **dict.fromkeys(_ARITHMETIC, self.arithmetic),
            **dict.fromkeys(_ROUNDING, self.rounding),
            **dict.fromkeys(_CHOOSE, self.choose),
            **dict.fromkeys(_OF_TEXT, self.of_text),
        }

    def node(self, e: exp.Expr) -> Node:
        form = self.forms.get(type(e))
        if form is None:
            raise RiskwaveError(self.refusal(e))
        self.depth += 1
        if self.depth > 4 * DEEPEST:
            raise RiskwaveError("is nested too deeply; split it into several rules")
        try:
            return form(e)
        finally:
            self.depth -= 1

    def refusal(self, e: exp.Expr) -> str:
        for kind, said in _REFUSED:
            if isinstance(e, kind):
                return f"{_text(e)}: {said}"
        if isinstance(e, exp.Func):
            return self.no_function(e.sql_name().lower())
        if isinstance(e, exp.Parameter):
            return f"{e.name}: no parameter is known; name a threshold, as :max_count"
        if isinstance(e, exp.Command | exp.DDL | exp.DML | exp.Drop):
            return "is a statement, no predicate; write for example card_txn_count_10m >= :max_count"
        return f"{_text(e)}: is not part of the language; see docs/rules.md for what is"

    def no_function(self, name: str) -> str:
        near = nearest(name, FUNCTIONS, alike=0.72)
        return f"{name}(): no such function; {near or 'allowed are ' + ', '.join(FUNCTIONS)}"

    # names

    def column(self, e: exp.Column) -> Node:
        name = e.name
        if e.table:
            raise RiskwaveError(f"{_text(e)}: a rule sees no table; write the column alone, as {name}")
        found = self.columns.get(name)
        if found is None:
            if name in self.thresholds:
                raise RiskwaveError(f"{name}: no such column; for the threshold write :{name}")
            near = nearest(name, self.columns)
            raise RiskwaveError(f"{name}: no such column; {near or 'riskwave features lists them'}")
        return Node("column", found.kind, value=name, unit=found.unit)

    def foreign(self, e: exp.Dot) -> Node:
        raise RiskwaveError(f"{_text(e)}: a rule sees no table or schema; write a column alone")

    def threshold(self, e: exp.Placeholder) -> Node:
        name = e.this
        if not isinstance(name, str) or not name:
            raise RiskwaveError("a placeholder without a name is no threshold; write :max_count and define max_count")
        found = self.thresholds.get(name)
        if found is None:
            near = nearest(name, self.thresholds)
            raise RiskwaveError(f":{name}: is not defined; {near or f'add {name} to thresholds'}")
        return found

    # values

    def literal(self, e: exp.Literal) -> Node:
        if e.is_string:
            if "\x00" in e.this:
                raise RiskwaveError("a text holds a NUL character; remove it")
            return Node("literal", "text", value=e.this)
        try:
            whole = int(e.this)
        except ValueError:
            number = float(e.this)
            if not math.isfinite(number):
                raise RiskwaveError(f"{e.this}: is too large for a number; use a smaller one") from None
            return Node("literal", "number", value=number)
        if whole not in INTEGERS:
            raise RiskwaveError(f"{e.this}: is too large for a whole number; at most {INTEGERS[-1]}")
        return Node("literal", "integer", value=whole)

    def negative(self, e: exp.Neg) -> Node:
        inner = self.of(e.this, "-", "number")
        if inner.op == "literal":
            return Node("literal", inner.kind, value=-inner.value)
        return Node("negative", "number", (self.number(inner),), unit=inner.unit)

    def cast(self, e: exp.Cast) -> Node:
        said = e.this
        if e.to.is_type("timestamp") and isinstance(said, exp.Literal) and said.is_string:
            try:
                moment = datetime.fromisoformat(said.this)
            except ValueError as fault:
                raise RiskwaveError(f"{said.this!r} is no timestamp; write '2026-01-31 18:00:00'") from fault
            if moment.tzinfo is not None:
                raise RiskwaveError(f"{said.this!r}: event_ts is in UTC; write the time without an offset")
            return Node("literal", "timestamp", value=moment)
        raise RiskwaveError(f"{_text(e)}: a cast is not allowed; columns and thresholds have their types already")

    def number(self, node: Node) -> Node:
        """An integer as a number, a threshold by becoming one."""
        if node.kind == "number":
            return node
        if node.op == "literal":
            return Node("literal", "number", value=float(node.value))
        if node.op == "threshold":
            self.uses.widened.add(node.value)
            return Node("threshold", "number", value=node.value, unit=node.unit)
        return Node("number", "number", (node,), unit=node.unit)

    # types

    def of(self, e: exp.Expr, what: str, kind: Kind) -> Node:
        node = self.node(e)
        fits = node.kind in _NUMERIC if kind == "number" else node.kind == kind
        if not fits:
            fix = "compare it with something first" if kind == "boolean" else f"give it {_a(kind)}"
            raise RiskwaveError(f"{what} takes {_a(kind)}, and {_text(e)} is {_a(node.kind)}; {fix}")
        return node

    def condition(self, e: exp.Expr, what: str) -> Node:
        return self.of(e, what, "boolean")

    def alike(self, pairs: list[tuple[exp.Expr, Node]], what: str, *, units: bool = True) -> list[Node]:
        """The nodes in one kind. Raises when they are of different kinds, or measured in different units."""
        (first, one), *rest = pairs
        for other, node in rest:
            if node.kind != one.kind and not (node.kind in _NUMERIC and one.kind in _NUMERIC):
                raise RiskwaveError(self.unlike(first, one, other, node, what))
        nodes = [node for _, node in pairs]
        if one.kind in _NUMERIC and units:
            self.same_unit(pairs, what)
        if one.kind in _NUMERIC and any(node.kind == "number" for node in nodes):
            return [self.number(node) for node in nodes]
        return nodes

    def unlike(self, first: exp.Expr, one: Node, other: exp.Expr, node: Node, what: str) -> str:
        said = f"{_text(first)} is {_a(one.kind)} and {_text(other)} is {_a(node.kind)}: {what} takes two alike"
        for mine, theirs in ((one, node), (node, one)):
            if mine.kind == "text" and theirs.op == "literal" and theirs.kind in _NUMERIC:
                return f"{said}; write {str(theirs.value)!r} in quotes"
            if mine.kind in _NUMERIC and theirs.op == "literal" and theirs.kind == "text":
                return f"{said}; write {theirs.value} without quotes"
            if mine.kind == "boolean":
                return f"{said}; a flag stands alone: write it, or not it"
        return f"{said}; compare what is alike"

    def same_unit(self, pairs: list[tuple[exp.Expr, Node]], what: str) -> None:
        known = [(e, node) for e, node in pairs if node.unit]
        for (e, one), (f, two) in pairwise(known):
            if one.unit != two.unit:
                raise RiskwaveError(
                    f"{_text(e)} is in {one.unit} and {_text(f)} in {two.unit}: {what} needs one unit; "
                    "use another column, correct the threshold's unit, or multiply by a factor"
                )
        for _, node in pairs:
            if node.op == "threshold" and known:
                self.uses.units.setdefault(node.value, str(known[0][1].unit))

    # operations

    def compare(self, e: exp.Binary) -> Node:
        op = _COMPARE[type(e)]
        pairs = [(side, self.node(side)) for side in (e.this, e.expression)]
        nodes = self.alike(pairs, op)
        if nodes[0].kind == "boolean" and op not in ("=", "<>"):
            raise RiskwaveError(f"{_text(e)}: true and false have no order; write the flag, or not it")
        self.says_something(e, nodes)
        self.possible(e, nodes)
        return Node(op, "boolean", tuple(nodes))

    def says_something(self, e: exp.Expr, nodes: list[Node]) -> None:
        if all(node.op == "literal" for node in nodes):
            raise RiskwaveError(f"{_text(e)} compares nothing of the event; compare a column")

    def possible(self, e: exp.Expr, nodes: list[Node]) -> None:
        """A text column is compared with what it may be."""
        for column in nodes:
            may_be = self.columns[column.value].values if column.op == "column" else ()
            for said in nodes:
                if may_be and said.op == "literal" and said.value not in may_be:
                    fix = nearest(said.value, may_be) or f"it is one of {', '.join(may_be)}"
                    raise RiskwaveError(f"{_text(e)}: {column.value} is never {said.value!r}; {fix}")

    def arithmetic(self, e: exp.Binary) -> Node:
        op = _ARITHMETIC[type(e)]
        pairs = [(side, self.of(side, op, "number")) for side in (e.this, e.expression)]
        nodes = [self.number(node) for _, node in pairs]
        unit = None
        if op in "+-":
            self.same_unit(pairs, op)
            unit = nodes[0].unit or nodes[1].unit
        elif op == "/" and nodes[1].op == "literal" and nodes[1].value == 0:
            raise RiskwaveError(f"{_text(e)} divides by zero; divide by something else")
        return Node(op, "number", tuple(nodes), unit=unit)

    def rounding(self, e: exp.Func) -> Node:
        name = _ROUNDING[type(e)]
        if e.args.get("decimals") is not None or e.args.get("to") is not None:
            raise RiskwaveError(f"{name}() takes one value; multiply before and divide after for decimals")
        inner = self.of(e.this, name, "number")
        return Node(name, "number", (self.number(inner),), unit=inner.unit)

    def of_text(self, e: exp.Func) -> Node:
        name = _OF_TEXT[type(e)]
        return Node(name, "text", (self.of(e.this, name, "text"),))

    def choose(self, e: exp.Func) -> Node:
        name = _CHOOSE[type(e)]
        parts = [e.this, *e.expressions]
        if len(parts) < 2:
            raise RiskwaveError(f"{name}() takes two values or more; add one")
        nodes = self.alike([(part, self.node(part)) for part in parts], name)
        if name != "coalesce" and nodes[0].kind == "boolean":
            raise RiskwaveError(f"{name}() takes numbers, texts or times; use and, or")
        unit = next((node.unit for node in nodes if node.unit), None)
        return Node(name, nodes[0].kind, tuple(nodes), unit=unit)

    def nullif(self, e: exp.Nullif) -> Node:
        nodes = self.alike([(part, self.node(part)) for part in (e.this, e.expression)], "nullif")
        return Node("nullif", nodes[0].kind, tuple(nodes), unit=nodes[0].unit)

    def junction(self, e: exp.Connector, op: str) -> Node:
        # A long chain leans left: taken apart here, its length is no depth.
        parts: list[exp.Expr] = []
        left: Any = e
        while isinstance(left, type(e)):
            parts.append(left.expression)
            left = left.this
        parts.append(left)
        return Node(op, "boolean", tuple(self.condition(part, op) for part in reversed(parts)))

    def is_(self, e: exp.Is) -> Node:
        if isinstance(e.expression, exp.Null):
            return Node("is null", "boolean", (self.node(e.this),))
        if isinstance(e.expression, exp.Boolean):
            op = "is true" if e.expression.this else "is false"
            return Node(op, "boolean", (self.condition(e.this, op),))
        raise RiskwaveError(f"{_text(e)}: is takes null, true or false; write = for values")

    def between(self, e: exp.Between) -> Node:
        if e.args.get("symmetric"):
            raise RiskwaveError(f"{_text(e)}: between symmetric is not allowed; put the lower bound first")
        parts = (e.this, e.args["low"], e.args["high"])
        nodes = self.alike([(part, self.node(part)) for part in parts], "between")
        if nodes[0].kind == "boolean":
            raise RiskwaveError(f"{_text(e)}: true and false have no order; write the flag, or not it")
        self.says_something(e, nodes)
        return Node("between", "boolean", tuple(nodes))

    def in_(self, e: exp.In) -> Node:
        if e.args.get("query") is not None or e.args.get("unnest") is not None or e.args.get("field") is not None:
            raise RiskwaveError(
                f"{_text(e)}: in takes literals, as in ('a', 'b'); use in_list('name', column) for a list"
            )
        pairs = [(part, self.node(part)) for part in (e.this, *e.expressions)]
        if len(pairs) < 2:
            raise RiskwaveError(f"{_text(e)}: in () is empty; name at least one value")
        for part, node in pairs[1:]:
            if node.op not in ("literal", "threshold"):
                raise RiskwaveError(f"{_text(part)}: in takes literals and thresholds; compare columns with =")
        nodes = self.alike(pairs, "in")
        self.says_something(e, nodes)
        self.possible(e, nodes)
        return Node("in", "boolean", tuple(nodes))

    def like(self, e: exp.Like) -> Node:
        if not (isinstance(e.expression, exp.Literal) and e.expression.is_string):
            raise RiskwaveError(f"{_text(e)}: like takes a literal pattern, as 'abc%'")
        if "\\" in e.expression.this:
            raise RiskwaveError(f"{_text(e)}: engines take \\ in like differently; use ~ with a pattern")
        return Node("like", "boolean", (self.of(e.this, "like", "text"),), e.expression.this)

    def regex(self, e: exp.RegexpLike) -> Node:
        if not (isinstance(e.expression, exp.Literal) and e.expression.is_string):
            raise RiskwaveError(f"{_text(e)}: ~ takes a literal pattern, as '^ab+c$'")
        pattern = e.expression.this
        try:
            check_pattern(pattern)
        except RiskwaveError as fault:
            raise RiskwaveError(f"pattern {_short(pattern)} {fault}") from fault
        return Node("regex", "boolean", (self.of(e.this, "~", "text"),), pattern)

    def case(self, e: exp.Case) -> Node:
        if e.this is not None:
            raise RiskwaveError(f"{_text(e)}: write case when condition then value … else value end")
        conditions = [self.condition(branch.this, "when") for branch in e.args["ifs"]]
        parts = [branch.args["true"] for branch in e.args["ifs"]]
        if e.args.get("default") is None:
            raise RiskwaveError(f"{_text(e)}: has no else; add one")
        parts.append(e.args["default"])
        values = self.alike([(part, self.node(part)) for part in parts], "case")
        args = [part for pair in zip(conditions, values, strict=False) for part in pair]
        unit = next((node.unit for node in values if node.unit), None)
        return Node("case", values[0].kind, (*args, values[-1]), unit=unit)

    def part(self, name: str, e: exp.Expr) -> Node:
        if name not in ("hour", "minute"):
            raise RiskwaveError(f"extract({name} …): only hour and minute can be taken of a timestamp")
        inner = e
        while isinstance(inner, exp.Paren | exp.TsOrDsToDate | exp.TsOrDsToTimestamp):
            inner = inner.this
        return Node(
            name, "integer", (self.of(inner, name, "timestamp"),), unit="hours" if name == "hour" else "minutes"
        )

    def call(self, e: exp.Anonymous) -> Node:
        name = str(e.this).lower()
        if name == "in_list":
            return self.in_list(e)
        if name == "sequence":
            return self.sequence(e)
        raise RiskwaveError(self.no_function(name))

    def in_list(self, e: exp.Anonymous) -> Node:
        if len(e.expressions) != 2 or not (isinstance(e.expressions[0], exp.Literal) and e.expressions[0].is_string):
            raise RiskwaveError(f"{_text(e)}: write in_list('list_name', column)")
        name, column = e.expressions[0].this, self.node(e.expressions[1])
        if not _is_name(name):
            raise RiskwaveError(f"in_list: {name!r} is no name of a list; use letters, digits and _, as block_ip")
        if column.op != "column" or column.kind != "text":
            raise RiskwaveError(
                f"{_text(e)}: in_list takes a text column as second; name one, as in_list('{name}', ip)"
            )
        return Node("in_list", "boolean", (column,), name)

    def sequence(self, e: exp.Anonymous) -> Node:
        fits = len(e.expressions) == 2 and isinstance(e.expressions[1], exp.Literal) and e.expressions[1].is_string
        if not fits:
            raise RiskwaveError(f"{_text(e)}: write sequence(card_events_30m, 'decline{{2,}} small+ large')")
        column, words = self.node(e.expressions[0]), e.expressions[1].this
        if column.op != "column" or column.unit != "event codes":
            known = ", ".join(name for name, found in self.columns.items() if found.unit == "event codes")
            raise RiskwaveError(f"{_text(e.expressions[0])} holds no event codes; sequence takes {known}")
        try:
            pattern = regex_of(words)
        except RiskwaveError as fault:
            raise RiskwaveError(f"sequence {_short(words)} {fault}") from fault
        return Node("regex", "boolean", (column,), pattern)


def _is_name(name: str) -> bool:
    return re.match(NAME, name) is not None and len(name) <= 60


def _a(kind: Kind) -> str:
    said = {"text": "text", "integer": "a number", "number": "a number", "boolean": "true or false"}
    return said.get(kind, "a timestamp")


def _text(e: exp.Expr) -> str:
    return _short(e.sql(comments=False), quoted=False)


def _short(said: str, *, quoted: bool = True) -> str:
    said = " ".join(said.split())
    said = said if len(said) <= 60 else said[:57] + "…"
    return repr(said) if quoted else said
