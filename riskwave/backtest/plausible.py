"""Which other values an event could have had: no fewer payments than itself, no more in an hour than in a day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from riskwave.batch.derive import KNOWN, STAGED, derive
from riskwave.batch.history import literal, whole
from riskwave.engine.state import create_landing
from riskwave.project import compiled_project
from riskwave.rules.columns import rule_columns
from riskwave.rules.windows import windows

AMOUNT, ENTERED = "billing_amount_minor", "amount_minor"
#: Measures that further payments can only raise, by the names that features have.
_GROWS = re.compile(r"(?P<entity>[a-z]+)_(?P<measure>[a-z]+_(?:count|sum|max))_(?P<window>[0-9]+[mhd])")
_FIRST = re.compile(r"(?P<entity>[a-z]+)_[a-z]+_first_(?P<window>[0-9]+[mhd])")


class Plausible:
    """What can be of one event. alone: what would be known of it, were it the first payment of everything."""

    def __init__(self, row: Mapping[str, Any], alone: Mapping[str, Any]) -> None:
        self._row = row
        self._alone = alone
        self._families: dict[tuple[str, str], list[tuple[timedelta, str]]] = {}
        for name, length in windows().items():
            if found := _GROWS.fullmatch(name):
                self._families.setdefault((found["entity"], found["measure"]), []).append((length, name))
        for family in self._families.values():
            family.sort()

    def changed(self, changes: Mapping[str, Any]) -> dict[str, Any] | None:
        """The row with other values, and with what follows from them; None for values that there cannot be."""
        row = {**self._row, **changes}
        self._follow(row, changes)
        return row if all(self._holds(row, name, value) for name, value in changes.items()) else None

    def _follow(self, row: dict[str, Any], changes: Mapping[str, Any]) -> None:
        """Another amount is in the sums that it is part of."""
        before = self._row.get(AMOUNT)
        same = before is not None and before == self._row.get(ENTERED)
        if same and AMOUNT in changes and ENTERED not in changes:
            row[ENTERED] = row[AMOUNT]
        if same and ENTERED in changes and AMOUNT not in changes:
            row[AMOUNT] = row[ENTERED]
        if before is None or row[AMOUNT] is None or row[AMOUNT] == before:
            return
        for (_, measure), family in self._families.items():
            if measure.endswith("_sum"):
                for _, name in family:
                    if name not in changes and row.get(name) is not None and self._alone.get(name) == before:
                        row[name] += row[AMOUNT] - before

    def _holds(self, row: Mapping[str, Any], name: str, value: Any) -> bool:
        column = rule_columns().get(name)
        if isinstance(value, bool):
            first = _FIRST.fullmatch(name)
            # Not the first one needs another one.
            return value or not first or _at_least(row.get(f"{first['entity']}_txn_count_{first['window']}"), 2)
        if not isinstance(value, int | float):
            return True
        if column is not None and not column.low <= value <= column.high:
            return False
        found = _GROWS.fullmatch(name)
        if not found:
            return True
        own = self._alone.get(name)
        if own is not None and value < own:
            return False
        family = [other for _, other in self._families[found["entity"], found["measure"]]]
        place = family.index(name)
        return (
            all(_at_least(value, row.get(other)) for other in family[:place])
            and all(_at_least(row.get(other), value) for other in family[place + 1 :])
            and self._within_payments(row, found["entity"], found["window"])
        )

    def _within_payments(self, row: Mapping[str, Any], entity: str, window: str) -> bool:
        """No more declines, merchants or countries than payments."""
        payments = row.get(f"{entity}_txn_count_{window}")
        counts = [row.get(f"{of}_{measure}_{window}") for of, measure in self._families if of == entity]
        names = [measure for of, measure in self._families if of == entity]
        return all(
            _at_least(payments, count)
            for measure, count in zip(names, counts, strict=True)
            if measure.endswith("_count")
        )


def _at_least(value: Any, bound: Any) -> bool:
    """Whether it is; what is not known is no reason against it."""
    return value is None or bound is None or value >= bound


def alone(connection: duckdb.DuckDBPyConnection, catalog: str, state: Path, event_id: str) -> dict[str, Any]:
    """What would be known of a state's event, were it the first payment of everything; empty without its payment."""
    query = whole(connection, catalog, state, STAGED)
    if query is None:
        return {}
    payment = connection.sql(f"select * from ({query}) where event_id = {literal(event_id)} limit 1").to_arrow_table()
    if payment.num_rows == 0:
        return {}
    with duckdb.connect() as own:
        own.execute("set TimeZone = 'UTC'")
        create_landing(own)
        own.register("payment", payment)
        own.execute(f"create table {STAGED} as select * from payment").fetchall()
        derive(own, compiled_project().models)
        rows = own.sql(f"select * from {KNOWN}")
        return dict(zip(rows.columns, rows.fetchall()[0], strict=True))
