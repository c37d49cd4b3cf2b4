"""Tiles in memory hold what plain sums by key and tile hold, and hand over those before an event's own."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskwave.engine.tiles import EPOCH_2000, TileSpec, TileStore, duration, tile_spec
from riskwave.errors import RiskwaveError
from riskwave.project import Model

Tile = tuple[str, int]
KEYS = ["m0", "m1", "m2"]
HOURS = TileSpec("hours", "merchant_id", 3600, 3 * 3600, None, ("txn_count", "amount_sum"), "")
CARDS = TileSpec("cards", "ip", 60, 5 * 60, "card_id", (), "")
#: Batches of what is added to a (key, tile); a tile is in a batch once, as a GROUP BY has it.
amounts = st.lists(st.dictionaries(st.tuples(st.sampled_from(KEYS), st.integers(0, 9)), st.integers(-9, 9)), max_size=6)
asked = st.lists(st.tuples(st.sampled_from([*KEYS, "unknown"]), st.integers(0, 12)), max_size=6)


def moment(tile: int, unit: int) -> datetime:
    return datetime.fromtimestamp(EPOCH_2000 + tile * unit, UTC).replace(tzinfo=None)


def seconds(tiles: list[int], unit: int, *, within: int = 0) -> Any:
    return np.array([tile * unit + within for tile in tiles], np.int64)


def ahead(store: TileStore, events: list[Tile], *columns: str) -> list[tuple[Any, ...]]:
    """For each of the events' own tiles, once: key, own tile, and of every tile before it its start and columns."""
    unit = store.spec.unit
    codes = store.keys.encode(pa.array([key for key, _ in events], pa.string()))
    numbers, count, found = store.ahead(codes, seconds([own for _, own in events], unit, within=unit - 1), first=5)
    assert found.schema == store.ahead_schema
    asked_for = {int(number): event for number, event in zip(numbers, events, strict=True)}
    assert sorted(asked_for) == list(range(5, 5 + count))
    rows = []
    for row in found.to_pylist():
        key, own = asked_for[row["_own"]]
        assert row["serves"] == moment(own, unit)
        rows.append((key, row["serves"], row["tile"], *(row[name] for name in columns)))
    return sorted(rows)


@given(amounts, asked)
def test_tiles_ahead_are_the_complete_ones_of_the_lookback(added: list[dict[Tile, int]], events: list[Tile]) -> None:
    store = TileStore(HOURS)
    counts: Counter[Tile] = Counter()
    totals: dict[Tile, int] = {}
    for batch in added:
        keys = pa.array([key for key, _ in batch], pa.string())
        tiles = seconds([tile for _, tile in batch], 3600)
        store.add(keys, tiles, None, [np.ones(len(batch), np.int64), np.array(list(batch.values()), np.int64)])
        for place, amount in batch.items():
            counts[place] += 1
            totals[place] = totals.get(place, 0) + amount
    assert len(store) == len(counts)
    wanted = {
        (key, moment(own, 3600), moment(tile, 3600), counts[key, tile], totals[key, tile])
        for key, own in events
        for tile in range(own - 3, own)
        if (key, tile) in counts
    }
    assert ahead(store, events, "txn_count", "amount_sum") == sorted(wanted)


def test_an_event_without_the_key_has_no_tile() -> None:
    store = TileStore(HOURS)
    codes = store.keys.encode(pa.array(["m0", None, "m0"], pa.string()))
    numbers, count, found = store.ahead(codes, seconds([7, 7, 7], 3600))
    assert (numbers.tolist(), count, found.num_rows) == ([0, -1, 0], 1, 0)


@given(
    st.lists(st.sets(st.tuples(st.sampled_from(KEYS), st.integers(0, 9), st.sampled_from("abc"))), max_size=6), asked
)
def test_members_of_a_tile_are_held_once(added: list[set[tuple[str, int, str]]], events: list[Tile]) -> None:
    store = TileStore(CARDS)
    for batch in added:
        rows = sorted(batch)
        store.add(
            pa.array([key for key, _, _ in rows], pa.string()),
            seconds([tile for _, tile, _ in rows], 60),
            pa.array([member for _, _, member in rows], pa.string()),
            [],
        )
    held = set().union(*added)
    assert len(store) == len(held)
    texts = store.members.decode(np.arange(len(store.members), dtype=np.int32)).to_pylist()
    wanted = {
        (key, moment(own, 60), moment(tile, 60), texts.index(member))
        for key, own in events
        for other, tile, member in held
        if key == other and own - 5 <= tile < own
    }
    assert ahead(store, events, "card_id") == sorted(wanted)


def model(sql: str, **meta: str) -> Model:
    given_meta = {"role": "tile", "entity": "merchant_id", "unit": "hour", "lookback": "24 hours"} | meta
    return Model("int_tiles", sql, "table", ("stg_payments",), given_meta)


def test_a_tile_model_is_read() -> None:
    sql = (
        "select merchant_id, date_trunc('hour', coalesce(transmitted_ts, event_ts)) as tile, count(*) as txn_count, "
        "sum(billing_amount_minor)::bigint as amount_sum from stg_payments group by merchant_id, tile"
    )
    assert tile_spec(model(sql)) == TileSpec(
        "int_tiles", "merchant_id", 3600, 86_400, None, ("txn_count", "amount_sum"), sql
    )


@pytest.mark.parametrize(
    ("measure", "reason"),
    [
        ("max(amount_minor) as most", "add up"),
        ("count(distinct card_id) as cards", "add up"),
        ("sum(amount_minor) / count(*) as mean", "add up"),
        ("mcc, bin", "its key"),
    ],
)
def test_what_cannot_be_added_up_is_no_tile(measure: str, reason: str) -> None:
    tile = "date_trunc('hour', coalesce(transmitted_ts, event_ts)) as tile"
    sql = f"select merchant_id, {tile}, {measure} from stg_payments group by all"
    with pytest.raises(RiskwaveError, match=reason):
        tile_spec(model(sql))


def test_a_tile_of_when_payments_were_made_is_refused() -> None:
    sql = "select merchant_id, date_trunc('hour', event_ts) as tile, count(*) as n from stg_payments group by all"
    with pytest.raises(RiskwaveError, match=r"int_tiles: .*counted_ts\(\)"):
        tile_spec(model(sql))


@pytest.mark.parametrize(("text", "number"), [("60 minutes", 3600), ("720 hours", 2_592_000), ("1 day", 86_400)])
def test_a_duration_is_seconds(text: str, number: int) -> None:
    assert duration(text) == number


@pytest.mark.parametrize("text", ["", "hours", "1.5 hours", "2 fortnights", "1 month"])
def test_no_duration_is_named(text: str) -> None:
    with pytest.raises(RiskwaveError, match="expected a duration"):
        duration(text)


payments = st.lists(
    st.tuples(st.sampled_from([*KEYS, None]), st.integers(0, 9 * 3600), st.integers(-9, 9)), max_size=30
)


@given(payments, st.integers(0, 30), asked)
def test_payments_add_what_their_sums_add(
    made: list[tuple[str | None, int, int]], cut: int, events: list[Tile]
) -> None:
    by_row, by_sum = TileStore(HOURS), TileStore(HOURS)
    for part in (made[:cut], made[cut:]):
        codes = by_row.keys.encode(pa.array([key for key, *_ in part], pa.string()))
        values = np.array([amount for *_, amount in part], np.int64)
        by_row.add_rows(codes, seconds([at for _, at, _ in part], 1), None, [np.ones(len(part), np.int64), values])
        sums: dict[Tile, list[int]] = {}
        for key, at, amount in part:
            if key is not None:
                one = sums.setdefault((key, at // 3600), [0, 0])
                one[0] += 1
                one[1] += amount
        keys = pa.array([key for key, _ in sums], pa.string())
        columns = [np.array([one[place] for one in sums.values()], np.int64) for place in (0, 1)]
        by_sum.add(keys, seconds([tile for _, tile in sums], 3600), None, columns)
    assert ahead(by_row, events, "txn_count", "amount_sum") == ahead(by_sum, events, "txn_count", "amount_sum")
