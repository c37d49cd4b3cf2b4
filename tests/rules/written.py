"""Predicates that hypothesis writes, over a few typed columns, and rows for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from riskwave.rules.columns import RuleColumn
from riskwave.rules.tree import Node

TYPES = {
    **dict.fromkeys(("t1", "t2"), "varchar"),
    **dict.fromkeys(("i1", "i2"), "bigint"),
    **dict.fromkeys(("n1", "n2"), "double"),
    **dict.fromkeys(("b1", "b2"), "boolean"),
    **dict.fromkeys(("event_ts", "s1"), "timestamp"),
}
COLUMNS = {name: RuleColumn(name, kind, "", "") for name, kind in TYPES.items()}
COLUMNS["codes"] = RuleColumn("codes", "varchar", "event codes", "")
COLUMNS["ip"] = RuleColumn("ip", "varchar", "IPv4 or IPv6", "")
COLUMNS |= {name: RuleColumn(name, "varchar", "id", "") for name in ("event_id", "card_id")}

THRESHOLDS = {
    "whole": Node("threshold", "integer", value="whole"),
    "part": Node("threshold", "number", value="part"),
    "word": Node("threshold", "text", value="word"),
    "flag": Node("threshold", "boolean", value="flag"),
}

#: Values that are likely to meet, and those at the edges.
TEXTS = st.sampled_from(
    ["", "a", "A", "ab", "aB", "b", "ä", "Ä", "ß", "a\nb", "b\n", "a%", "日本", "z🙂", "it's", "0", "12"]
)
WHOLE = st.one_of(st.integers(-3, 3), st.sampled_from([2**63 - 1, -(2**63), 2**53 + 1, 10**12]))
PARTS = st.one_of(
    st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.0, 1.5, 2.5, -2.5, 1e308, -1e308, 5e-324, 0.49999999999999994, 0.1]),
    st.floats(-1e3, 1e3),
)
MOMENTS = st.sampled_from(
    [datetime(2024, 2, 29, 23, 59, 59, 999_999), datetime(2026, 1, 1), datetime(2026, 1, 1, 12, 30)]
)
CODES = st.text("drvcsml", max_size=6)
EDGES = st.sampled_from([float("nan"), float("inf"), float("-inf")])


def rows(*, strange: bool) -> st.SearchStrategy[dict[str, Any]]:
    """A row; strange: numbers may be NaN and infinite."""
    number = st.one_of(PARTS, EDGES) if strange else PARTS
    values = {"varchar": TEXTS, "bigint": WHOLE, "double": number, "boolean": st.booleans(), "timestamp": MOMENTS}
    known = {name: st.none() | values[kind] for name, kind in TYPES.items()}
    return st.fixed_dictionaries({**known, "codes": st.none() | CODES})


def thresholds() -> st.SearchStrategy[dict[str, Any]]:
    """A value for each threshold."""
    return st.fixed_dictionaries({"whole": WHOLE, "part": PARTS, "word": TEXTS, "flag": st.booleans()})


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


PATTERNS = [
    "a",
    "^a",
    "b$",
    "^(a|b)+$",
    "[^a]b",
    "a.b",
    "[0-9]{2}",
    "^$",
    "a?b*",
    "\\.",
    "(a|ab)(b|$)",
    "[a-c]{1,2}",
    "x|A",
]
SEQUENCES = [
    "decline{2,} small+ large",
    "any* large",
    "start (small|medium){2} any*",
    "!decline large",
    "cash any* cash any*",
]

_text_leaf = st.one_of(
    st.sampled_from(["t1", "t2", "t1", ":word"]), TEXTS.filter(lambda text: text.isprintable()).map(_quoted)
)
_text = st.one_of(
    _text_leaf,
    st.tuples(st.sampled_from(["lower", "upper"]), st.sampled_from(["t1", "t2"])).map(lambda p: f"{p[0]}({p[1]})"),
    st.tuples(
        st.sampled_from(["coalesce", "greatest", "least", "nullif"]), st.sampled_from(["t1", "t2"]), _text_leaf
    ).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
)
_literal = st.one_of(
    st.integers(-3, 3).map(str),
    st.sampled_from(["0.5", "1.5", "2.5", "1000000000000", "1e3", "0.1", "9223372036854775807"]),
)
_number_leaf = st.one_of(
    st.sampled_from(
        ["i1", "i2", "n1", "n2", ":whole", ":part", "length(t1)", "hour(event_ts)", "extract(minute from s1)"]
    ),
    _literal,
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner)
        .filter(lambda p: not (p[1] == "/" and p[2] in ("0", "0.0")))
        .map(" ".join)
        .map(lambda text: f"({text})"),
        st.tuples(st.sampled_from(["abs", "round", "floor", "ceil", "-"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(st.sampled_from(["coalesce", "greatest", "least", "nullif"]), inner, inner).map(
            lambda p: f"{p[0]}({p[1]}, {p[2]})"
        ),
        st.tuples(st.sampled_from(["b1", "i1 > 0", "t1 is null"]), inner, inner).map(
            lambda p: f"case when {p[0]} then {p[1]} else {p[2]} end"
        ),
    )


_number = st.recursive(_number_leaf, _grown, max_leaves=4)
_moment = st.sampled_from(
    ["event_ts", "s1", "timestamp '2026-01-01 00:00:00'", "timestamp '2024-02-29 23:59:59.999999'"]
)
_compared = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


def _of(kind: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(kind, _compared, kind).map(" ".join),
        st.tuples(kind, kind, kind).map(lambda p: f"{p[0]} between {p[1]} and {p[2]}"),
        kind.map(lambda text: f"({text}) is null"),
    )


_flag = st.sampled_from(
    ["b1", "b2", ":flag", "b1 = b2", "b1 <> :flag", "b1 is not true", "b2 is false", "coalesce(b1, b2)"]
)
_members = {
    "t1": _text_leaf.filter(lambda text: not text.startswith("t")),
    "i1": _literal | st.just(":whole"),
    "n1": _literal | st.just(":part"),
}
_in = st.sampled_from(list(_members)).flatmap(
    lambda name: st.lists(_members[name], min_size=1, max_size=6).map(lambda items: f"{name} in ({', '.join(items)})")
)
_matched = st.one_of(
    st.sampled_from(PATTERNS).map(lambda pattern: f"t1 ~ {_quoted(pattern)}"),
    st.sampled_from(["a%", "%b", "_", "a_b", "%", "", "%a%b%"]).map(lambda pattern: f"t2 like {_quoted(pattern)}"),
    st.sampled_from(SEQUENCES).map(lambda words: f"sequence(codes, {_quoted(words)})"),
)
_simple = st.one_of(_of(_text), _of(_number), _of(_moment), _flag, _in, _matched)

#: Predicates, many of them refused for what they say: those that are read are compared.
predicates = st.recursive(
    _simple,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({' '.join(p)})"),
        inner.map(lambda text: f"not ({text})"),
        inner.map(lambda text: f"({text}) is true"),
        st.tuples(inner, inner, inner).map(lambda p: f"case when {p[0]} then {p[1]} else {p[2]} end"),
    ),
    max_leaves=6,
)
