"""From the OVER form to the join form: compute only the new events of a window model.

`agg(x) over (partition by k order by event_ts range between I preceding and current row)` over a key's history
computes every row of that history to keep a few. The equivalent join computes the few:

    select b._row, agg(case when h.event_ts >= b.event_ts - I then h.x end)
    from batch b join history h on h._key = b._key and h.event_ts between b.event_ts - <longest I> and b.event_ts
    group by b._row

(CASE and not FILTER: DuckDB's cost of filtered aggregates grows with the square of their number.) `lag` becomes the
greatest earlier ordinal of the key, joined back to its row. Whatever is not known here is left in the OVER form,
evaluated over the whole scope: slower, never wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from riskwave.engine.passing import DIALECT, MORE, keeps_columns, parse, whole_relations
from riskwave.project import Model

TIME, ID = "event_ts", "event_id"
PLAIN = ("this", "separator", "big_int")


class NotRewritableError(Exception):
    """Why a model stays in the OVER form."""


@dataclass(frozen=True)
class Step:
    """A window model made incremental.

    upstream: the relation it reads; history: the columns its windows read of past rows (without key and time);
    same: the columns that are only compared for equality between a row and its past; they come as numbers, equal where
    the values are (`_x_<column>`). ctes: (name, SQL) pairs to put one after another in a WITH clause; the last is
    named like the model. They read `upstream` (the batch: its own columns, _row, and for this model _k_<model> and
    _s_<model>, key and ordinal) and, for the keys' other rows, `scope_<model>` (_key, _seq, event_ts, history columns)
    in join form or `over_<model>` (history columns and all that the model names) in OVER form.
    form: "join" or "over". keeps: whether the upstream's columns come out as they went in, beside new ones.
    """

    name: str
    entity: str
    upstream: str
    history: tuple[str, ...]
    same: tuple[str, ...]
    ctes: tuple[tuple[str, str], ...]
    form: str
    keeps: bool


@dataclass(frozen=True)
class _Frame:
    """A resolved window: extra partition columns, the frame's length, or None for lag's order."""

    extra: tuple[str, ...]
    length: exp.Interval | None


def window_step(model: Model, *, staged: frozenset[str] = frozenset(), form: str = "join") -> Step:
    """The incremental form of a model with `meta: {role: window, entity: …}`; `form="over"` forces the fallback.

    staged: the columns every event has from the start, which the engine can give as numbers.
    """
    statement = parse(model.sql)
    entity = str(model.meta["entity"])
    upstream = model.reads[0]
    if form == "join":
        try:
            return _join_form(model.name, entity, upstream, statement, staged)
        except NotRewritableError:
            pass
    return _over_form(model.name, entity, upstream, statement)


def _windowed_select(statement: exp.Expr, upstream: str) -> exp.Select:
    """The one SELECT with windows, if all it reads is the upstream relation, whole."""
    selects = [select for select in statement.find_all(exp.Select) if _own_windows(select)]
    if len(selects) != 1:
        raise NotRewritableError(f"{len(selects)} SELECTs with windows")
    select = selects[0]
    if any(select.args.get(part) for part in MORE):
        raise NotRewritableError("the windowed SELECT does more than read one relation")
    for item in select.expressions:
        if isinstance(item, exp.Star) and any(item.args.values()):
            raise NotRewritableError("a * with columns left out or changed")
    made = {item.alias for item in select.expressions if isinstance(item, exp.Alias)}
    if any(column.name in made for item in select.expressions for column in item.find_all(exp.Column)):
        raise NotRewritableError("a column of the SELECT's own making is read in it")
    source = select.args["from_"].this
    if not isinstance(source, exp.Table):
        raise NotRewritableError("the windowed SELECT reads a subquery")
    plain = whole_relations(statement, upstream, more=False)
    if source.name not in plain:
        raise NotRewritableError(f"windows over {source.name}, which is not the upstream relation as it is")
    return select


def _own_windows(select: exp.Select) -> list[exp.Window]:
    return [window for item in select.expressions for window in item.find_all(exp.Window)]


def _frame(window: exp.Window, select: exp.Select, entity: str) -> _Frame:
    if window.args.get("alias"):
        named = {spec.this.name: spec for spec in select.args.get("windows") or []}
        if window.alias not in named:
            raise NotRewritableError(f"no window named {window.alias}")
        spec = named[window.alias]
    else:
        spec = window
    keys = list(spec.args.get("partition_by") or [])
    extra: list[str] = []
    found = False
    for key in keys:
        if _is_entity(key, entity):
            found = True
        elif isinstance(key, exp.Column):
            extra.append(key.name)
        else:
            raise NotRewritableError(f"partition by {key.sql()}")
    if not found:
        raise NotRewritableError(f"not partitioned by {entity}")
    order = [
        item.this.name if isinstance(item.this, exp.Column) and not item.args.get("desc") else ""
        for item in (spec.args["order"].expressions if spec.args.get("order") else [])
    ]
    bounds = spec.args.get("spec")
    if order == [TIME, ID] and bounds is None and isinstance(window.this, exp.Lag):
        return _Frame(tuple(extra), None)
    if (
        order == [TIME]
        and bounds is not None
        and str(bounds.args.get("kind")).upper() == "RANGE"
        and isinstance(bounds.args.get("start"), exp.Interval)
        and bounds.args["start"].args.get("unit") is not None
        and not bounds.args.get("exclude")
        and str(bounds.args.get("start_side")).upper() == "PRECEDING"
        and str(bounds.args.get("end")).upper() == "CURRENT ROW"
    ):
        return _Frame(tuple(extra), bounds.args["start"])
    raise NotRewritableError(f"window {spec.sql(dialect=DIALECT)}")


def _is_entity(key: exp.Expr, entity: str) -> bool:
    """The entity's column, or `coalesce(entity, event_id)`: a NULL key has no history but itself."""
    if isinstance(key, exp.Column):
        return key.name == entity
    return (
        isinstance(key, exp.Coalesce)
        and isinstance(key.this, exp.Column)
        and key.this.name == entity
        and [other.name for other in key.expressions] == [ID]
    )


def _of(expression: exp.Expr, relation: str, seen: set[str]) -> exp.Expr:
    """A copy whose columns are the relation's; their names are added to `seen`."""

    def qualify(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            seen.add(node.name)
            return exp.column(node.name, table=relation)
        return node

    return expression.copy().transform(qualify)


def _within(place: int) -> str:
    """Stands, as a column's name, for "the history row lies in the frame of length number `place`"."""
    return f"_within_{place}_"


def _same(extra: tuple[str, ...], staged: frozenset[str]) -> list[str]:
    return [
        f"h._x_{name} = b._x_{name}" if name in staged else f"h.{name} is not distinct from b.{name}" for name in extra
    ]


def _aggregate(call: exp.Expr, condition: str, seen: set[str]) -> str:
    """The aggregate over the history row `h`, of the rows for which the condition holds ("" for all)."""

    def held(argument: exp.Expr) -> exp.Expr:
        if not condition:
            return argument
        return sqlglot.parse_one(f"case when {condition} then ({argument.sql(dialect=DIALECT)}) end", read=DIALECT)

    if isinstance(call, exp.Count) and isinstance(call.this, exp.Star):
        return f"count(case when {condition} then 1 end)" if condition else "count(*)"
    if isinstance(call, exp.Count) and isinstance(call.this, exp.Distinct):
        values = call.this.expressions
        if len(values) != 1:
            raise NotRewritableError("count of several distinct columns")
        # A list and not count(distinct …), for which DuckDB plans an aggregation of its own.
        return f"len(list_distinct(list({held(_of(values[0], 'h', seen)).sql(dialect=DIALECT)})))"
    if call.find(exp.Distinct) or any(value for name, value in call.args.items() if name not in PLAIN):
        raise NotRewritableError(call.sql(dialect=DIALECT))
    if type(call) in (exp.Count, exp.Sum, exp.Max, exp.Min, exp.Avg, exp.StddevSamp, exp.Stddev):
        return type(call)(this=held(_of(call.this, "h", seen))).sql(dialect=DIALECT)
    if isinstance(call, exp.GroupConcat) and isinstance(call.this, exp.Order):
        order = ["" if item.args.get("desc") else item.this.name for item in call.this.expressions]
        if order != [TIME, ID] or call.args.get("separator") is None:
            raise NotRewritableError("string_agg in another order than event_ts, event_id")
        value = held(_of(call.this.this, "h", seen)).sql(dialect=DIALECT)
        return f"string_agg({value}, {call.args['separator'].sql(dialect=DIALECT)} order by h._seq)"
    raise NotRewritableError(call.sql(dialect=DIALECT))


@dataclass
class _Windows:
    """What the windows of a SELECT come to.

    aggregates: over history `h` and batch `b`; lags: slot by extra partition columns; intervals: frame lengths by
    text; results: what stands for each window; history and compared: the columns read of past rows, the columns
    compared with theirs.
    """

    aggregates: list[str] = field(default_factory=list)
    lags: dict[tuple[str, ...], str] = field(default_factory=dict)
    intervals: dict[str, exp.Interval] = field(default_factory=dict)
    results: list[tuple[exp.Window, str]] = field(default_factory=list)
    history: set[str] = field(default_factory=set)
    compared: set[str] = field(default_factory=set)


def _read_windows(select: exp.Select, entity: str, staged: frozenset[str]) -> _Windows:
    found = _Windows()
    for window in _own_windows(select):
        frame = _frame(window, select, entity)
        found.compared.update(frame.extra)
        call = window.this
        if frame.length is None:
            if call.args.get("offset") or call.args.get("default"):
                raise NotRewritableError("lag by more than one")
            slot = found.lags.setdefault(frame.extra, f"_p{len(found.lags)}")
            found.results.append((window, _of(call.this, slot, found.history).sql(dialect=DIALECT)))
            continue
        length = frame.length.sql(dialect=DIALECT)
        found.intervals.setdefault(length, frame.length)
        held = " and ".join([_within(list(found.intervals).index(length)), *_same(frame.extra, staged)])
        result = f"_w{len(found.aggregates)}"
        found.aggregates.append(f"{_aggregate(call, held, found.history)} as {result}")
        found.results.append((window, f"_w.{result}"))
    found.history = (found.history | (found.compared - staged)) - {TIME}
    return found


def _join_form(name: str, entity: str, upstream: str, statement: exp.Expr, staged: frozenset[str]) -> Step:
    keeps = keeps_columns(statement, upstream)
    select = _windowed_select(statement, upstream)
    source = select.args["from_"].this.alias_or_name
    windows = _read_windows(select, entity, staged)
    codes = sorted(windows.compared & staged)
    past = "".join(f", {column}" for column in [*sorted(windows.history), *(f"_x_{column}" for column in codes)])
    bounds = "".join(f", {TIME} - {length} as _t{place}" for place, length in enumerate(windows.intervals))
    own = f"_k_{name} as _key, _s_{name} as _seq, {TIME}{past}"
    ctes = [
        (
            f"_h_{name}",
            f"select _key, _seq, {TIME}{past} from scope_{name} union all "
            f"select {own} from {upstream} where _k_{name} is not null",
        ),
        (f"_b_{name}", f"select _row, {own}{bounds} from {upstream} where _k_{name} is not null"),
    ]
    joins: list[str] = []
    if windows.aggregates:
        ctes.append((f"_a_{name}", _aggregated(name, windows)))
        joins.append(f"left join _a_{name} as _w on {source}._row = _w._row")
    if windows.lags:
        ctes.append((f"_l_{name}", _lagged(name, windows, staged)))
        for slot in windows.lags.values():
            earlier = f"{slot}_{name}"
            ctes.append((earlier, f"select l._row, h.* from _h_{name} h join _l_{name} l on h._seq = l.{slot}"))
            joins.append(f"left join {earlier} as {slot} on {source}._row = {slot}._row")
    _put_results(select, source, windows, joins)
    ctes.append((name, statement.sql(dialect=DIALECT, comments=False)))
    return Step(name, entity, upstream, tuple(sorted(windows.history)), tuple(codes), tuple(ctes), "join", keeps)


def _aggregated(name: str, windows: _Windows) -> str:
    """The aggregates of every batch row over the history in its frames."""
    lengths = list(windows.intervals)
    longest = max(lengths, key=lambda text: _seconds(windows.intervals[text]))
    items = ", ".join(windows.aggregates)
    for place, length in enumerate(lengths):
        items = items.replace(_within(place), "true" if length == longest else f"h.{TIME} >= b._t{place}")
    return (
        f"select b._row, {items} from _h_{name} h join _b_{name} b on h._key = b._key "
        f"and h.{TIME} <= b.{TIME} and h.{TIME} >= b._t{lengths.index(longest)} group by b._row"
    )


def _lagged(name: str, windows: _Windows, staged: frozenset[str]) -> str:
    """The ordinal of the row before every batch row, by partition."""
    items = []
    for extra, slot in windows.lags.items():
        condition = " and ".join(_same(extra, staged))
        items.append(f"max({f'case when {condition} then h._seq end' if condition else 'h._seq'}) as {slot}")
    return (
        f"select b._row, {', '.join(items)} from _h_{name} h join _b_{name} b on h._key = b._key "
        "and h._seq < b._seq group by b._row"
    )


def _put_results(select: exp.Select, source: str, windows: _Windows, joins: list[str]) -> None:
    """Put the results in the windows' places, join them in, and name the source of every other column."""
    for window, text in windows.results:
        window.replace(sqlglot.parse_one(text, read=DIALECT))
    for item in list(select.expressions):
        if item.is_star:
            item.replace(exp.Column(this=exp.Star(), table=exp.to_identifier(source)))
        elif not isinstance(item, exp.Alias):
            item.replace(exp.alias_(item.copy(), item.alias_or_name))
    for column in [node for item in select.expressions for node in item.find_all(exp.Column)]:
        if not column.table and not isinstance(column.this, exp.Star):
            column.set("table", exp.to_identifier(source))
    select.set("windows", None)
    for join in joins:
        select.append("joins", sqlglot.parse_one(f"select 1 from x {join}", read=DIALECT).args["joins"][0])


def _over_form(name: str, entity: str, upstream: str, statement: exp.Expr) -> Step:
    """The model as written, over the key's history and the batch; then only the batch is kept."""
    keeps = keeps_columns(statement, upstream)
    history = sorted({column.name for column in statement.find_all(exp.Column) if column.name} - {TIME})
    for table in statement.find_all(exp.Table):
        if table.name == upstream:
            named_by = table.alias or upstream
            table.set("this", exp.to_identifier(f"_u_{name}"))
            table.set("alias", exp.TableAlias(this=exp.to_identifier(named_by)))
    ctes = (
        (f"_u_{name}", f"select * from {upstream} union all by name select * from over_{name}"),
        (f"_o_{name}", statement.sql(dialect=DIALECT, comments=False)),
        (name, f"select * from _o_{name} where _row is not null"),
    )
    return Step(name, entity, upstream, tuple(history), (), ctes, "over", keeps)


def _seconds(interval: exp.Interval) -> float:
    unit = str(interval.args["unit"].name).lower().rstrip("s")
    scale = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
    if unit not in scale:
        raise NotRewritableError(f"an interval in {unit}s")
    return float(interval.this.name) * scale[unit]
