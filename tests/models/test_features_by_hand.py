"""Every feature of a small month of payments, from the SQL and computed the slow way, is the same."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from riskwave.catalogue import ENTITIES, load_catalogue, of_entity
from tests.models import landed
from tests.models.by_hand import ByHand

pytestmark = pytest.mark.xdist_group("dbt_build")


@pytest.fixture(scope="module")
def told(built: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """What the models say, by event_id and column."""
    result = built.execute("select * from decision_input")
    names = [column[0] for column in result.description]
    return {row[0]: dict(zip(names, row, strict=True)) for row in result.fetchall()}


@pytest.fixture(scope="module")
def computed() -> dict[str, dict[str, Any]]:
    made = landed.payments()
    by_hand = ByHand(made, landed.labels(made), landed.profiles(), landed.devices())
    return {row["event_id"]: by_hand.features(row) for row in by_hand.rows}


@pytest.mark.parametrize("entity", [entity for entity in ENTITIES if entity != "event"])
def test_features(entity: str, told: dict[str, dict[str, Any]], computed: dict[str, dict[str, Any]]) -> None:
    assert told.keys() == computed.keys()
    for feature in of_entity(load_catalogue(), entity):
        pairs = {event_id: (row[feature.name], computed[event_id][feature.name]) for event_id, row in told.items()}
        wrong = {event_id: pair for event_id, pair in pairs.items() if not _same(*pair)}
        assert not wrong, feature.name
        # one that always said the same would prove nothing
        assert len({expected for _, expected in pairs.values()}) > 1, feature.name


def _same(actual: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(actual, float):
        return actual == pytest.approx(expected, rel=1e-6, abs=1e-9)
    return bool(actual == expected) and type(actual) is type(expected)
