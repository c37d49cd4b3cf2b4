"""Truths of rules over a history in one pass: a column a rule, for the events where any fired or that are frauds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskwave.backtest.given import Given
from riskwave.backtest.history import History
from riskwave.backtest.then import Then, changed
from riskwave.rules.check import CheckedRule
from riskwave.rules.columns import MODEL_COLUMNS, rule_columns
from riskwave.rules.emit import Emitter, text
from riskwave.rules.lists import Lists
from riskwave.rules.tree import Node

Flags = NDArray[np.bool_]
#: The unit of columns that are looked up in networks too.
ADDRESS = "IPv4 or IPv6"
#: What is read of each event beside the rules' columns.
_OWN = ("event_id", "event_ts", "is_declined", "billing_amount_minor")


@dataclass(frozen=True)
class Truths:
    """Events where any rule fired, or that are frauds; arrays of one length.

    event_id: text; at: microseconds, UTC; money: minor units, 0 where declined; episode: number of the attack (a
    fraud that no label puts into one is its own), -1 for none; scenario: its kind by number, in `scenarios`;
    columns: what else was selected, by name.
    """

    event_id: pa.ChunkedArray
    at: NDArray[np.datetime64]
    money: NDArray[np.int64]
    is_fraud: Flags
    episode: NDArray[np.int64]
    scenario: NDArray[np.int64]
    scenarios: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]]

    def matrix(self, names: Sequence[str]) -> Flags:
        """Columns of truths side by side: events by rules."""
        made = np.zeros((len(self.at), len(names)), dtype=np.bool_, order="F")
        for place, name in enumerate(names):
            made[:, place] = self.columns[name]
        return made


class Pass:
    """One SELECT over a history. Columns are added by name, then `run` reads them."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._columns: dict[str, None] = dict.fromkeys(_OWN)
        self._routes: dict[str, str] = {}
        self._lookups: dict[tuple[int, str, str], str] = {}
        self._joins: list[str] = []
        self._then: dict[tuple[str, str, tuple[Any, ...], str], str] = {}
        self._givens: list[Given] = []
        self.selected: dict[str, str] = {}

    def truth(self, given: Given, rule: CheckedRule, tree: Node | None = None, **values: Any) -> str:
        """The SQL of whether a rule fires: never NULL. tree: in place of its own; values: of thresholds, likewise."""
        tree = tree or rule.tree
        said = self._emitter(given, {**given.thresholds(rule), **values}, rule).sql(tree)
        if rule.rule.channels is not None:
            said += f" and {self.channel(given)} in ({', '.join(map(text, rule.rule.channels))})"
        return f"coalesce({said}, false)"

    def channel(self, given: Given) -> str:
        """The column of the channel that a ruleset routes the event to."""
        *first, last = given.checked.channels
        emitter = self._emitter(given, {}, None)
        whens = "".join(f" when {emitter.sql(c.tree)} then {text(c.channel.channel)}" for c in first)
        name = text(last.channel.channel)
        sql = f"case{whens} else {name} end" if whens else name
        return self._routes.setdefault(sql, f"_channel{len(self._routes)}")

    def run(self, keep: str) -> Truths:
        """Read the selected columns of the events that are frauds or for which `keep`, over the columns, holds."""
        self.history.require([name for name in self._columns if name not in _UNSCORED])
        known = ", ".join(self._known(name) for name in self._columns)
        looked_up = "".join(f", {place}.until as {place}" for place in self._lookups.values())
        looked_up += "".join(f", coalesce({at}.value, {key[3]}) as {at}" for key, at in self._then.items())
        routes = "".join(f", {sql} as {name}" for sql, name in self._routes.items())
        chosen = "".join(f", {sql} as {name}" for name, sql in self.selected.items())
        events = f"select {known}{looked_up} from ({self.history.events}) as d{''.join(self._joins)}"
        table = self.history.connection.sql(
            f"select k.event_id, k.event_ts, case when k.is_declined then 0 else coalesce(k.billing_amount_minor, 0) "
            "end as money, f.event_id is not null as is_fraud, coalesce(f.episode_id, f.event_id) as episode_id, "
            f"f.scenario{chosen} from (select *{routes} from ({events})) as k "
            "left join frauds as f on f.event_id = k.event_id "
            f"where f.event_id is not null or {keep}"
        ).to_arrow_table()
        return _truths(table, list(self.selected))

    def _emitter(self, given: Given, values: Mapping[str, Any], rule: CheckedRule | None) -> Emitter:
        kinds = {t.name: t.kind for t in rule.thresholds} if rule else {}

        def threshold(name: str) -> str:
            if given.then is not None and rule is not None:
                return self._value_then(given.then, rule, name, values[name], literal)
            return literal(name, values[name])

        def literal(name: str, value: Any) -> str:
            return emitter.literal(float(value) if kinds[name] == "number" else value)

        emitter = Emitter("duckdb", self._column, threshold, lambda name, column: self._expiry(given, name, column))
        return emitter

    def _value_then(
        self, then: Then, rule: CheckedRule, name: str, otherwise: Any, literal: Callable[[str, Any], str]
    ) -> str:
        """A threshold's value when each event was decided: a column where it was not always the same."""
        told = next(threshold for threshold in rule.thresholds if threshold.name == name)
        values = then.of(rule.rule.rule, told, otherwise)
        if not changed(values):
            return literal(name, values[0])
        key = (rule.rule.rule, name, values, literal(name, otherwise))
        if key not in self._then:
            self._then[key] = place = f"_then{len(self._then)}"
            held = pa.array(values, pa.float64() if told.kind == "number" else None)
            table = pa.table({"control_version": pa.array(then.versions, pa.int64()), "value": held})
            self.history.connection.register(place, table)
            self._joins.append(f" left join {place} on {place}.control_version = d.control_version")
        return self._then[key]

    def _column(self, name: str) -> str:
        self._columns.setdefault(name)
        return name

    def _known(self, name: str) -> str:
        missing = name in _UNSCORED and name not in self.history.columns
        return f"cast(null as {_UNSCORED[name]}) as {name}" if missing else f"d.{name}"

    def _expiry(self, given: Given, list_name: str, column: str) -> str:
        """The column that says until when a list holds an event's value; its join is made where it is first asked."""
        runs = given.then.lists if given.then else ((None, None, given.lists),)
        if not any(lists.has(list_name) for _, _, lists in runs):
            return "cast(null as timestamp)"
        which = next((n for n, one in enumerate(self._givens) if one.lists is given.lists), len(self._givens))
        if which == len(self._givens):
            self._givens.append(given)
        key = (which, list_name, column)
        if key not in self._lookups:
            self._column(column)
            self._column("event_ts")
            self._lookups[key] = place = f"_in{len(self._lookups)}"
            held = [self._held(first, last, lists, list_name, column) for first, last, lists in runs]
            self.history.connection.register(place, pa.concat_tables(held))
            then = f" and d.control_version between {place}.first and {place}.last" if given.then else ""
            self._joins.append(f" left join {place} on {place}.value = d.{column}{then}")
        return self._lookups[key]

    def _held(self, first: int | None, last: int | None, lists: Lists, list_name: str, column: str) -> pa.Table:
        """The history's values that a list holds, and until when; first, last: control versions in which it does."""
        rows = self.history.connection.execute(
            f"select distinct {column} from ({self.history.events}) where {column} is not null"
        ).fetchall()
        values = [str(row[0]) for row in rows]
        until = lists.until(list_name, values, address=rule_columns()[column].unit == ADDRESS)
        held = [(value, end) for value, end in zip(values, until, strict=True) if end is not None]
        ends = pa.array([end for _, end in held], pa.int64()).cast(pa.timestamp("us"))
        return pa.table(
            {
                "value": pa.array([value for value, _ in held], pa.string()),
                "until": ends,
                "first": pa.array([first] * len(held), pa.int64()),
                "last": pa.array([last] * len(held), pa.int64()),
            }
        )


_UNSCORED = {column.name: column.type for column in MODEL_COLUMNS}


def _truths(table: pa.Table, selected: Sequence[str]) -> Truths:
    scenarios, scenario = _numbered(table["scenario"])
    return Truths(
        event_id=table["event_id"],
        at=np.asarray(table["event_ts"].to_numpy(), "datetime64[us]"),
        money=table["money"].to_numpy().astype(np.int64),
        is_fraud=table["is_fraud"].to_numpy(),
        episode=_numbered(table["episode_id"])[1],
        scenario=scenario,
        scenarios=scenarios,
        columns={name: table[name].to_numpy() for name in selected},
    )


def _numbered(column: pa.ChunkedArray) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Texts as numbers, NULL as -1."""
    encoded = column.combine_chunks().dictionary_encode()
    return tuple(encoded.dictionary.to_pylist()), encoded.indices.fill_null(-1).to_numpy().astype(np.int64)
