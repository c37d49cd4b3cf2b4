"""Look-up models are read as they are written, and refused when they are written in another way."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from riskwave.engine.look_ups import LookUps, look_up, without_look_ups
from riskwave.engine.plan import make_plan
from riskwave.engine.tiles import EPOCH_2000, TileSpec, TileStore
from riskwave.errors import RiskwaveError
from riskwave.project import Model, compiled_project

HOURS = TileSpec("int_shop_hours", "merchant_id", 3600, 2 * 3600, None, ("txn_count",), "")
IP_HOURS = TileSpec("int_ip_hours", "ip", 3600, 2 * 3600, None, ("txn_count",), "")
AHEAD = "(select past.*, own.serves from own inner join {tiles} as past on own.k = past.k)"
HOURS_AHEAD = AHEAD.format(tiles=HOURS.name)
SUMS = "select {key}, serves, sum(txn_count)::bigint as {name} from {ahead} as ahead group by {key}, serves"
JOIN = "on p.merchant_id = s.merchant_id and date_trunc('hour', coalesce(p.transmitted_ts, p.event_ts)) = s.serves"


def model(name: str, sql: str) -> Model:
    return Model(name, sql, "view", (), {"role": "ahead"})


def sums(tile: TileSpec, name: str) -> Model:
    ahead = AHEAD.format(tiles=tile.name)
    return model(f"{tile.name}_day", SUMS.format(key=tile.entity, name=name, ahead=ahead))


def test_measures_are_beside_the_events_and_models_alike_are_one_shape() -> None:
    shop, ip = look_up(sums(HOURS, "shop_count"), (HOURS, IP_HOURS)), look_up(sums(IP_HOURS, "n"), (HOURS, IP_HOURS))
    assert shop.sql == ip.sql
    stores = {tile.name: TileStore(tile) for tile in (HOURS, IP_HOURS)}
    hours = np.array([10, 11], np.int64) * 3600
    stores[HOURS.name].add(pa.array(["m0", "m0"]), hours, None, [np.array([3, 4], np.int64)])
    stores[IP_HOURS.name].add(pa.array(["i0", "i0"]), hours, None, [np.array([5, 6], np.int64)])
    codes = {"merchant_id": np.array([0, 0, -1], np.int32), "ip": np.array([0, 0, 0], np.int32)}
    with duckdb.connect() as connection:
        found = LookUps(connection, (shop, ip)).start(stores, codes, np.array([11, 12, 10], np.int64) * 3600 + 5)()
    columns = {name: column.to_pylist() for name, column in found.items()}
    # At 11:00 only the tile of 10:00 is complete; at 12:00 those of 10:00 and 11:00; at 10:00 none.
    assert columns == {shop.column("shop_count"): [3, 7, None], ip.column("n"): [5, 11, None]}
    assert EPOCH_2000 % 3600 == 0


def test_joins_become_columns_of_the_events() -> None:
    item = look_up(sums(HOURS, "shop_count"), (HOURS,))
    sql = f"select p.*, coalesce(s.shop_count, 0) as n from payments as p left join {item.name} as s {JOIN}"
    assert (
        without_look_ups(sql, (item,))
        == f"SELECT p.*, COALESCE(p.{item.column('shop_count')}, 0) AS n FROM payments AS p"
    )


@pytest.mark.parametrize(
    "join",
    [f"join int_shop_hours_day as s {JOIN}", f"left join int_shop_hours_day as s {JOIN.replace('hour', 'day')}"],
    ids=["that loses events", "by another tile"],
)
def test_another_join_is_refused(join: str) -> None:
    item = look_up(sums(HOURS, "shop_count"), (HOURS,))
    with pytest.raises(RiskwaveError, match="int_shop_hours_day: is looked up by look_up"):
        without_look_ups(f"select p.*, s.shop_count from payments as p {join}", (item,))


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select merchant_id, serves, 1 as n from other group by merchant_id, serves", "reads them through one"),
        (
            f"select merchant_id, serves, 1 as n from {AHEAD.format(tiles=HOURS.name)} as a group by serves",
            "serves and measures, by",
        ),
        (
            f"select serves, sum(x) as n from {AHEAD.format(tiles=HOURS.name)} as a group by serves",
            "serves and measures, by",
        ),
    ],
)
def test_a_model_over_tiles_is_written_in_one_way(sql: str, reason: str) -> None:
    with pytest.raises(RiskwaveError, match=reason):
        look_up(model("int_shop_day", sql), (HOURS,))


def test_the_projects_own_look_ups_are_few_statements() -> None:
    plan = make_plan(compiled_project())
    assert len(plan.look_ups) == 10
    assert len({item.sql for item in plan.look_ups}) == 4
