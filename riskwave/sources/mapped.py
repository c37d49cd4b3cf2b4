"""Columns as a foreign file has them, made into fields as a mapping says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from riskwave.errors import RiskwaveError
from riskwave.sources.currencies import EXPONENTS
from riskwave.sources.mapping import AMOUNTS, TIMES, FieldMapping
from riskwave.sources.rows import Rows, Texts
from riskwave.sources.shape import nearest

_EXACT = Context(prec=60)
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UNITS = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000}


class Mapped:
    """A Shape by a mapping's `fields` or `label`. Fields the mapping does not name are null."""

    def __init__(self, fields: dict[str, FieldMapping], where: str) -> None:
        self._fields = fields
        self._where = where

    @property
    def columns(self) -> tuple[str, ...]:
        """The foreign columns that the mapping names."""
        return tuple(dict.fromkeys(f.column for f in self._fields.values() if f.column is not None))

    def check(self, names: tuple[str, ...], where: str) -> None:
        """All columns that the mapping names must be there."""
        for name, field in self._fields.items():
            if field.column is not None and field.column not in names:
                raise RiskwaveError(
                    f"{where}: no column {field.column!r}, from which {self._where} takes {name}"
                    f"{nearest(field.column, names)}"
                )

    def fields(self, rows: Rows) -> tuple[dict[str, Texts], list[str | None] | None]:
        """The fields as texts. A value that cannot be converted is the row's decode error."""
        errors: dict[int, str] = {}
        made = {name: _translated(field, rows) for name, field in self._fields.items()}
        for name, field in self._fields.items():
            if field.unit == "major":
                made[name] = _minor_units(name, made, errors)
            elif field.time_format or field.timezone or field.delay:
                made[name] = _each(name, made[name], _time_reader(name, field), errors)
            if field.prefix:
                made[name] = pc.binary_join_element_wise(field.prefix, made[name], "")
        if not errors:
            return made, rows.errors
        return made, [before or errors.get(i) for i, before in enumerate(rows.errors or [None] * len(rows))]


def _translated(field: FieldMapping, rows: Rows) -> Texts:
    if field.column is None:
        return pa.repeat(pa.scalar(field.constant, pa.string()), len(rows))
    column = rows.columns[field.column]
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    # An empty text is no value: it must not become a prefix alone.
    blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(column)), pa.scalar(0))
    column = pc.if_else(blank, pa.scalar(None, pa.string()), column)
    if not field.values:
        return column
    # Parquet's booleans are true and false; a mapping may say True and False.
    known = field.values | {k.lower(): v for k, v in field.values.items() if k.lower() in ("true", "false")}
    coded = column.dictionary_encode()
    words = [known.get(word, word) for word in coded.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(coded.indices)


def _each(name: str, column: Texts, read: Callable[[str], str], errors: dict[int, str]) -> Texts:
    made: list[str | None] = []
    for i, text in enumerate(column.to_pylist()):
        try:
            made.append(None if text is None else read(text))
        except (ValueError, ArithmeticError) as error:
            errors.setdefault(i, f"{name}: {_beginning(text)!r}: {error or 'not a number'}")
            made.append(None)
    return pa.array(made, pa.string())


def _beginning(text: str) -> str:
    """For a reason: half a number is not cut off at its end, it may be half a card number (macros/quoted.sql)."""
    return text if len(text) <= 40 else re.sub(r"\d+$", "", text[:40])


def _minor_units(name: str, made: dict[str, Texts], errors: dict[int, str]) -> Texts:
    """Amounts in major units as whole minor units of the currency, exactly."""
    currencies = next(made[c] for c in AMOUNTS[name] if c in made).to_pylist()
    values: list[str | None] = []
    for i, (text, currency) in enumerate(zip(made[name].to_pylist(), currencies, strict=True)):
        try:
            values.append(None if text is None else _minor(text, currency))
        except ValueError as error:
            errors.setdefault(i, f"{name}: {_beginning(text)!r}: {error}")
            values.append(None)
    return pa.array(values, pa.string())


def _minor(text: str, currency: str | None) -> str:
    exponent = EXPONENTS.get(currency or "")
    if exponent is None:
        raise ValueError(f"currency {currency} has no number of decimals in ISO 4217")
    try:
        amount = _EXACT.scaleb(Decimal(text), exponent)
    except ArithmeticError as error:
        raise ValueError("not an amount") from error
    if not amount.is_finite() or abs(amount) >= 10**18:
        raise ValueError("not an amount")
    if amount != amount.to_integral_value():
        raise ValueError(f"more than the {exponent} decimals of {currency}")
    return str(int(amount))


def _time_reader(name: str, field: FieldMapping) -> Callable[[str], str]:
    """How a text of the mapping's time format becomes one of the contract's."""
    form = field.time_format
    zone = ZoneInfo(field.timezone) if field.timezone else UTC

    def moment(text: str) -> datetime:
        if form in _EPOCH_UNITS:
            return _EPOCH + timedelta(microseconds=int(Decimal(text) * _EPOCH_UNITS[form]))
        try:
            return datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(f"is not of the form {form or 'ISO 8601'}") from error

    def read(text: str) -> str:
        when = moment(text)
        if TIMES[name] == "YYMM":
            return when.strftime("%y%m")
        if TIMES[name] == "local":
            return when.replace(tzinfo=None).isoformat()
        if form not in _EPOCH_UNITS:
            when = (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC)
        return (when + field.delay).replace(tzinfo=None).isoformat()

    return read
