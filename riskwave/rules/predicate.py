"""One predicate: parsed by sqlglot, refused unless it is pure, named and typed; as a tree."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlglot import exp

from riskwave.errors import RiskwaveError
from riskwave.rules.columns import Kind, RuleColumn
from riskwave.rules.kinds import NUMERIC, Alike, Uses, a_kind
from riskwave.rules.pack import NAME
from riskwave.rules.patterns import check_pattern
from riskwave.rules.reading import nearest
from riskwave.rules.sequence import regex_of
from riskwave.rules.sql_text import DEEPEST, no_function, parsed, refusal, short, shown
from riskwave.rules.tree import Node

MOST_NODES = 400
INTEGERS = range(-(2**63), 2**63)

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


def parse(
    text: str, columns: Mapping[str, RuleColumn], thresholds: Mapping[str, Node], *, constant: bool = False
) -> tuple[Node, Uses]:
    """The tree of a predicate, and how it uses its thresholds.

    thresholds: a node each (op `threshold`), with its kind and unit; constant: a bare true or false is one too.
    Raises RiskwaveError: `what: is wrong; what to do`.
    """
    tree = parsed(text)
    uses = Uses()
    checker = _Checker(columns, dict(thresholds), uses)
    node = checker.node(tree)
    if uses.widened:
        # A whole default beside a column of fractions: edits may then be fractions too.
        wide = {name: Node("threshold", "number", value=name, unit=thresholds[name].unit) for name in uses.widened}
        checker = _Checker(columns, {**thresholds, **wide}, uses)
        node = checker.node(tree)
    if node.kind != "boolean":
        raise RiskwaveError(f"{shown(tree)} is {a_kind(node.kind)}, no condition; compare it with something")
    if not constant and not any(part.op in ("column", "in_list") for part in node.walk()):
        raise RiskwaveError(f"{shown(tree)} names no column, so it says nothing of the event; compare a column")
    if sum(1 for _ in node.walk()) > MOST_NODES:
        raise RiskwaveError(f"has more than {MOST_NODES} terms; split it into several rules")
    return node, uses


class _Checker(Alike):
    def __init__(self, columns: Mapping[str, RuleColumn], thresholds: dict[str, Node], uses: Uses) -> None:
        super().__init__(uses)
        self.columns = columns
        self.thresholds = thresholds
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
            raise RiskwaveError(refusal(e))
        self.depth += 1
        if self.depth > 4 * DEEPEST:
            raise RiskwaveError("is nested too deeply; split it into several rules")
        try:
            return form(e)
        finally:
            self.depth -= 1

    # names

    def column(self, e: exp.Column) -> Node:
        name = e.name
        if e.table:
            raise RiskwaveError(f"{shown(e)}: a rule sees no table; write the column alone, as {name}")
        found = self.columns.get(name)
        if found is None:
            if name in self.thresholds:
                raise RiskwaveError(f"{name}: no such column; for the threshold write :{name}")
            near = nearest(name, self.columns)
            raise RiskwaveError(f"{name}: no such column; {near or 'riskwave features lists them'}")
        return Node("column", found.kind, value=name, unit=found.unit)

    def foreign(self, e: exp.Dot) -> Node:
        raise RiskwaveError(f"{shown(e)}: a rule sees no table or schema; write a column alone")

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
        raise RiskwaveError(f"{shown(e)}: a cast is not allowed; columns and thresholds have their types already")

    # types

    def of(self, e: exp.Expr, what: str, kind: Kind) -> Node:
        node = self.node(e)
        fits = node.kind in NUMERIC if kind == "number" else node.kind == kind
        if not fits:
            fix = "compare it with something first" if kind == "boolean" else f"give it {a_kind(kind)}"
            raise RiskwaveError(f"{what} takes {a_kind(kind)}, and {shown(e)} is {a_kind(node.kind)}; {fix}")
        return node

    def condition(self, e: exp.Expr, what: str) -> Node:
        return self.of(e, what, "boolean")

    # operations

    def compare(self, e: exp.Binary) -> Node:
        op = _COMPARE[type(e)]
        pairs = [(side, self.node(side)) for side in (e.this, e.expression)]
        nodes = self.alike(pairs, op)
        if nodes[0].kind == "boolean" and op not in ("=", "<>"):
            raise RiskwaveError(f"{shown(e)}: true and false have no order; write the flag, or not it")
        self.says_something(e, nodes)
        self.possible(e, nodes)
        return Node(op, "boolean", tuple(nodes))

    def says_something(self, e: exp.Expr, nodes: list[Node]) -> None:
        if all(node.op == "literal" for node in nodes):
            raise RiskwaveError(f"{shown(e)} compares nothing of the event; compare a column")

    def possible(self, e: exp.Expr, nodes: list[Node]) -> None:
        """A text column is compared with what it may be."""
        for column in nodes:
            may_be = self.columns[column.value].values if column.op == "column" else ()
            for said in nodes:
                if may_be and said.op == "literal" and said.value not in may_be:
                    fix = nearest(said.value, may_be) or f"it is one of {', '.join(may_be)}"
                    raise RiskwaveError(f"{shown(e)}: {column.value} is never {said.value!r}; {fix}")

    def arithmetic(self, e: exp.Binary) -> Node:
        op = _ARITHMETIC[type(e)]
        pairs = [(side, self.of(side, op, "number")) for side in (e.this, e.expression)]
        nodes = [self.number(node) for _, node in pairs]
        unit = None
        if op in "+-":
            self.same_unit(pairs, op)
            unit = nodes[0].unit or nodes[1].unit
        elif op == "/" and nodes[1].op == "literal" and nodes[1].value == 0:
            raise RiskwaveError(f"{shown(e)} divides by zero; divide by something else")
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
        raise RiskwaveError(f"{shown(e)}: is takes null, true or false; write = for values")

    def between(self, e: exp.Between) -> Node:
        if e.args.get("symmetric"):
            raise RiskwaveError(f"{shown(e)}: between symmetric is not allowed; put the lower bound first")
        parts = (e.this, e.args["low"], e.args["high"])
        nodes = self.alike([(part, self.node(part)) for part in parts], "between")
        if nodes[0].kind == "boolean":
            raise RiskwaveError(f"{shown(e)}: true and false have no order; write the flag, or not it")
        self.says_something(e, nodes)
        return Node("between", "boolean", tuple(nodes))

    def in_(self, e: exp.In) -> Node:
        if e.args.get("query") is not None or e.args.get("unnest") is not None or e.args.get("field") is not None:
            raise RiskwaveError(
                f"{shown(e)}: in takes literals, as in ('a', 'b'); use in_list('name', column) for a list"
            )
        pairs = [(part, self.node(part)) for part in (e.this, *e.expressions)]
        if len(pairs) < 2:
            raise RiskwaveError(f"{shown(e)}: in () is empty; name at least one value")
        for part, node in pairs[1:]:
            if node.op not in ("literal", "threshold"):
                raise RiskwaveError(f"{shown(part)}: in takes literals and thresholds; compare columns with =")
        nodes = self.alike(pairs, "in")
        self.says_something(e, nodes)
        self.possible(e, nodes)
        return Node("in", "boolean", tuple(nodes))

    def like(self, e: exp.Like) -> Node:
        if not (isinstance(e.expression, exp.Literal) and e.expression.is_string):
            raise RiskwaveError(f"{shown(e)}: like takes a literal pattern, as 'abc%'")
        if "\\" in e.expression.this:
            raise RiskwaveError(f"{shown(e)}: engines take \\ in like differently; use ~ with a pattern")
        return Node("like", "boolean", (self.of(e.this, "like", "text"),), e.expression.this)

    def regex(self, e: exp.RegexpLike) -> Node:
        if not (isinstance(e.expression, exp.Literal) and e.expression.is_string):
            raise RiskwaveError(f"{shown(e)}: ~ takes a literal pattern, as '^ab+c$'")
        pattern = e.expression.this
        try:
            check_pattern(pattern)
        except RiskwaveError as fault:
            raise RiskwaveError(f"pattern {short(pattern)} {fault}") from fault
        return Node("regex", "boolean", (self.of(e.this, "~", "text"),), pattern)

    def case(self, e: exp.Case) -> Node:
        if e.this is not None:
            raise RiskwaveError(f"{shown(e)}: write case when condition then value … else value end")
        conditions = [self.condition(branch.this, "when") for branch in e.args["ifs"]]
        parts = [branch.args["true"] for branch in e.args["ifs"]]
        if e.args.get("default") is None:
            raise RiskwaveError(f"{shown(e)}: has no else; add one")
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
        raise RiskwaveError(no_function(name))

    def in_list(self, e: exp.Anonymous) -> Node:
        if len(e.expressions) != 2 or not (isinstance(e.expressions[0], exp.Literal) and e.expressions[0].is_string):
            raise RiskwaveError(f"{shown(e)}: write in_list('list_name', column)")
        name, column = e.expressions[0].this, self.node(e.expressions[1])
        if not _is_name(name):
            raise RiskwaveError(f"in_list: {name!r} is no name of a list; use letters, digits and _, as block_ip")
        if column.op != "column" or column.kind != "text":
            raise RiskwaveError(
                f"{shown(e)}: in_list takes a text column as second; name one, as in_list('{name}', ip)"
            )
        return Node("in_list", "boolean", (column,), name)

    def sequence(self, e: exp.Anonymous) -> Node:
        fits = len(e.expressions) == 2 and isinstance(e.expressions[1], exp.Literal) and e.expressions[1].is_string
        if not fits:
            raise RiskwaveError(f"{shown(e)}: write sequence(card_events_30m, 'decline{{2,}} small+ large')")
        column, words = self.node(e.expressions[0]), e.expressions[1].this
        if column.op != "column" or column.unit != "event codes":
            known = ", ".join(name for name, found in self.columns.items() if found.unit == "event codes")
            raise RiskwaveError(f"{shown(e.expressions[0])} holds no event codes; sequence takes {known}")
        try:
            pattern = regex_of(words)
        except RiskwaveError as fault:
            raise RiskwaveError(f"sequence {short(words)} {fault}") from fault
        return Node("regex", "boolean", (column,), pattern)


def _is_name(name: str) -> bool:
    return re.match(NAME, name) is not None and len(name) <= 60
