"""The wire form: every field as text, and the JSON line that carries it."""

from typing import Any

import numpy as np
import pyarrow as pa

from riskwave.simulator.arrow import Column, pc
from riskwave.simulator.texts import instants
from riskwave.sources.batch import FIELDS, raw_table

#: Fields whose JSON values are not in quotes.
BARE = frozenset({"amount_minor", "billing_amount_minor", "latitude", "longitude", "is_recurring"})
#: The source column of rows that were not read from anywhere.
NAME = "sim"


def as_texts(transactions: pa.Table) -> pa.Table:
    """The 39 fields as strings: numbers as written, true/false, ISO 8601 (what is UTC ends in Z)."""
    columns = [_text(name, transactions[name].combine_chunks()) for name in FIELDS]
    return pa.Table.from_arrays(columns, schema=pa.schema([pa.field(n, pa.string()) for n in FIELDS]))


def json_lines(texts: pa.Table) -> Column:
    """One JSON object a row as bytes, without line end; null fields are left out.
    A row has at least one field that is not null. The simulator's texts hold nothing that JSON would have to escape.
    """
    parts: list[Any] = ["{"]
    comma = ""
    for name in FIELDS:
        column = texts[name].combine_chunks()
        quote = "" if name in BARE else '"'
        before = f'{comma}"{name}":{quote}'
        if column.null_count:
            # null where the column is, and then nothing
            parts.append(pc.binary_join_element_wise(before, column, quote, ""))
        else:
            parts += [before, column, quote]
            comma = ","
        if not comma:
            # whether this one comes first differs by row, so the next cannot know of a comma
            return _slowly(texts)
    return pc.binary_join_element_wise(*parts, "}", "", null_handling="replace").cast(pa.binary())


def _slowly(texts: pa.Table) -> Column:
    """The same for rows whose first field may be missing."""
    parts = []
    for name in FIELDS:
        quote = "" if name in BARE else '"'
        parts.append(pc.binary_join_element_wise(f'"{name}":{quote}', texts[name].combine_chunks(), quote, ""))
    body = pc.binary_join_element_wise(*parts, ",", null_handling="skip")
    return pc.binary_join_element_wise("{", body, "}", "").cast(pa.binary())


def raw_rows(texts: pa.Table) -> pa.Table:
    """RAW_SCHEMA rows of these texts, offsets from 0, received at the epoch until somebody knows better."""
    fields = {name: texts[name].combine_chunks() for name in FIELDS}
    rows = len(texts)
    return raw_table(
        fields,
        raw=json_lines(texts),
        source=NAME,
        partition=0,
        offsets=pa.array(np.arange(rows, dtype=np.int64)),
        received_at=pa.array(np.zeros(rows, np.int64)).cast(pa.timestamp("us")),
    )


def _text(name: str, column: Column) -> Column:
    if pa.types.is_timestamp(column.type):
        texts = instants(pc.fill_null(column.cast(pa.int64()), 0).to_numpy(), "" if name == "local_ts" else "Z")
        return pc.if_else(column.is_valid(), texts, None) if column.null_count else texts
    return column if column.type == pa.string() else column.cast(pa.string())
