"""Columns in memory give back what was put in, in its own type."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from riskwave.engine.columns import NULL_CODE, Column, ColumnStore, TextColumn, Vocabulary

KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), st.sampled_from(["", "a", "b", "ü", "a b"])),
    "id": (pa.string(), st.text(max_size=4)),
    "whole": (pa.int64(), st.integers(-(2**63) + 1, 2**63 - 1)),
    "small": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "moment": (pa.timestamp("us"), st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))),
    "degrees": (pa.float64(), st.floats(allow_nan=False)),
    "flag": (pa.bool_(), st.booleans()),
}
SCHEMA = pa.schema([(name, kind) for name, (kind, _) in KINDS.items()])
rows = st.fixed_dictionaries({name: st.none() | values for name, (_, values) in KINDS.items()})
batches = st.lists(st.lists(rows, max_size=6), max_size=8)


def store_of(added: list[list[dict[str, Any]]]) -> tuple[ColumnStore, list[dict[str, Any]]]:
    store = ColumnStore({name: kind for name, (kind, _) in KINDS.items()}, plain=frozenset({"id"}))
    everything: list[dict[str, Any]] = []
    for batch in added:
        positions = store.append(pa.Table.from_pylist(batch, schema=SCHEMA))
        assert positions.tolist() == list(range(len(everything), len(everything) + len(batch)))
        everything += batch
    assert store.length == len(everything)
    return store, everything


@given(batches, st.data())
def test_rows_come_back_as_they_went_in(added: list[list[dict[str, Any]]], data: st.DataObject) -> None:
    store, everything = store_of(added)
    places = data.draw(st.lists(st.integers(0, len(everything) - 1), max_size=20) if everything else st.just([]))
    found = pa.table(store.gather(np.array(places, np.int32), list(KINDS)))
    assert found.schema == SCHEMA
    assert found.to_pylist() == [everything[place] for place in places]


@given(batches, st.randoms(use_true_random=False))
def test_reordered_rows_are_found_at_their_new_places(added: list[list[dict[str, Any]]], dice: Random) -> None:
    store, everything = store_of(added)
    order = list(range(len(everything)))
    dice.shuffle(order)
    store.reorder(np.array(order, np.int64))
    store.append(pa.Table.from_pylist(everything[:2], schema=SCHEMA))
    places = np.arange(store.length, dtype=np.int32)
    found = pa.table(store.gather(places, list(KINDS))).to_pylist()
    assert found == [*(everything[place] for place in order), *everything[:2]]


def test_a_column_that_a_batch_lacks_is_null() -> None:
    store = ColumnStore({"a": pa.int64(), "b": pa.string()})
    store.append(pa.table({"a": [1, 2], "more": ["x", "y"]}))
    assert pa.table(store.gather(np.array([1, 0], np.int32), ["a", "b"])).to_pylist() == [
        {"a": 2, "b": None},
        {"a": 1, "b": None},
    ]


def test_columns_grow_past_their_first_room() -> None:
    store = ColumnStore({"n": pa.int64(), "id": pa.string()}, plain=frozenset({"id"}))
    for start in range(0, 5_000, 700):
        numbers = range(start, start + 700)
        store.append(pa.table({"n": pa.array(numbers, pa.int64()), "id": [str(n) for n in numbers]}))
    every = np.arange(store.length, dtype=np.int32)
    assert store.columns["n"].at(every).tolist() == every.tolist()
    assert store.columns["id"].arrow(every).to_pylist() == [str(n) for n in every]


def test_updated_rows_hold_the_new_values() -> None:
    column = Column(pa.timestamp("us"))
    moments = pa.array([datetime(2026, 1, 1), None, datetime(2026, 1, 3)], pa.timestamp("us"))
    column.write(0, column.numbers(moments))
    column.update(np.array([0, 1], np.int32), column.numbers(moments.take(pa.array([1, 2]))))
    assert column.arrow(np.arange(3, dtype=np.int32)).to_pylist() == [None, datetime(2026, 1, 3), datetime(2026, 1, 3)]


@given(st.lists(st.lists(st.none() | st.sampled_from("abcdef"), max_size=6), max_size=6))
def test_a_text_has_one_code(batches_of_texts: list[list[str | None]]) -> None:
    vocabulary = Vocabulary()
    codes: dict[str | None, int] = {None: NULL_CODE}
    for texts in batches_of_texts:
        array = pa.array(texts, pa.string())
        before = {text: codes.get(text, NULL_CODE) for text in texts}
        assert vocabulary.known(array).tolist() == [before[text] for text in texts]
        for text, code in zip(texts, vocabulary.encode(array).tolist(), strict=True):
            assert codes.setdefault(text, code) == code
        assert vocabulary.decode(vocabulary.encode(array)).to_pylist() == texts
    assert sorted(codes.values()) == list(range(-1, len(vocabulary)))


def test_texts_kept_as_they_are_join_their_pieces() -> None:
    column = TextColumn()
    for start in range(0, 300, 3):
        column.write(start, pa.array([str(n) for n in range(start, start + 3)]))
    assert column.arrow(np.array([299, 0, 150], np.int32)).to_pylist() == ["299", "0", "150"]
    assert TextColumn().arrow(np.empty(0, np.int32)).to_pylist() == []
