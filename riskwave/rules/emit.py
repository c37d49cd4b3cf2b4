"""Trees and reasons as SQL, for DuckDB and RisingWave: the few places where they are written differently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from riskwave.rules.reasons import HUGE, LARGEST, UNKNOWN, Part, scale
from riskwave.rules.tree import Node

Dialect = Literal["duckdb", "risingwave"]

#: When entries expire that never do, and a moment before it.
NEVER = "timestamp '9999-12-31 00:00:00'"
BEFORE_NEVER = "timestamp '9999-12-30 00:00:00'"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_INFIX = ("=", "<>", "<", "<=", ">", ">=", "+", "-", "*")


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True)
class Emitter:
    """Trees to SQL.

    column, threshold: the SQL of a name; expiry: of a list and a column, the latest expiry among the entries that hold
    the column's value (NULL without one).
    """

    dialect: Dialect
    column: Callable[[str], str]
    threshold: Callable[[str], str]
    expiry: Callable[[str, str], str]

    def sql(self, node: Node) -> str:
        """The expression, in brackets where it needs them."""
        args = [self.sql(arg) for arg in node.args]
        op = node.op
        if op in _INFIX:
            return f"({args[0]} {op} {args[1]})"
        if op in ("and", "or"):
            return "(" + f" {op} ".join(args) + ")"
        form = getattr(self, "_" + _NAMES.get(op, op), None)
        if form is None:
            return f"{op}({', '.join(args)})"
        return str(form(node, *args))

    def _column(self, node: Node) -> str:
        return self.column(node.value)

    def _threshold(self, node: Node) -> str:
        return self.threshold(node.value)

    def _literal(self, node: Node) -> str:
        return self.literal(node.value)

    def literal(self, value: Any) -> str:
        """A value of Python as a literal of its kind."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return f"({value})" if value < 0 else str(value)
        if isinstance(value, datetime):
            return f"timestamp '{value:%Y-%m-%d %H:%M:%S.%f}'"
        if isinstance(value, float):
            # With an exponent DuckDB reads a double; without, a decimal.
            said = repr(value) if "e" in repr(value) else f"{value!r}e0"
            if self.dialect == "risingwave":
                return f"cast('{value!r}' as double precision)"
            return f"({said})" if value < 0 or said.startswith("-") else said
        return text(value)

    def _not(self, _: Node, x: str) -> str:
        return f"(not {x})"

    def _divide(self, _: Node, x: str, y: str) -> str:
        return f"({x} / nullif({y}, {self.literal(0.0)}))"

    def _negative(self, _: Node, x: str) -> str:
        return f"(- {x})"

    def _number(self, _: Node, x: str) -> str:
        return f"cast({x} as double precision)"

    def _between(self, _: Node, x: str, low: str, high: str) -> str:
        return f"({x} between {low} and {high})"

    def _in(self, _: Node, x: str, *members: str) -> str:
        if self.dialect == "duckdb":
            # Ten times faster there than IN, which becomes a join where the list is longer.
            return "(" + " or ".join(f"{x} = {member}" for member in members) + ")"
        return f"({x} in ({', '.join(members)}))"

    def _is_null(self, _: Node, x: str) -> str:
        return f"({x} is null)"

    def _is_true(self, _: Node, x: str) -> str:
        return f"coalesce({x}, false)"

    def _is_false(self, _: Node, x: str) -> str:
        return f"coalesce(not {x}, false)"

    def _round(self, _: Node, x: str) -> str:
        # Half away from zero, in a form that engines do not differ over.
        half, zero = self.literal(0.5), self.literal(0.0)
        return f"(case when {x} < {zero} then - floor({half} - {x}) else floor({x} + {half}) end)"

    def _ceil(self, _: Node, x: str) -> str:
        return f"(- floor(- {x}))"

    def _lower(self, _: Node, x: str) -> str:
        return f"translate({x}, '{_UPPER}', '{_UPPER.lower()}')"

    def _upper(self, _: Node, x: str) -> str:
        return f"translate({x}, '{_UPPER.lower()}', '{_UPPER}')"

    def _length(self, _: Node, x: str) -> str:
        return f"cast(length({x}) as bigint)"

    def _hour(self, _: Node, x: str) -> str:
        return f"cast(extract(hour from {x}) as bigint)"

    def _minute(self, _: Node, x: str) -> str:
        return f"cast(extract(minute from {x}) as bigint)"

    def _case(self, _: Node, *args: str) -> str:
        *pairs, otherwise = args
        whens = "".join(f" when {test} then {value}" for test, value in zip(pairs[::2], pairs[1::2], strict=True))
        return f"(case{whens} else {otherwise} end)"

    def _like(self, node: Node, x: str) -> str:
        return f"({x} like {text(node.value)})"

    def _regex(self, node: Node, x: str) -> str:
        if self.dialect == "duckdb":
            return f"regexp_matches({x}, {text(node.value)})"
        return f"({x} ~ {text(node.value)})"

    def _in_list(self, node: Node, x: str) -> str:
        expiry = self.expiry(node.value, node.args[0].value)
        held = f"coalesce({expiry} > coalesce({self.column('event_ts')}, {BEFORE_NEVER}), false)"
        return f"(case when {x} is not null then {held} end)"

    def sentence(self, parts: tuple[Part, ...], word: Callable[[Part], str]) -> str:
        """A reason's text, never NULL; word: the column that holds a value as it is written."""
        said = [text(part.text) if part.node is None else word(part) for part in parts]
        if len(said) == 1:
            return said[0]
        # One call is one vector in DuckDB, where || is one a pair.
        return f"concat({', '.join(said)})" if self.dialect == "duckdb" else " || ".join(said)

    def word(self, part: Part) -> str:
        """A value as a reason has it, never NULL: `reasons.written` in SQL."""
        assert part.node is not None  # noqa: S101 - text has no word
        x, kind = self.sql(part.node), part.node.kind
        if kind == "boolean":
            return f"(case when {x} then 'yes' when not {x} then 'no' else {text(UNKNOWN)} end)"
        if kind == "timestamp":
            form = f"strftime({x}, '%Y-%m-%d %H:%M')"
            x = form if self.dialect == "duckdb" else f"to_char({x}, 'YYYY-MM-DD HH24:MI')"
        elif kind == "integer" and not part.form:
            x = f"cast({x} as varchar)"
        elif kind != "text":
            return self._rounded(x, part.form)
        return f"coalesce({x}, {text(UNKNOWN)})"

    def _rounded(self, x: str, form: str) -> str:
        factor, places = scale(form)
        x = f"cast({x} as double precision)"
        whole = f"floor(abs({x}) * {self.literal(factor)} + {self.literal(0.5)})"
        percent = "%" if form == "percent" else ""
        if self.dialect == "duckdb":
            # A whole number below 1e15 over 100 has the two decimals that it prints.
            value = f"{whole} / {self.literal(100.0)}" if places else whole
            said = f"format('{{:.{2 if places else 0}f}}{percent}', sign({x}) * ({value}))"
        else:
            whole = f"cast({whole} as bigint)"
            said = f"case when {x} < {self.literal(0.0)} then '-' else '' end || "
            if places:
                said += f"cast({whole} / 100 as varchar) || '.' || lpad(cast({whole} % 100 as varchar), 2, '0')"
            else:
                said += f"cast({whole} as varchar) || '{percent}'"
        return (
            f"(case when {x} is null then {text(UNKNOWN)} when abs({x}) < {self.literal(LARGEST)} "
            f"then {said} else {text(HUGE)} end)"
        )


_NAMES = {"/": "divide", "is null": "is_null", "is true": "is_true", "is false": "is_false"}
