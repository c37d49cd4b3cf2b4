"""Texts to a contract's own types, with errors that name the row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, TypeAdapter, ValidationError

from riskwave.contracts import arrow_schema
from riskwave.errors import RiskwaveError
from riskwave.sources.rows import Texts

_OFFSET = r"(Z|[+-]\d\d(:?\d\d)?)$"
_MICROSECONDS = r"(\.\d{6})\d+"
_CARD_NUMBER = r"^[0-9]{12,19}$"


def to_contract(
    columns: dict[str, Texts], contract: type[BaseModel], *, where: str, offsets: Sequence[int]
) -> pa.Table:
    """A table of arrow_schema(contract) from texts; columns left out are null.

    Raises RiskwaveError naming the file, the row (from 1) and the column of the first value that is missing,
    not of the column's type, or not allowed by the contract.
    """
    schema = arrow_schema(contract)
    rows = len(offsets)
    made = []
    for field in schema:
        text = columns.get(field.name)
        column = pa.nulls(rows, pa.string()) if text is None else _without_blanks(text)
        if not field.nullable and column.null_count:
            row = pc.index(pc.is_null(column), pa.scalar(True)).as_py()
            raise RiskwaveError(f"{where}: row {offsets[row] + 1}: {field.name} is missing, the contract requires it")
        if field.name == "card_id":
            _must_be_token(column, where, offsets)
        made.append(_cast(column, field, contract, where, offsets))
    return pa.Table.from_arrays(made, schema=schema)


def _must_be_token(column: Any, where: str, offsets: Sequence[int]) -> None:
    row = pc.index(pc.match_substring_regex(column, _CARD_NUMBER), pa.scalar(True)).as_py()
    if row >= 0:
        raise RiskwaveError(
            f"{where}: row {offsets[row] + 1}: card_id looks like a card number, expected a token; card numbers are "
            "never stored: replace them where the file is made"
        )


def _without_blanks(column: Any) -> Any:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(column)), pa.scalar(0))
    return pc.if_else(blank, pa.scalar(None, pa.string()), column)


def _cast(column: Any, field: Any, contract: type[BaseModel], where: str, offsets: Sequence[int]) -> Any:
    try:
        made = _parse(column, field.type)
    except pa.ArrowInvalid:
        made = None
    if made is not None and _is_allowed(made, contract, field.name):
        return made
    # Something is wrong: the contract itself says where and what, value by value.
    info = contract.model_fields[field.name]
    reader: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation())
    for row, text in enumerate(column.to_pylist()):
        problem = _problem(reader, text, field.type)
        if problem:
            raise RiskwaveError(f"{where}: row {offsets[row] + 1}: {field.name}: {text[:40]!r}: {problem}")
    if made is None:
        raise RiskwaveError(f"{where}: {field.name}: not all values are {field.type}")
    return made


def _parse(column: Any, kind: Any) -> Any:
    if pa.types.is_timestamp(kind):
        column = pc.replace_substring_regex(column, _MICROSECONDS, r"\1")
        zoned = pc.match_substring_regex(column, _OFFSET)
        utc = pc.if_else(zoned, column, pc.binary_join_element_wise(column, "Z", ""))
        return utc.cast(pa.timestamp("us", "UTC")).cast(kind)
    return column.cast(kind)


def _is_allowed(column: Any, contract: type[BaseModel], name: str) -> bool:
    """Whether the contract's constraints hold, checked column by column; False may mean: not known."""
    info = contract.model_fields[name]
    choices = _choices(info.annotation)
    if choices is not None:
        listed = pc.or_(pc.is_in(column, pa.array(choices)), pc.is_null(column))
        return bool(pc.all(listed, min_count=0).as_py())
    return all(_holds(column, constraint) for constraint in info.metadata)


def _holds(column: Any, constraint: Any) -> bool:
    checks: list[Any] = []
    for bound, compare in (("ge", pc.greater_equal), ("le", pc.less_equal)):
        if getattr(constraint, bound, None) is not None:
            checks.append(compare(column, pa.scalar(getattr(constraint, bound))))
    for bound, compare in (("min_length", pc.greater_equal), ("max_length", pc.less_equal)):
        if getattr(constraint, bound, None) is not None:
            checks.append(compare(pc.utf8_length(column), pa.scalar(getattr(constraint, bound))))
    if getattr(constraint, "pattern", None) is not None:
        checks.append(pc.match_substring_regex(column, constraint.pattern))
    if getattr(constraint, "allow_inf_nan", True) is False:
        checks.append(pc.is_finite(column))
    return all(pc.all(check, min_count=0).as_py() is not False for check in checks)


def _choices(annotation: Any) -> list[Any] | None:
    for kind in (annotation, *get_args(annotation)):
        if get_origin(kind) is Literal:
            return list(get_args(kind))
    return None


def _problem(reader: TypeAdapter[Any], text: str | None, kind: Any) -> str | None:
    if text is None:
        return None
    try:
        reader.validate_python(text)
    except ValidationError as error:
        return error.errors()[0]["msg"]
    try:
        _parse(pa.array([text]), kind)
    except pa.ArrowInvalid:
        return f"not a {'time in ISO 8601' if pa.types.is_timestamp(kind) else kind}"
    return None
