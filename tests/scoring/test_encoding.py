"""From features to numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from riskwave.catalogue import load_catalogue
from riskwave.errors import RiskwaveError
from riskwave.scoring.encoding import LEAST_SEEN, MOST_VALUES, NAMES, Column, Encoder, learn_encoder
from riskwave.scoring.history import History

ENCODER = Encoder(
    (
        Column("amount", "number", ("amount",)),
        Column("is_new", "number", ("is_new",)),
        Column("channel", "category", ("channel",), ("cash", None, "ecommerce")),
        Column("codes:d", "letter", ("codes",), ("d",)),
        Column("amount/usual", "ratio", ("amount", "usual")),
        Column("hour_of_week", "hour_of_week", ("at",)),
    )
)
TABLE = pa.table(
    {
        "at": pa.array([datetime(2026, 1, 5, 3, 59), datetime(2026, 1, 4, 23, 0), None], pa.timestamp("us")),
        "amount": pa.array([100, None, 30], pa.int64()),
        "usual": pa.array([50.0, 1.0, 0.0]),
        "is_new": pa.array([True, None, False]),
        "channel": pa.array(["ecommerce", None, "never seen"]),
        "codes": pa.array(["sdd", None, ""]),
    }
)


def test_each_kind_by_hand() -> None:
    nan = np.nan
    expected = [[100, 1, 2, 2, 2, 3], [nan, nan, 1, nan, nan, 167], [30, 0, nan, 0, nan, nan]]
    matrix = ENCODER.encode(TABLE)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, np.array(expected, np.float32))


def test_it_is_the_same_from_json_and_for_any_order_of_columns() -> None:
    again = Encoder.of_dict(json.loads(json.dumps(ENCODER.as_dict())))
    assert again == ENCODER
    assert ENCODER.features == ("amount", "is_new", "channel", "codes", "usual", "at")
    shuffled = TABLE.select(["codes", "channel", "usual", "at", "is_new", "amount"]).append_column(
        "other", pa.array([1, 2, 3])
    )
    np.testing.assert_array_equal(again.encode(shuffled), ENCODER.encode(TABLE))


def test_a_zone_does_not_move_the_hour() -> None:
    zoned = TABLE.set_column(
        0, "at", pa.array([datetime(2026, 1, 5, 3, 59, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC"))
    )
    assert ENCODER.encode(zoned)[:, -1].tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.drop_columns(["usual", "codes"]), "the model needs codes, usual: no such column"),
        (TABLE.set_column(1, "amount", pa.array(["a", "b", "c"])), "amount: is of type string, expected a number"),
        (TABLE.set_column(1, "amount", TABLE["at"]), "amount: is of type timestamp"),
    ],
)
def test_what_cannot_be_scored_is_said(table: pa.Table, message: str) -> None:
    with pytest.raises(RiskwaveError, match=message):
        ENCODER.encode(table)


def test_no_names_are_learned(history: History) -> None:
    features = load_catalogue()
    encoder = learn_encoder(features, history.events, history.frauds())
    names = {feature.name for feature in features if feature.unit in NAMES}
    assert {"card_id", "merchant_id", "device_id", "ip", "bin"} <= names
    assert not names & set(encoder.features)
    # every other feature is read
    assert {feature.name for feature in features} - names == set(encoder.features)


def test_values_are_ordered_by_their_share_of_frauds_among_training_events() -> None:
    often, seldom = 40 * LEAST_SEEN, LEAST_SEEN - 1
    words = ["good"] * often + ["bad"] * often + ["rare"] * seldom
    fraud = np.array([False] * often + [True] * often + [True] * seldom)
    channel = next(feature for feature in load_catalogue() if feature.name == "channel")
    learned = learn_encoder([channel], pa.table({"channel": words}), fraud)
    assert learned.columns == (Column("channel", "category", ("channel",), ("good", "bad")),)


def test_a_category_keeps_its_most_frequent_values() -> None:
    words = [f"v{place:03}" for place in range(2 * MOST_VALUES) for _ in range(LEAST_SEEN + (place < MOST_VALUES))]
    mcc = next(feature for feature in load_catalogue() if feature.name == "mcc")
    learned = learn_encoder([mcc], pa.table({"mcc": words}), np.zeros(len(words), np.bool_))
    assert learned.columns[0].values == tuple(f"v{place:03}" for place in range(MOST_VALUES))
